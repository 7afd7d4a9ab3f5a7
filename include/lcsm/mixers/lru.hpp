// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// The diagonal core of the LRU, Orvieto et al. 2023 (https://arxiv.org/abs/2303.06349; Gothos/LRU-pytorch: LRU_pytorch/LRU.py), N complex
// states:
//
//     lambda = exp(-exp(nu_log) + i exp(theta_log))          m_t = lambda m_{t-1} + exp(gamma_log) (B u_t)
//     y_t = Re(C m_t) + D u_t
//
// States are the value axis (K = 1). The mixer's input is B u in two parts, x and x_imag [B,T,1,N], its output both parts of m,
// [B,T,1,2N] = [Re | Im]; nu_log, theta_log, gamma_log [1,N]. lru_input and lru_output are the dense maps around it. No halving of
// conjugate pairs and no factor 2. gamma_log is free after its start; D is dense in this port, one number per channel in the paper.
struct Lru : Mixer<expand::Learned<map::Exp, in::gamma_log, Axes::value>,
                   Stage<LogTerm<Learned<in::nu_log, Axes::value, map::NegExp>>, PhaseTerm<Learned<in::theta_log, Axes::value, map::Exp>>>,
                   shrink::One, Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>, project::Complex> {
  template <class T> struct In { View<T> x{}, x_imag{}, nu_log{}, theta_log{}, gamma_log{}; };
};

// The dense maps, rows are outputs: B [N, In], C [Out, N] in two parts, D [Out, In].
template <class T> struct LruMaps { View<T> B{}, B_imag{}, C{}, C_imag{}, D{}; };

// x + i x_imag = (B + i B_imag) u, u [B,T,1,In]. Outputs must not overlap u.
template <class P, class S, class T> void lru_input(const LruMaps<P>& p, const View<S>& u, const View<T>& x, const View<T>& x_imag) {
  for (Index b = 0; b < u.batch(); ++b)
    for (Index t = 0; t < u.time(); ++t)
      for (Index n = 0; n < p.B.row(); ++n) {
        T re(0), im(0);
        for (Index c = 0; c < u.feature(); ++c)
          re += T(p.B.at(0, 0, 0, n, c)) * T(u(b, t, 0, c)), im += T(p.B_imag.at(0, 0, 0, n, c)) * T(u(b, t, 0, c));
        x(b, t, 0, n) = re, x_imag(b, t, 0, n) = im;
      }
}
// y = Re((C + i C_imag) m) + D u, m [B,T,1,2N] as Lru writes it.
template <class P, class M, class S, class T> void lru_output(const LruMaps<P>& p, const View<M>& m, const View<S>& u, const View<T>& y) {
  const Index states = p.C.feature();
  for (Index b = 0; b < y.batch(); ++b)
    for (Index t = 0; t < y.time(); ++t)
      for (Index c = 0; c < y.feature(); ++c) {
        T sum(0);
        for (Index n = 0; n < states; ++n)
          sum += T(p.C.at(0, 0, 0, c, n)) * T(m(b, t, 0, n)) - T(p.C_imag.at(0, 0, 0, c, n)) * T(m(b, t, 0, states + n));
        for (Index i = 0; i < u.feature(); ++i) sum += T(p.D.at(0, 0, 0, c, i)) * T(u(b, t, 0, i));
        y(b, t, 0, c) = sum;
      }
}

// A ring: |lambda| between low and high, uniform in area, angles uniform in (0, max_phase] (2 pi; small, like pi / 10, for very long inputs);
// gamma = sqrt(1 - |lambda|^2). nu_log, theta_log and gamma_log must all be given.
inline void initialise(Lru, const Lru::In<double>& p, init::Generator& rng, double low = 0, double high = 1,
                       double max_phase = 2 * std::numbers::pi) {
  // From the outer radius inwards, so that with low = 0 no logarithm is of 0.
  init::fill(p.nu_log, [&](Index, Index, Index) {
    return std::log(-0.5 * std::log(high * high - init::uniform(rng) * (high * high - low * low)));
  });
  init::fill(p.theta_log, [&](Index, Index, Index) { return std::log(max_phase * (1 - init::uniform(rng))); });
  init::fill(p.gamma_log, [&](Index h, Index, Index f) { return 0.5 * std::log(-std::expm1(-2 * std::exp(p.nu_log.at(0, 0, h, 0, f)))); });
}
// B ~ N(0, 1/(2 In)) and C ~ N(0, 1/N) in each part, D ~ N(0, 1/In) (variances; the port's).
inline void initialise(const LruMaps<double>& p, init::Generator& rng) {
  const auto normal = [&](double deviation) { return [&rng, deviation](Index, Index, Index) { return init::normal(rng, deviation); }; };
  init::fill(p.B, normal(1 / std::sqrt(2 * double(p.B.feature())))), init::fill(p.B_imag, normal(1 / std::sqrt(2 * double(p.B.feature()))));
  init::fill(p.C, normal(1 / std::sqrt(double(p.C.feature())))), init::fill(p.C_imag, normal(1 / std::sqrt(double(p.C.feature()))));
  init::fill(p.D, normal(1 / std::sqrt(double(p.D.feature()))));
}

}  // namespace lcsm
