// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <complex>

namespace lcsm {

namespace dlr {
using Decay = LogTerm<Learned<in::log_neg_re, Axes::key, map::NegSquare>>;
using Rotation = PhaseTerm<Learned<in::phase, Axes::key>>;
using Weight = ComplexFactor<Learned<in::W, Axes::matrix>, Learned<in::W_imag, Axes::matrix>>;
using RealWeight = shrink::Learned<map::Identity, in::W, Axes::matrix>;
using X = Input<Data<in::x, Axes::value>>;
// A factor Re + i Im of the read: with the real part taken after it, which part of the kernel is kept.
template <int Re, int Im> using Keep = ComplexFactor<Fixed<rule::Constant<Re>>, Fixed<rule::Constant<Im>>>;
}

// DLR, diagonal linear RNNs, Gupta et al. 2022 (https://arxiv.org/abs/2212.00768; ag1988/dlr: DLRKernel in
// src/models/sequence/ss/standalone/dss.py):
//
//     lambda_n = -log_neg_re_n^2 + i phase_n
//     m_t[n,c] = exp(lambda_n) m_{t-1}[n,c] + x_t[c]          y_t[c] = Re sum_n W[n,c] m_t[n,c]
//
// Discrete: no step, no B, no halving of conjugate pairs. x [B,T,C,H], channels are the value axis, the C copies of the layer are heads
// (x may be one head for all of them). log_neg_re and phase [1,N] are shared by all channels: the keys. W, W_imag [C,N,H], the published
// [C,H,N,2] seen through strides. Despite its name log_neg_re is squared, not exponentiated. D u and the rest belong to the layer.
//
// kernel_to_real: Dlr (real), DlrImag (imag), DlrSum (real + imag). Its "prod", Re times Im, is not linear in the weights; as a recurrence it is
// a DlrImag with the N (N + 1) / 2 modes lambda_a + lambda_b, which dlr_product makes ("real-prod": Dlr for the first H/2 channels, prod for
// the others).
struct Dlr : Mixer<expand::One, Stage<dlr::Decay, dlr::Rotation>, Stage<dlr::Weight>, dlr::X> {
  template <class T> struct In { View<T> x{}, log_neg_re{}, phase{}, W{}, W_imag{}; };
};
struct DlrImag : Mixer<expand::One, Stage<dlr::Decay, dlr::Rotation>, Stage<dlr::Weight, dlr::Keep<0, -1>>, dlr::X> {
  template <class T> struct In { View<T> x{}, log_neg_re{}, phase{}, W{}, W_imag{}; };
};
struct DlrSum : Mixer<expand::One, Stage<dlr::Decay, dlr::Rotation>, Stage<dlr::Weight, dlr::Keep<1, -1>>, dlr::X> {
  template <class T> struct In { View<T> x{}, log_neg_re{}, phase{}, W{}, W_imag{}; };
};

// Its versions: Lambda_imag, Lambda_imag_W_real, Lambda_real_W_real.
struct DlrLambdaImag : Mixer<expand::One, Stage<dlr::Rotation>, Stage<dlr::Weight>, dlr::X> {
  template <class T> struct In { View<T> x{}, phase{}, W{}, W_imag{}; };
};
struct DlrLambdaImagWReal : Mixer<expand::One, Stage<dlr::Rotation>, dlr::RealWeight, dlr::X> {
  template <class T> struct In { View<T> x{}, phase{}, W{}; };
};
struct DlrLambdaRealWReal : Mixer<expand::One, Stage<dlr::Decay>, dlr::RealWeight, dlr::X> {
  template <class T> struct In { View<T> x{}, log_neg_re{}, W{}; };
};

// The DlrImag whose kernel is the product of the real and the imaginary part of that of a Dlr, Re K Im K = Im(K^2) / 2: `out` has N (N + 1) / 2
// modes, the pairs a <= b in order.
template <class P> void dlr_product(const Dlr::In<P>& p, const DlrImag::In<double>& out) {
  const Index modes = p.phase.feature();
  for (Index a = 0, n = 0; a < modes; ++a)
    for (Index b = a; b < modes; ++b, ++n) {
      out.phase.at(0, 0, 0, 0, n) = double(p.phase.at(0, 0, 0, 0, a)) + double(p.phase.at(0, 0, 0, 0, b));
      out.log_neg_re.at(0, 0, 0, 0, n) = std::hypot(double(p.log_neg_re.at(0, 0, 0, 0, a)), double(p.log_neg_re.at(0, 0, 0, 0, b)));
      for (Index h = 0; h < p.W.head(); ++h)
        for (Index c = 0; c < p.W.feature(); ++c) {
          const auto w = [&](Index k) { return std::complex<double>(double(p.W.at(0, 0, h, k, c)), double(p.W_imag.at(0, 0, h, k, c))); };
          const std::complex<double> both = w(a) * w(b) * (a == b ? 0.5 : 1.0);
          out.W.at(0, 0, h, n, c) = both.real(), out.W_imag.at(0, 0, h, n, c) = both.imag();
        }
    }
}

// omega: phase_n = 2 pi n / N. normal ("randn"): normal, modulo 2 pi. log_neg_re_n^2 = dt / 2 with dt log-uniform in [low, high] per mode (the
// atomic tasks: 1e-5), W normal in each part, deviation 1 / N.
enum class DlrStart { omega, normal };
inline void initialise(Dlr, const Dlr::In<double>& p, init::Generator& rng, double low = 1e-4, double high = 1e-1, DlrStart start = DlrStart::omega) {
  const double turn = 2 * std::numbers::pi;
  init::fill(p.phase, [&](Index, Index, Index n) {
    if (start == DlrStart::omega) return turn * double(n) / double(p.phase.feature());
    const double x = init::normal(rng);
    return x < 0 ? x + turn * std::ceil(-x / turn) : std::fmod(x, turn);
  });
  init::fill(p.log_neg_re, [&](Index, Index, Index) { return std::sqrt(0.5 * init::log_uniform(rng, low, high)); });
  init::fill(p.W, [&](Index, Index, Index) { return init::normal(rng, 1 / double(p.W.row())); });
  init::fill(p.W_imag, [&](Index, Index, Index) { return init::normal(rng, 1 / double(p.W_imag.row())); });
}

}  // namespace lcsm
