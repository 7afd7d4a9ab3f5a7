// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <algorithm>

namespace lcsm {

// Decaying fast weights, Mao 2022 (https://arxiv.org/abs/2210.04243; jenni-ai/T2FW: t2fw/torch.py, t2fw_torch): what is kept is a product of a
// gate of the key and a gate of the value channel.
//
//     m_t[a,c] = sigmoid(g_t[a]) sigmoid(f_t[c]) m_{t-1}[a,c] + k_t[a] v_t[c]          y_t = m_t^T q_t
//
// q, k, g [B,T,H,K], v, f [B,T,H,D]; g and f raw, linear in the token. No feature map, no normaliser, no scale. There v is called x, g f_key,
// both gates come after their sigmoid, and the memory is [D, K]. The published kernel keeps the memory in half precision; do not.
struct DecayingFastWeights : Mixer<expand::Data<>, oscillation::RankOne<map::LogSigmoid<>>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, f{}; };
};

// Gated fast weights, Schlag and Schmidhuber 2017, in the form that the framework's table gives it (https://arxiv.org/abs/2405.17383): the gate
// matrix is an outer product of two vectors, given here by their logs g and f (<= 0, -infinity closes). From gates already through a sigmoid
// use their logs; which nonlinearity made them is the model's.
struct GatedFastWeights : Mixer<expand::Data<>, oscillation::RankOne<>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, f{}; };
};

// The bias of a raw gate, "uniform gate init" (T2FW: tests; Gu et al. 2020, https://arxiv.org/abs/1910.09890): sigmoid(bias) uniform in
// [1/n, 1 - 1/n], n the number of gates (at least 2).
inline double uniform_gate_bias(init::Generator& rng, Index n) {
  const double edge = 1 / double(std::max<Index>(n, 2)), u = init::uniform(rng, edge, 1 - edge);
  return std::log(u / (1 - u));
}

}  // namespace lcsm
