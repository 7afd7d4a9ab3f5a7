// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// Linear attention, Katharopoulos et al. 2020 (https://arxiv.org/abs/2006.16236).
//
//     m_t = m_{t-1} + k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// without a denominator: what fla-org/flash-linear-attention (fla/ops/linear_attn, normalize=False) computes, and with a norm after it
// TransNormer (https://arxiv.org/abs/2210.10340). Feature maps are the layer's, or maps of one's own: expand::Data<map::Relu> ...
struct LinearAttention : Mixer<expand::Data<>, oscillation::Identity, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };                      // [B,T,H,K] [B,T,H,K] [B,T,H,D]
};

// With its denominator, z_t = z_{t-1} + k_t: y_t = K^-1/2 m_t^T q_t / (K^-1/2 q_t . z_t + 1e-10), for q and k that have been through a
// positive feature map (fla: normalize=True).
struct LinearAttentionNormalised : Mixer<expand::Data<>, oscillation::Identity, shrink::Data<map::RsqrtKeys>, Quotient<guard::Add<-10>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};

// The paper's: elu + 1 on raw q and k, no scale, 1e-6 beside the denominator (idiap/fast-transformers: causal_linear_attention.py).
struct LinearTransformer : Mixer<expand::Data<map::EluPlusOne>, oscillation::Identity, shrink::Data<map::EluPlusOne>, Quotient<guard::Add<-6>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};

}  // namespace lcsm
