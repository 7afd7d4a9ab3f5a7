// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// Gated linear attention, Yang et al. 2023 (https://arxiv.org/abs/2312.06635; fla-org/flash-linear-attention: fla/ops/gla).
//
//     m_t = diag(exp(g_t)) m_{t-1} + k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// g is a log gate (<= 0) per key, as in its kernels; GlaLayerGate makes it from the layer's raw gate.
struct Gla : Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };                 // [B,T,H,K] [B,T,H,K] [B,T,H,D] [B,T,H,K]
};

// The layer's gate: log alpha = logsigmoid(raw) / 16, raw = W2 W1 x + b.
struct GlaLayerGate : Mixer<expand::Data<>, oscillation::PerKey<map::LogSigmoid<16>>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

// One log gate per head (simple GLA; Mamba-2 without its step): g [B,T,H,1].
struct SimpleGla : Mixer<expand::Data<>, oscillation::Scalar<>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

}  // namespace lcsm
