// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixer.hpp>
#include <lcsm/mixers/hippo.hpp>
#include <lcsm/mixers/init.hpp>

#include <complex>

namespace lcsm {

namespace s4 {
namespace in { LCSM_NAME(write); LCSM_NAME(write_imag); LCSM_NAME(erase); LCSM_NAME(erase_imag); }
template <class Re, class Im> using Row = Stage<ComplexFactor<Learned<Re, Axes::key>, Learned<Im, Axes::key>>>;
}

// S4, Gu et al. 2021 (https://arxiv.org/abs/2111.00396; state-spaces/s4: models/s4/s4.py, its DPLR kernel), per channel a system whose matrix is
// diagonal minus rank one, sampled by the bilinear rule. So sampled it is diagonal minus rank one again (Woodbury):
//
//     x' = (Lambda - P P^*) x + B u          h = dt / 2,   E = 1 / (1 - h Lambda),   k = 1 + h P^* E P
//
//     m_t = (Lambda_bar - w v^T) m_{t-1} + b x_t              y_t = Re(C m_t) + D x_t
//     Lambda_bar = (1 + h Lambda) E        w = (dt / k) E P        v = conj(P) E        b = dt (E B - (h / k) E P (P^* E B))
//
// so an erasure of what the memory held before its decay. P couples a mode and its conjugate: all N states are stored, and there is no factor 2.
//
// x [B,T,H,1], channels are heads. Lambda_bar = exp(g + i phase); g, phase, write (w), erase (v), B (b) and C with their imaginary parts [H,N], D
// [H,1]. s4_discretise makes them all from the published parameters. Every memory of N numbers costs O(N) per token; the convolution with the
// kernel C A^l b, and its Cauchy products, are another way to compute the same outputs. With P = 0 this is S4D by the bilinear rule.
struct S4 : Mixer<s4::Row<in::B, in::B_imag>,
                  Stage<LogTerm<Learned<in::g, Axes::key>>, PhaseTerm<Learned<in::phase, Axes::key>>,
                        LowRank<s4::Row<s4::in::write, s4::in::write_imag>, s4::Row<s4::in::erase, s4::in::erase_imag>, Order::before_decay>>,
                  s4::Row<in::C, in::C_imag>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In {
    View<T> x{}, g{}, phase{}, write{}, write_imag{}, erase{}, erase_imag{}, B{}, B_imag{}, C{}, C_imag{}, D{};
  };
};

// The published parameters, one of each conjugate pair: Lambda = -exp(log_A_real) + i A_imag, P, B and C [H,N/2], log_dt [H,1].
template <class T> struct S4Parameters { View<T> log_dt{}, log_A_real{}, A_imag{}, P{}, P_imag{}, B{}, B_imag{}, C{}, C_imag{}; };

// What S4 reads, [H,N]: the stored modes, then their conjugates. x and D are left alone.
template <class T> void s4_discretise(const S4Parameters<T>& p, const S4::In<double>& out) {
  using Z = std::complex<double>;
  const Index modes = p.A_imag.feature();
  for (Index head = 0; head < p.A_imag.head(); ++head) {
    const auto at = [head](const View<T>& v, Index n) { return double(v.at(0, 0, head, 0, n)); };
    const double dt = std::exp(at(p.log_dt, 0)), h = dt / 2;
    const auto lambda = [&](Index n) { return Z(-std::exp(at(p.log_A_real, n)), at(p.A_imag, n)); };
    const auto e = [&](Index n) { return 1.0 / (1.0 - h * lambda(n)); };
    const auto P = [&](Index n) { return Z(at(p.P, n), at(p.P_imag, n)); };
    const auto B = [&](Index n) { return Z(at(p.B, n), at(p.B_imag, n)); };
    double pp = 0, pb = 0;                                  // P^* E P and P^* E B: twice the real part of the stored half
    for (Index n = 0; n < modes; ++n) pp += 2 * std::norm(P(n)) * e(n).real(), pb += 2 * (std::conj(P(n)) * e(n) * B(n)).real();
    const double k = 1 + h * pp;
    for (Index n = 0; n < modes; ++n) {
      const Z x = h * lambda(n), bar = (1.0 + x) * e(n);
      // log |bar| as in combine::BilinearLog, without cancellation where the step is short.
      const double log_size = 0.5 * std::log1p(4 * x.real() / std::norm(1.0 - x));
      const auto set = [&](const View<double>& re, const View<double>& im, Z z) {
        re.at(0, 0, head, 0, n) = re.at(0, 0, head, 0, modes + n) = z.real();
        im.at(0, 0, head, 0, n) = z.imag(), im.at(0, 0, head, 0, modes + n) = -z.imag();
      };
      set(out.g, out.phase, {log_size, std::arg(bar)});
      set(out.write, out.write_imag, dt / k * e(n) * P(n));
      set(out.erase, out.erase_imag, std::conj(P(n)) * e(n));
      set(out.B, out.B_imag, dt * (e(n) * B(n) - h / k * pb * e(n) * P(n)));
      set(out.C, out.C_imag, {at(p.C, n), at(p.C_imag, n)});
    }
  }
}

// HiPPO-LegS in its normal form: Lambda, P and B as seen by the modes of positive imaginary part (B not clipped), log_dt uniform in [log low, log
// high] per channel, C complex normal (variance 1 in all). The layer's D is normal.
inline void initialise(S4, const S4Parameters<double>& p, init::Generator& rng, double low = 1e-3, double high = 1e-1) {
  const Index modes = p.A_imag.feature();
  const hippo::Modes legs = hippo::legs_modes(2 * modes);
  init::fill(p.log_dt, [&](Index, Index, Index) { return std::log(init::log_uniform(rng, low, high)); });
  init::fill(p.log_A_real, [](Index, Index, Index) { return std::log(0.5); });
  init::fill(p.A_imag, [&](Index, Index, Index n) { return legs.imag[to_size(modes + n)]; });
  init::fill(p.P, [&](Index, Index, Index n) { return legs.seen(modes + n, hippo::legs_rank_one).real(); });
  init::fill(p.P_imag, [&](Index, Index, Index n) { return legs.seen(modes + n, hippo::legs_rank_one).imag(); });
  init::fill(p.B, [&](Index, Index, Index n) { return legs.seen(modes + n, hippo::legs_input).real(); });
  init::fill(p.B_imag, [&](Index, Index, Index n) { return legs.seen(modes + n, hippo::legs_input).imag(); });
  init::fill(p.C, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
  init::fill(p.C_imag, [&](Index, Index, Index) { return init::normal(rng, std::sqrt(0.5)); });
}

}  // namespace lcsm
