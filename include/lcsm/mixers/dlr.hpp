// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

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
// kernel_to_real: Dlr (real), DlrImag (imag), DlrSum (real + imag). Its "prod", Re times Im, is not linear in the weights; as a recurrence
// it has the N (N + 1) / 2 modes lambda_a + lambda_b.
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

// "omega": phase_n = 2 pi n / N, log_neg_re_n^2 = dt / 2 with dt log-uniform in [low, high] per mode, W normal in each part, deviation 1 / N.
inline void initialise(Dlr, const Dlr::In<double>& p, init::Generator& rng, double low = 1e-4, double high = 1e-1) {
  init::fill(p.phase, [&](Index, Index, Index n) { return 2 * std::numbers::pi * double(n) / double(p.phase.feature()); });
  init::fill(p.log_neg_re, [&](Index, Index, Index) { return std::sqrt(0.5 * init::log_uniform(rng, low, high)); });
  init::fill(p.W, [&](Index, Index, Index) { return init::normal(rng, 1 / double(p.W.row())); });
  init::fill(p.W_imag, [&](Index, Index, Index) { return init::normal(rng, 1 / double(p.W_imag.row())); });
}

}  // namespace lcsm
