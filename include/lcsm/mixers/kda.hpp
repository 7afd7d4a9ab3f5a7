// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/gated_delta.hpp>

namespace lcsm {

// Kimi Delta Attention, Kimi Team 2025 (https://arxiv.org/abs/2510.26692; fla-org/flash-linear-attention: fla/ops/kda, fla/layers/kda.py;
// huggingface/transformers: kimi_linear): the gated delta rule with a decay of its own for every key.
//
//     m_t = (I - beta_t k_t k_t^T) diag(exp(g_t)) m_{t-1} + beta_t k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,HV,D], g [B,T,HV,K] <= 0, beta [B,T,HV,1]. H divides HV: head h of q and k serves the value heads h HV/H ....
//
//     Kda                    the kernels: q and k as they are, g a log, beta after its sigmoid
//     KdaNorm                use_qk_l2norm_in_kernel: q, k <- x / sqrt(|x|^2 + 1e-6)
//     KdaLayer               the layer: that norm, g = -exp(A_log) softplus(f + dt_bias), beta = sigmoid(b)
//     KdaLayerNegative       allow_neg_eigval (https://arxiv.org/abs/2411.12537): beta = 2 sigmoid(b)
//     KdaLayerSafe           safe_gate: g = lower_bound sigmoid(exp(A_log) (f + dt_bias)), so no gate is below lower_bound
//     KdaLayerSafeNegative   both
//
// f [B,T,HV,K] and b [B,T,HV,1] are raw (use_gate_in_kernel), A_log [HV], dt_bias [HV,K] parameters, lower_bound [HV] or one number
// with strides 0, -5 in the reference. Any of these may have H heads instead of HV. Convolution and silu before, the norm and gate
// after belong to the layer.
struct Kda : Mixer<delta::Write<>, Stage<LogTerm<Data<in::g>>, LowRank<delta::Write<>, delta::Erase<>>>, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, beta{}; };
};
struct KdaNorm
    : Mixer<delta::Write<map::L2Norm>, Stage<LogTerm<Data<in::g>>, LowRank<delta::Write<map::L2Norm>, delta::Erase<map::L2Norm>>>,
            delta::UnitRead> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, beta{}; };
};

namespace kda {
using Decay = delta::Decay<in::f, Axes::key>;
using SafeDecay = Term<Plane::log, combine::Product,
                       Joined<combine::Of<map::Sigmoid>, Joined<combine::Sum, Data<in::f>, Learned<in::dt_bias>>,
                              Learned<in::A_log, Axes::one, map::Exp>>,
                       Learned<in::lower_bound, Axes::one>>;
}
struct KdaLayer : delta::Layer<map::Sigmoid, kda::Decay> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, A_log{}, dt_bias{}; };
};
struct KdaLayerNegative : delta::Layer<map::TwiceSigmoid, kda::Decay> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, A_log{}, dt_bias{}; };
};
struct KdaLayerSafe : delta::Layer<map::Sigmoid, kda::SafeDecay> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, A_log{}, dt_bias{}, lower_bound{}; };
};
struct KdaLayerSafeNegative : delta::Layer<map::TwiceSigmoid, kda::SafeDecay> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, A_log{}, dt_bias{}, lower_bound{}; };
};

namespace init {
// The safe gate: A_log = 0, the lower bound -5.
inline void safe_decay(const View<double>& A_log, const View<double>& dt_bias, const View<double>& lower_bound, Generator& rng,
                       const StepRange& range) {
  delta_decay({}, dt_bias, rng, 0, 0, range);
  fill(A_log, [](Index, Index, Index) { return 0.0; });
  fill(lower_bound, [](Index, Index, Index) { return -5.0; });
}
}

// A_log = log A, A uniform in [1, 16); softplus(dt_bias) log-uniform in the range. The safe gate starts from A_log = 0.
inline void initialise(KdaLayer, const KdaLayer::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 1, 16, range);
}
inline void initialise(KdaLayerNegative, const KdaLayerNegative::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 1, 16, range);
}
inline void initialise(KdaLayerSafe, const KdaLayerSafe::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::safe_decay(p.A_log, p.dt_bias, p.lower_bound, rng, range);
}
inline void initialise(KdaLayerSafeNegative, const KdaLayerSafeNegative::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::safe_decay(p.A_log, p.dt_bias, p.lower_bound, rng, range);
}

}  // namespace lcsm
