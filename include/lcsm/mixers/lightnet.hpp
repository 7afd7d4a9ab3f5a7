// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// LightNet, Qin et al. 2024 (https://arxiv.org/abs/2405.21022; fla-org/flash-linear-attention: fla/ops/lightnet, fla/layers/lightnet.py): a cumulative
// softmax of the key logits, per key.
//
//     m_t[a] = sum_s exp(k_s[a]) v_s / sum_s exp(k_s[a]), s <= t          y_t = K^-1/2 m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,H,D], k raw logits. Of any size: what is stored are means and the logs z of their total weights, z_t = log(exp(z_{t-1}) +
// exp(k_t)), which no size of k overflows. fla writes it as GLA with log gate z_{t-1} - z_t and key exp(k_t - z_t), and has m and z as its state.
// The same is type 12 of Doraemonzzz/Lcsm, whose logits are clamped to [-10, 10] and whose read has no scale.
struct LightNet : Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<map::RsqrtKeys>, Mean> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
// From the layer's projections: q through silu. The norm and the output gate belong to the layer.
struct LightNetLayer : Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<map::Then<map::Silu, map::RsqrtKeys>>, Mean> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};

}  // namespace lcsm
