// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/gated_delta.hpp>

namespace lcsm {

// Comba, Hu et al. 2025 (https://arxiv.org/abs/2506.02475; fla-org/flash-linear-attention: fla/ops/comba, fla/layers/comba.py): the
// gated delta rule that erases along a vector p of its own.
//
//     m_t = (exp(g_t) I - beta_t k_t p_t^T) m_{t-1} + beta_t k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// q, k, p [B,T,H,K], v [B,T,HV,D], g [B,T,HV,1] <= 0, beta [B,T,HV,1]; H divides HV. Its two published functions disagree in what p meets:
//
//     Comba          the memory before the decay, as above: chunk_comba, fused_recurrent_comba, naive_chunk_comba, hence every checkpoint
//     CombaDecayed   the decayed memory, exp(g_t) beta_t k_t p_t^T: naive_recurrent_comba alone
//     CombaLayer     Comba with the layer's unit norms (of q, k and p), g = -exp(A_log) softplus(a + dt_bias) and beta = sigmoid(b)
//
// a, b [B,T,HV,1] are raw, A_log, dt_bias [HV] parameters. The layer itself makes p = sigmoid(decay) k (use_inner_decay, decay per
// head) and q <- q - D p (use_output_correction, D per head) before; since p then is normalised, its factor survives in q alone.
namespace comba {
template <class Write, class Erase, Order O, class Log, class Read> using Of = Mixer<Write, Stage<Log, LowRank<Write, Erase, O>>, Read>;
using G = LogTerm<Data<in::g, Axes::one>>;
using P = delta::Erase<map::Identity, in::p>;
}
struct Comba : comba::Of<delta::Write<>, comba::P, Order::before_decay, comba::G, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, p{}, g{}, beta{}; };
};
struct CombaDecayed : comba::Of<delta::Write<>, comba::P, Order::after_decay, comba::G, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, p{}, g{}, beta{}; };
};
struct CombaLayer : comba::Of<delta::LayerWrite<map::Sigmoid>, delta::Erase<map::L2Norm, in::p>, Order::before_decay,
                              delta::Decay<in::a, Axes::one>, delta::UnitRead> {
  template <class T> struct In { View<T> q{}, k{}, v{}, p{}, a{}, b{}, A_log{}, dt_bias{}; };
};

// A_log = log A, A uniform in [0, 16); softplus(dt_bias) log-uniform in the range. (The layer's decay is 1, its D 1 or 0.02.)
inline void initialise(CombaLayer, const CombaLayer::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 0, 16, range);
}

}  // namespace lcsm
