// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/kda.hpp>

namespace lcsm {

// Gated DeltaNet-2 (NVlabs/GatedDeltaNet-2; fla-org/flash-linear-attention: fla/ops/gdn2, fla/layers/gdn2.py): KDA whose beta has
// become two gates, b of what is erased, per key, and w of what is written, per value channel.
//
//     m_t = (I - k_t (b_t*k_t)^T) diag(exp(g_t)) m_{t-1} + k_t (w_t*v_t)^T          y_t = K^-1/2 m_t^T q_t
//
// q, k [B,T,H,K], v, w [B,T,HV,D], g, b [B,T,H,K] (or HV heads), g <= 0. The input is the product w*v. With b = w = beta it is KDA.
//
//     Gdn2                    the kernels: q and k as they are, g a log, b and w after their sigmoids
//     Gdn2Layer               the layer: q, k <- x / sqrt(|x|^2 + 1e-6), g = -exp(A_log) softplus(f + dt_bias), b and w through sigmoids
//     Gdn2LayerNegative       allow_neg_eigval (https://arxiv.org/abs/2411.12537): b = 2 sigmoid
//     Gdn2LayerSafe           safe_gate: g = lower_bound sigmoid(exp(A_log) (f + dt_bias))
//     Gdn2LayerSafeNegative   both
//
// f [B,T,H,K], b and w are raw in the layer, A_log [H], dt_bias [H,K] parameters of the query heads, lower_bound (gate_lower_bound)
// [H] or one number with strides 0, in [-5, 0). Convolution and silu before, the gated RMS norm after belong to the layer.
namespace gdn2 {
template <class Key, class Gate> using Erase = Stage<FactorTerm<Data<in::b, Axes::key, Gate>>, FactorTerm<Data<in::k, Axes::key, Key>>>;
template <class Gate> using Written = Input<Joined<combine::Product, Data<in::w, Axes::value, Gate>, Data<in::v, Axes::value>>>;
template <class Log, class EraseGate>
using Layer = Mixer<expand::Data<map::L2Norm>, Stage<Log, LowRank<expand::Data<map::L2Norm>, Erase<map::L2Norm, EraseGate>>>,
                    delta::UnitRead, Written<map::Sigmoid>>;
}
struct Gdn2 : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g>>, LowRank<expand::Data<>, gdn2::Erase<map::Identity, map::Identity>>>,
                    delta::Read, gdn2::Written<map::Identity>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, b{}, w{}; };
};
struct Gdn2Layer : gdn2::Layer<kda::Decay, map::Sigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, w{}, A_log{}, dt_bias{}; };
};
struct Gdn2LayerNegative : gdn2::Layer<kda::Decay, map::TwiceSigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, w{}, A_log{}, dt_bias{}; };
};
struct Gdn2LayerSafe : gdn2::Layer<kda::SafeDecay, map::Sigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, w{}, A_log{}, dt_bias{}, lower_bound{}; };
};
struct Gdn2LayerSafeNegative : gdn2::Layer<kda::SafeDecay, map::TwiceSigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, f{}, b{}, w{}, A_log{}, dt_bias{}, lower_bound{}; };
};

// A_log = log A, A uniform in [1, 16), with the safe gate too; softplus(dt_bias) log-uniform in the range; the lower bound -5.
inline void initialise(Gdn2Layer, const Gdn2Layer::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 1, 16, range);
}
inline void initialise(Gdn2LayerNegative, const Gdn2LayerNegative::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 1, 16, range);
}
inline void initialise(Gdn2LayerSafe, const Gdn2LayerSafe::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::delta_decay(p.A_log, p.dt_bias, rng, 1, 16, range);
  init::fill(p.lower_bound, [](Index, Index, Index) { return -5.0; });
}
inline void initialise(Gdn2LayerSafeNegative, const Gdn2LayerSafeNegative::In<double>& p, init::Generator& rng,
                       const StepRange& range = {}) {
  initialise(Gdn2LayerSafe{}, {.A_log = p.A_log, .dt_bias = p.dt_bias, .lower_bound = p.lower_bound}, rng, range);
}

}  // namespace lcsm
