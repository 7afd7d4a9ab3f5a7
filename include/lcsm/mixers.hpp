// SPDX-License-Identifier: MIT
#pragma once

// All published mixers. docs/mixers.md has a row for each: what it writes, keeps and reads, its modes, its source, and its names elsewhere.

#include <lcsm/mixers/comba.hpp>
#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/dlr.hpp>
#include <lcsm/mixers/dplr.hpp>
#include <lcsm/mixers/dss.hpp>
#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/gdn2.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/hgrn2.hpp>
#include <lcsm/mixers/kda.hpp>
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/longvq.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mamba2.hpp>
#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/rwkv4.hpp>
#include <lcsm/mixers/rwkv6.hpp>
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/mixers/s5.hpp>
#include <lcsm/mixers/tnl.hpp>
#include <lcsm/mixers/transformer_vq.hpp>
