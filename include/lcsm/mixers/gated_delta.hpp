// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/mamba.hpp>

namespace lcsm {

// Gated DeltaNet, Yang et al. 2024 (https://arxiv.org/abs/2412.06464; fla-org/flash-linear-attention: fla/ops/gated_delta_rule): the memory
// decays, then the delta rule corrects what is left of it.
//
//     m_t = exp(g_t) (I - beta_t k_t k_t^T) m_{t-1} + beta_t k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,HV,D], beta [B,T,HV,1], g [B,T,HV,1] <= 0 a log gate. H divides HV: head h of q and k serves the value heads
// h HV/H ... of v, y, beta, g and the parameters.
//
//     GatedDeltaRule          the kernels: q and k as they are, g a log, beta after its sigmoid
//     GatedDeltaRuleNorm      use_qk_l2norm_in_kernel: q, k <- x / sqrt(|x|^2 + 1e-6) (also Qwen3-Next in huggingface/transformers)
//     GatedDeltaNet           the layer (fla/layers/gated_deltanet.py): that norm, g = -exp(A_log) softplus(a + dt_bias), beta = sigmoid(b)
//     GatedDeltaNetNegative   allow_neg_eigval (https://arxiv.org/abs/2411.12537): beta = 2 sigmoid(b)
//
// a, b [B,T,HV,1] are raw (a_proj, b_proj; use_gate_in_kernel, use_beta_sigmoid_in_kernel), A_log, dt_bias [HV] parameters. Convolution and
// silu before, the gated RMS norm after belong to the layer.
struct GatedDeltaRule
    : Mixer<delta::Write<>, Stage<LogTerm<Data<in::g, Axes::one>>, LowRank<delta::Write<>, delta::Erase<>>>, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, beta{}; };
};
struct GatedDeltaRuleNorm
    : Mixer<delta::Write<map::L2Norm>,
            Stage<LogTerm<Data<in::g, Axes::one>>, LowRank<delta::Write<map::L2Norm>, delta::Erase<map::L2Norm>>>, delta::UnitRead> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, beta{}; };
};
struct GatedDeltaNet : delta::Layer<map::Sigmoid, delta::Decay<in::a, Axes::one>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, b{}, A_log{}, dt_bias{}; };
};
struct GatedDeltaNetNegative : delta::Layer<map::TwiceSigmoid, delta::Decay<in::a, Axes::one>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, b{}, A_log{}, dt_bias{}; };
};

namespace init {
// A_log = log A, A uniform in [low, high); softplus(dt_bias) in the range.
inline void delta_decay(const View<double>& A_log, const View<double>& dt_bias, Generator& rng, double low, double high,
                        const StepRange& range) {
  fill(A_log, [&](Index, Index, Index) { return std::log(uniform(rng, low, high)); });
  fill(dt_bias, [&](Index, Index, Index) { return step_bias(rng, range); });
}
}

// A_log = log A, A uniform in [0, 16); softplus(dt_bias) log-uniform in the range.
inline void initialise(GatedDeltaNet, const GatedDeltaNet::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 0, 16, range);
}
inline void initialise(GatedDeltaNetNegative, const GatedDeltaNetNegative::In<double>& p, init::Generator& rng,
                       const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 0, 16, range);
}

}  // namespace lcsm
