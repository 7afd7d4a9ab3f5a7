// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

namespace lcsm {

// Retention, Sun et al. 2023 (https://arxiv.org/abs/2307.08621), heads h = 0 ... H-1:
//
//     m_t = (1 - 2^(-5-h)) m_{t-1} + k_t v_t^T          y_t = m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,H,D]. The sources differ in scale and rotation, and those are different models:
//
//     Retention   K^-1/2 on q, no rotation           fla-org/flash-linear-attention: fla/ops/retention/naive.py
//     RetNet      K^-1/2 on k, pairs (2j, 2j+1),     microsoft/torchscale: torchscale/component/multiscale_retention.py
//                 angles 10000^(-j / (K/2 - 1))
//     RetNetFla   K^-1/2 on q, pairs (j, j + K/2),   fla/layers/multiscale_retention.py
//                 angles 10000^(-2j / K)
//
// The row scalings of torchscale's parallel, chunk and recurrent forms are positive numbers per token and head: the layer's norm per head
// takes them out again (up to its eps), so the plain form is computed.
struct Retention : Mixer<expand::Data<>, oscillation::FixedDecay<rule::Retention>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct RetNet : Mixer<expand::Data<map::Then<map::RsqrtKeys, map::RotaryPairs>>, oscillation::FixedDecay<rule::Retention>,
                      shrink::Data<map::RotaryPairs>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct RetNetFla : Mixer<expand::Data<map::RotaryHalves>, oscillation::FixedDecay<rule::Retention>,
                         shrink::Data<map::Then<map::RsqrtKeys, map::RotaryHalves>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};

}  // namespace lcsm
