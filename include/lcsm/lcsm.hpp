// SPDX-License-Identifier: MIT
#pragma once

// The door: the algebra, every mode and its adjoint, every published mixer. Layers, files and other execution policies are included by those who use them.

#include <lcsm/describe.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers.hpp>
#include <lcsm/mode/attend_vjp.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/convolve_vjp.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#include <lcsm/mode/vjp.hpp>
#include <lcsm/mode/vjp_workspace_size.hpp>
#include <lcsm/mode/workspace_size.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/version.hpp>
