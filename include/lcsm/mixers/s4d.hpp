// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/hippo.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>

#include <algorithm>
#include <complex>
#include <type_traits>

namespace lcsm {

namespace s4d {
using Step = Learned<in::log_dt, Axes::value, map::Exp>;
using Read = Stage<ComplexFactor<Learned<in::C, Axes::matrix>, Learned<in::C_imag, Axes::matrix>>>;
using Real = Learned<in::log_A_real, Axes::matrix, map::NegExp>;
using Imag = Learned<in::A_imag, Axes::matrix>;
using Oscillation = oscillation::Discretised<Step, Real, Term<Plane::phase, combine::Product, Step, Imag>>;
}

// S4D, Gu et al. 2022 (https://arxiv.org/abs/2206.11893; state-spaces/s4: models/s4/s4d.py), one diagonal system per channel, sampled by
// zero-order hold with step exp(log_dt):
//
//     A = -exp(log_A_real) + i A_imag          m_t[n,c] = exp(dt A) m_{t-1}[n,c] + (exp(dt A) - 1) / A x_t[c]
//     y_t[c] = 2 Re sum_n C[n,c] m_t[n,c] + D[c] x_t[c]
//
// x [B,T,1,H]: channels are the value axis and the N/2 stored modes (one of each conjugate pair, hence the 2) are the keys; B is absorbed
// in C. Parameters: log_dt, D [1,H]; log_A_real, A_imag, C, C_imag [1,N/2,H], the published [H,N/2] seen through strides. What follows
// (GELU, output GLU) is the layer's, as is a bandlimit (the repository's: C[n,c] = 0 where dt |A_imag| >= pi bandlimit). The full kernel of that repository has A = -exp(re) - i im and dt = softplus: give -A_imag and
// log(softplus(inv_dt)).
struct S4d : Mixer<expand::Tied<tie::ZeroOrderHold>, s4d::Oscillation, s4d::Read, Input<Data<in::x, Axes::value>>, project::TwiceReal,
                   Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_A_real{}, A_imag{}, C{}, C_imag{}, D{}; };
};
// With a B of its own, [1,N/2,H]: what the S4 repository's full kernel has.
struct S4dWithB
    : Mixer<expand::Tied<tie::ZeroOrderHold, ComplexFactor<Learned<in::B, Axes::matrix>, Learned<in::B_imag, Axes::matrix>>>,
            s4d::Oscillation, s4d::Read, Input<Data<in::x, Axes::value>>, project::TwiceReal, Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_A_real{}, A_imag{}, B{}, B_imag{}, C{}, C_imag{}, D{}; };
};
// The same sampled by the bilinear rule: exp(dt A) becomes (1 + dt A/2) / (1 - dt A/2), and the write dt / (1 - dt A/2) B.
struct S4dBilinear : Mixer<expand::Tied<tie::Bilinear, ComplexFactor<Learned<in::B, Axes::matrix>, Learned<in::B_imag, Axes::matrix>>>,
                           Stage<Term<Plane::log, combine::BilinearLog, s4d::Step, s4d::Real, s4d::Imag>,
                                 Term<Plane::phase, combine::BilinearAngle, s4d::Step, s4d::Real, s4d::Imag>>,
                           s4d::Read, Input<Data<in::x, Axes::value>>, project::TwiceReal, Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_A_real{}, A_imag{}, B{}, B_imag{}, C{}, C_imag{}, D{}; };
};

// Where the eigenvalues start, N = twice the stored modes, n = 0 ... N/2-1:
//   lin   -1/2 + i pi n            inv   -1/2 + i (N/pi) (N/(2n+1) - 1)         quad  -1/2 + i (1+2n)^2 / pi
//   inv2  -1/2 + i (N/pi) (N/(n+1) - 1)         rand  -1/2 + i exp(normal)         real  -(n+1)
//   legs  those of HiPPO-LegS' normal part, -1/2 + i (its positive imaginary parts, ascending); a B of its own is LegS' too, seen by the
//         modes, its imaginary part clipped at 2 (the repository's; eigenvectors' first entries are positive, as LAPACK's are up to sign)
enum class S4dStart { lin, inv, inv2, legs, quad, rand, real };

// The minimal code starts at lin; log_dt uniform in [log low, log high], C complex normal (variance 1 in all), D normal, B = 1 but for legs.
template <class M>
  requires std::is_base_of_v<S4d, M> || std::is_base_of_v<S4dWithB, M> || std::is_base_of_v<S4dBilinear, M>
void initialise(M, const typename M::template In<double>& p, init::Generator& rng, S4dStart start = S4dStart::lin, double low = 1e-3,
                double high = 1e-1) {
  const Index modes = p.A_imag.row();
  const double n = 2 * double(modes), pi = std::numbers::pi;
  const hippo::Modes legs = start == S4dStart::legs ? hippo::legs_modes(2 * modes) : hippo::Modes{};
  init::fill(p.log_dt, [&](Index, Index, Index) { return std::log(init::log_uniform(rng, low, high)); });
  init::fill(p.log_A_real, [&](Index, Index a, Index) { return start == S4dStart::real ? std::log(double(a + 1)) : std::log(0.5); });
  init::fill(p.A_imag, [&](Index, Index a, Index) {
    const double odd = double(2 * a + 1);
    switch (start) {
      case S4dStart::lin: return pi * double(a);
      case S4dStart::inv: return n / pi * (n / odd - 1);
      case S4dStart::inv2: return n / pi * (n / double(a + 1) - 1);
      case S4dStart::legs: return legs.imag[to_size(modes + a)];
      case S4dStart::quad: return odd * odd / pi;
      case S4dStart::rand: return std::exp(init::normal(rng));
      case S4dStart::real: break;
    }
    return 0.0;
  });
  if constexpr (requires { p.B; }) {
    const auto b = [&](Index a) { return start == S4dStart::legs ? legs.seen(modes + a, hippo::legs_input) : std::complex<double>(1); };
    init::fill(p.B, [&](Index, Index a, Index) { return b(a).real(); });
    init::fill(p.B_imag, [&](Index, Index a, Index) { return std::clamp(b(a).imag(), -2.0, 2.0); });
  }
  init::fill(p.C, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
  init::fill(p.C_imag, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
  init::fill(p.D, [&](Index, Index, Index) { return init::normal(rng); });
}

}  // namespace lcsm
