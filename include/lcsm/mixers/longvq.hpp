// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/transformer_vq.hpp>

namespace lcsm {

// LongVQ, Liu et al. 2024 (https://arxiv.org/abs/2404.11163): two recurrences in a row. The first, `memory`, is a state space over the tokens (MegaEma,
// S4d, Dlr, Lru: any mixer whose input is x, or two directions of one in an encoder, layers/two_directions.hpp); what it remembers forms queries and keys, and the second, this one, is attention over the codes of these
// keys. No code is public; that the memory is Mega's, and forms the queries too, is inferred. Gates, norms and the window are the layer's:
// layers/longvq.hpp.
template <class Memory = MegaEma> struct LongVq : TransformerVq {
  using memory = Memory;
};

}  // namespace lcsm
