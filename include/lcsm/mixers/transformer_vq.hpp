// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// Attention over quantised keys, the linear part of Transformer-VQ, Lingle 2023 (https://arxiv.org/abs/2309.16354; transformer-vq/transformer_vq:
// src/transformer_vq/nn/attn.py): the key of a token is one of the rows C of a codebook, so softmax attention over all keys is a recurrence.
//
//     m_t[a] = m_{t-1}[a] + [a = code_t] v_t          n_t[a] the same with v = 1
//     y_t = sum_a exp(q_t . C[a]) m_t[a] / sum_a exp(q_t . C[a]) n_t[a]
//
// q [B,T,H,W], v [B,T,H,D], code [B,T,H], codebook [H,S,W]; `codes` is S. Scales and norms of queries and keys are the layer's. Exponentials are held
// against the largest of the codes taken so far, so no logit overflows. Counts are exact to 2^24 tokens of a code in a float state, 2^53 in a double
// one. The window of keys with a bias that the model has beside it: attention/attend_vq.hpp, whose state keeps means; the layer:
// layers/transformer_vq.hpp; codes: vq/.
struct TransformerVq : Mixer<expand::Code<>, oscillation::Identity, shrink::CodebookExp<>, Quotient<guard::None>> {
  template <class T> struct In {
    View<const std::int32_t> code{};
    View<T> q{}, codebook{}, v{};
    Index codes = 0;
  };
};

}  // namespace lcsm
