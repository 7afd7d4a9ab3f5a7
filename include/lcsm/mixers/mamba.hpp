// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

namespace mamba {
// softplus(delta + delta_bias), per channel or per head.
template <Axes X> using Step = Joined<combine::Of<map::Softplus, combine::Sum>, Data<in::delta, X>, Learned<in::delta_bias, X>>;
using A = Learned<in::A, Axes::matrix>;
using Write = Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>;
using Read = shrink::Data<map::Identity, in::C>;
using X = Input<Data<in::x, Axes::value>>;
using D = Skip<Learned<in::D, Axes::value>>;
}

// Mamba's selective scan (S6), Gu & Dao 2023 (https://arxiv.org/abs/2312.00752; state-spaces/mamba: mamba_ssm/ops/selective_scan_interface.py):
//
//     d_t = softplus(delta_t + delta_bias)          m_t[a,c] = exp(d_t[c] A[a,c]) m_{t-1}[a,c] + d_t[c] B_t[a] x_t[c]
//     y_t[c] = sum_a C_t[a] m_t[a,c] + D[c] x_t[c]
//
// A is exact (zero-order hold), B by Euler's rule. Channels are the value axis, the N states of each are the keys, and a group of channels
// that share B and C is a head: x, delta [B,T,G,D/G], B, C [B,T,G,N], A [G,N,D/G] < 0, D, delta_bias [G,D/G]. The published A_log is
// [D,N]: its A = -exp(A_log) is a strided view, and MambaLog takes A_log itself. The convolution before and the gate silu(z) after belong to the
// layer; so do delta = W_dt x_dt and its low rank.
struct Mamba : Mixer<mamba::Write, oscillation::Discretised<mamba::Step<Axes::value>, mamba::A>, mamba::Read, mamba::X, mamba::D> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}, D{}, delta_bias{}; };
};
struct MambaLog : Mixer<mamba::Write, oscillation::Discretised<mamba::Step<Axes::value>, Learned<in::A_log, Axes::matrix, map::NegExp>>,
                        mamba::Read, mamba::X, mamba::D> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A_log{}, D{}, delta_bias{}; };
};

// The scan alone (delta_softplus=False, no bias, no D): delta is the step size itself.
struct MambaStep : Mixer<mamba::Write, oscillation::Discretised<Data<in::delta, Axes::value>, mamba::A>, mamba::Read, mamba::X> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}; };
};
// With B and C that are parameters, [H,N,D]: real, and complex (A, B, C in two parts; one of each conjugate pair, so y is twice the real part).
struct MambaConstant : Mixer<Stage<FactorTerm<Learned<in::B, Axes::matrix>>, Tied<tie::Euler>>,
                             oscillation::Discretised<Data<in::delta, Axes::value>, mamba::A>,
                             shrink::Learned<map::Identity, in::C, Axes::matrix>, mamba::X> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}; };
};
struct MambaComplex
    : Mixer<Stage<ComplexFactor<Learned<in::B, Axes::matrix>, Learned<in::B_imag, Axes::matrix>>, Tied<tie::Euler>>,
            oscillation::Discretised<Data<in::delta, Axes::value>, mamba::A,
                                     Term<Plane::phase, combine::Product, Data<in::delta, Axes::value>, Learned<in::A_imag, Axes::matrix>>>,
            Stage<ComplexFactor<Learned<in::C, Axes::matrix>, Learned<in::C_imag, Axes::matrix>>>, mamba::X, mamba::D, project::TwiceReal> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, B_imag{}, C{}, C_imag{}, A{}, A_imag{}, D{}; };
};

// The range of the step sizes that a bias is drawn for: log-uniform in [low, high], at least floor.
struct StepRange { double low = 1e-3, high = 1e-1, floor = 1e-4; };

namespace init {
inline double step_bias(Generator& rng, const StepRange& r) {
  return inverse_softplus(std::max<double>(log_uniform(rng, r.low, r.high), r.floor));
}
}

// A[a,c] = -(a+1) (S4D-Real), D = 1, softplus(delta_bias) in the range.
inline void initialise(Mamba, const Mamba::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::fill(p.A, [](Index, Index a, Index) { return -double(a + 1); });
  init::fill(p.D, [](Index, Index, Index) { return 1.0; });
  init::fill(p.delta_bias, [&](Index, Index, Index) { return init::step_bias(rng, range); });
}
// A_log[a,c] = log(a+1), else the same.
inline void initialise(MambaLog, const MambaLog::In<double>& p, init::Generator& rng, const StepRange& range = {}) {
  init::fill(p.A_log, [](Index, Index a, Index) { return std::log(double(a + 1)); });
  init::fill(p.D, [](Index, Index, Index) { return 1.0; });
  init::fill(p.delta_bias, [&](Index, Index, Index) { return init::step_bias(rng, range); });
}

}  // namespace lcsm
