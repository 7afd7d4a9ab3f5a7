// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/mamba.hpp>

namespace lcsm {

// Mamba-2, state space duality, Dao & Gu 2024 (https://arxiv.org/abs/2405.21060; state-spaces/mamba: mamba_ssm/ops/triton/ssd_combined.py),
// per head:
//
//     d_t = softplus(delta_t + delta_bias)          m_t = exp(d_t A) m_{t-1} + d_t B_t x_t^T          y_t = m_t^T C_t + D x_t
//
// x [B,T,H,P], delta [B,T,H,1], B, C [B,T,G,N] (G divides H: group g serves heads g H/G ...), A [H] < 0, delta_bias [H], D [H,P], or [H] as
// a view of feature extent 1 and stride 0. Their state is [P,N], ours [N,P]. No scale. The gated norm RMSNorm(y silu(z)) is the layer's;
// Mamba2Log takes the published A_log [H], A = -exp(A_log).
struct Mamba2
    : Mixer<mamba::Write, oscillation::Discretised<mamba::Step<Axes::one>, Learned<in::A, Axes::one>>, mamba::Read, mamba::X, mamba::D> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}, D{}, delta_bias{}; };
};
struct Mamba2Log : Mixer<mamba::Write, oscillation::Discretised<mamba::Step<Axes::one>, Learned<in::A_log, Axes::one, map::NegExp>>,
                         mamba::Read, mamba::X, mamba::D> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A_log{}, D{}, delta_bias{}; };
};

// The discrete form (mamba_ssm/modules/ssd_minimal.py): g [B,T,H,1] is the log decay d_t A and x is already times d_t.
struct Mamba2Discrete : Mixer<expand::Data<map::Identity, in::B>, oscillation::Scalar<>, mamba::Read, mamba::X> {
  template <class T> struct In { View<T> x{}, g{}, B{}, C{}; };
};

// A uniform in [-16, -1], D = 1, softplus(delta_bias) in the range.
inline void initialise(Mamba2, const Mamba2::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::fill(p.A, [&](Index, Index, Index) { return -init::uniform(rng, 1, 16); });
  init::fill(p.D, [](Index, Index, Index) { return 1.0; });
  init::fill(p.delta_bias, [&](Index, Index, Index) { return init::step_bias(rng, range); });
}
inline void initialise(Mamba2Log, const Mamba2Log::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  initialise(Mamba2{}, {.A = p.A_log, .D = p.D, .delta_bias = p.delta_bias}, rng, range);
  init::fill(p.A_log, [&](Index h, Index, Index) { return std::log(-p.A_log.at(0, 0, h, 0, 0)); });
}

}  // namespace lcsm
