// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>

#include <algorithm>
#include <vector>

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
// (GELU, output GLU) is the layer's. The full kernel of that repository has A = -exp(re) - i im and dt = softplus: give -A_imag and
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
//   legs  those of HiPPO-LegS' normal part, -1/2 + i (its positive imaginary parts, ascending)         real  -(n+1)
enum class S4dStart { lin, inv, legs, quad, real };

namespace s4d {
// The positive imaginary parts of the eigenvalues of a real skew-symmetric matrix are its singular values, each of which it has twice:
// one-sided Jacobi rotations find them to full relative accuracy. Here the skew part of LegS, entries +-sqrt((2n+1)(2k+1)) / 2.
inline std::vector<double> legs(Index modes) {
  const Index n = 2 * modes;
  std::vector<double> a(to_size(n * n), 0.0), sizes;
  const auto column = [&](Index c) { return a.data() + c * n; };
  for (Index c = 0; c < n; ++c)
    for (Index r = 0; r < n; ++r)
      if (r != c) column(c)[r] = (r > c ? -0.5 : 0.5) * std::sqrt(double((2 * r + 1) * (2 * c + 1)));
  for (bool turned = true; turned;) {
    turned = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        double pp = 0, qq = 0, pq = 0;
        for (Index r = 0; r < n; ++r) pp += column(p)[r] * column(p)[r], qq += column(q)[r] * column(q)[r], pq += column(p)[r] * column(q)[r];
        if (std::abs(pq) <= 1e-15 * double(n) * std::sqrt(pp * qq)) continue;
        turned = true;
        const double zeta = (qq - pp) / (2 * pq), t = (zeta < 0 ? -1 : 1) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)),
                     c = 1 / std::sqrt(1 + t * t), s = c * t;
        for (Index r = 0; r < n; ++r) {
          const double x = column(p)[r], y = column(q)[r];
          column(p)[r] = c * x - s * y, column(q)[r] = s * x + c * y;
        }
      }
  }
  for (Index c = 0; c < n; ++c) {
    double sum = 0;
    for (Index r = 0; r < n; ++r) sum += column(c)[r] * column(c)[r];
    sizes.push_back(std::sqrt(sum));
  }
  std::sort(sizes.begin(), sizes.end());
  std::vector<double> out;
  for (Index m = 0; m < modes; ++m) out.push_back(sizes[to_size(2 * m)]);
  return out;
}
}

// The minimal code starts at lin; log_dt uniform in [log low, log high], C complex normal (variance 1 in all), D normal.
inline void initialise(S4d, const S4d::In<double>& p, init::Generator& rng, S4dStart start = S4dStart::lin, double low = 1e-3,
                       double high = 1e-1) {
  const double n = 2 * double(p.A_imag.row()), pi = std::numbers::pi;
  const std::vector<double> legs = start == S4dStart::legs ? s4d::legs(p.A_imag.row()) : std::vector<double>{};
  init::fill(p.log_dt, [&](Index, Index, Index) { return std::log(init::log_uniform(rng, low, high)); });
  init::fill(p.log_A_real, [&](Index, Index a, Index) { return start == S4dStart::real ? std::log(double(a + 1)) : std::log(0.5); });
  init::fill(p.A_imag, [&](Index, Index a, Index) {
    const double odd = double(2 * a + 1);
    switch (start) {
      case S4dStart::lin: return pi * double(a);
      case S4dStart::inv: return n / pi * (n / odd - 1);
      case S4dStart::legs: return legs[to_size(a)];
      case S4dStart::quad: return odd * odd / pi;
      case S4dStart::real: break;
    }
    return 0.0;
  });
  init::fill(p.C, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
  init::fill(p.C_imag, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
  init::fill(p.D, [&](Index, Index, Index) { return init::normal(rng); });
}

}  // namespace lcsm
