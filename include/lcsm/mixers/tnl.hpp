// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <cmath>

namespace lcsm {

// TransNormerLLM and its kernel Lightning Attention, Qin et al. 2023 and 2024 (https://arxiv.org/abs/2307.14995,
// https://arxiv.org/abs/2405.17381):
//
//     m_t = exp(g) m_{t-1} + k_t v_t^T          y_t = m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,H,D]; g [H,1], the log decay, is fixed per head and layer: fill it by a function below. The sources differ:
//
//     Lightning      no scale           OpenNLPLab/lightning-attention (lightning_attn_func with s = -g)
//     LightningFla   K^-1/2 on q        fla-org/flash-linear-attention: fla/ops/lightning_attn
//     Tnl            silu on q and k    the layer of OpenNLPLab/lightning-attention (examples/module/tnl_attn.py), from its projections
//
// The norm, the sigmoid gate and LRPE belong to the layer.
struct Lightning : Mixer<expand::Data<>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct LightningFla : Mixer<expand::Data<>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct Tnl : Mixer<expand::Data<map::Silu>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<map::Silu>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

// The ALiBi slopes 2^(-8 (h + 1) / H), h = 0 ... H-1. For H that is no power of two: those of the largest power P below, then every second one
// of 2P (https://arxiv.org/abs/2108.12409).
inline double alibi_slope(Index head, Index heads) {
  Index power = 1;
  while (2 * power <= heads) power *= 2;
  return head < power ? std::exp2(-8 * double(head + 1) / double(power)) : std::exp2(-8 * double(2 * (head - power) + 1) / double(2 * power));
}
// The two published schedules, for layer l = 0 ... L-1; they are numerically very different.
//   code    -alibi_slope(h, H) (1 - l / (L - 1) + 1e-5)        OpenNLPLab/lightning-attention; one layer alone counts as l / (L - 1) = 0
//   paper   -(8 h / H) (1 - l / L)                             the papers with h from 0, and fla
inline double tnl_log_decay(Index head, Index heads, Index layer, Index layers) {
  return -alibi_slope(head, heads) * (1 - (layers > 1 ? double(layer) / double(layers - 1) : 0.0) + 1e-5);
}
inline double tnl_log_decay_paper(Index head, Index heads, Index layer, Index layers) {
  return -8 * double(head) / double(heads) * (1 - double(layer) / double(layers));
}

}  // namespace lcsm
