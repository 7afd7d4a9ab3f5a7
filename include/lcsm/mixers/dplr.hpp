// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/init.hpp>

namespace lcsm {

// The generalised delta rule: a decay per key plus any matrix of rank one (fla-org/flash-linear-attention: fla/ops/generalized_delta_rule).
//
//     Dplr   m_t = (diag(exp(g_t)) + b_t a_t^T) m_{t-1} + k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//     Iplr   m_t = (I + b_t a_t^T) m_{t-1} + k_t v_t^T                       the same y_t
//
// q, k, a, b, g [B,T,H,K], v [B,T,H,D], g <= 0 (gk in fla). a reads, b writes (alpha and beta in the naive code). Nothing bounds the
// transition: it is a contraction for b = -beta a, |a| = 1, beta in [0, 2].
namespace dplr {
using Minus = delta::Erase<map::Negate, in::a>;             // the coupling subtracts
using B = delta::Erase<map::Identity, in::b>;
}
struct Dplr : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g>>, LowRank<dplr::B, dplr::Minus, Order::before_decay>>, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, b{}, g{}; };
};
struct Iplr : Mixer<expand::Data<>, Stage<LowRank<dplr::B, dplr::Minus>>, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, b{}; };
};

// RWKV-7, Peng et al. 2025 (https://arxiv.org/abs/2503.14456; BlinkDL/RWKV-LM: RWKV-v7; fla/ops/rwkv7, fla/layers/rwkv7.py): Dplr
// without the scale, and with a = -kk, b = kk*a' for a unit vector kk and a gate a', so
//
//     m_t = (diag(exp(w_t)) - (kk_t*a'_t) kk_t^T) m_{t-1} + k_t v_t^T          y_t = m_t^T r_t
//
//     Rwkv7        the kernels' arguments: w a log decay (w_log in others), a and b as in Dplr; r, w, k, a, b [B,T,H,K], v [B,T,H,D]
//     Rwkv7Layer   from raw numbers: log decay -exp(-1/2) sigmoid(w), a' = sigmoid(a), kk <- kk / max(|kk|, 1e-12),
//                  k <- k (1 + (a' - 1) k_a)
//
// In the layer kk [B,T,H,K] is k*k_k before its norm (k_k a parameter per channel), k_a [H,K]. Token shift, the low-rank projections
// that w and a come from, the mixing of v with the first layer's, group norm, and the bonus (r . r_k*k) v after the norm belong to the
// layer.
struct Rwkv7 : Mixer<expand::Data<>, Stage<LogTerm<Data<in::w>>, LowRank<dplr::B, dplr::Minus, Order::before_decay>>,
                     shrink::Data<map::Identity, in::r>> {
  template <class T> struct In { View<T> r{}, w{}, k{}, v{}, a{}, b{}; };
};
namespace rwkv7 {
using Kk = FactorTerm<Data<in::kk, Axes::key, map::UnitNorm>>;
using Key = Stage<FactorTerm<Joined<combine::Rwkv7Key, Data<in::k>, Data<in::a>, Learned<in::k_a>>>>;
using Replaced = LowRank<Stage<Kk, FactorTerm<Data<in::a, Axes::key, map::Sigmoid>>>, Stage<Kk>, Order::before_decay>;
}
struct Rwkv7Layer : Mixer<rwkv7::Key, Stage<LogTerm<Data<in::w, Axes::key, map::Rwkv7Decay>>, rwkv7::Replaced>,
                          shrink::Data<map::Identity, in::r>> {
  template <class T> struct In { View<T> r{}, w{}, k{}, v{}, kk{}, a{}, k_a{}; };
};

// k_a = 1.02.
inline void initialise(Rwkv7Layer, const Rwkv7Layer::In<double>& p) {
  init::fill(p.k_a, [](Index, Index, Index) { return 1.02; });
}

}  // namespace lcsm
