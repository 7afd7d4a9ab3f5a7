// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/hippo.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>

namespace lcsm {

namespace dss {
namespace in {
LCSM_NAME(log_dt_imag); LCSM_NAME(lambda); LCSM_NAME(lambda_imag); LCSM_NAME(log_imag); LCSM_NAME(length);
}
using Step = Learned<lcsm::in::log_dt, Axes::value, map::Exp>;
using StepImag = Learned<in::log_dt_imag, Axes::value, map::Exp>;
// The three ways to store lambda.
using NegExp = Learned<lcsm::in::log_neg_re, Axes::key, map::NegExp>;
using Imag = Learned<in::lambda_imag, Axes::key>;
using ExpImag = Learned<in::log_imag, Axes::key, map::Exp>;
using Clipped = Learned<in::lambda, Axes::key, map::AtMost<-4>>;
using Raw = Learned<in::lambda, Axes::key>;

template <class Re, class Im> using Oscillation = oscillation::Discretised<Step, Re, Term<Plane::phase, combine::Product, StepImag, Im>>;
template <class Re, class Im>
using Scaled = Stage<Tied<tie::MinusOne>, ComplexFactor<Joined<combine::ReciprocalReal<-7>, Re, Im>, Joined<combine::ReciprocalImag<-7>, Re, Im>>>;
using Read = Stage<ComplexFactor<Learned<lcsm::in::W, Axes::matrix>, Learned<lcsm::in::W_imag, Axes::matrix>>>;
using X = Input<Data<lcsm::in::x, Axes::value>>;
}

// DSS, diagonal state spaces, Gupta et al. 2022 (https://arxiv.org/abs/2203.14343; ag1988/dss: DSSKernel in
// src/models/sequence/ss/standalone/dss.py), one system per channel, all of them with the same N eigenvalues lambda:
//
//     z = exp(log_dt) Re lambda + i exp(log_dt_imag) Im lambda
//     m_t[n,c] = exp(z) m_{t-1}[n,c] + w x_t[c]               y_t[c] = Re sum_n W[n,c] m_t[n,c]
//
//     DssExp, DssExpReIm, DssClip       w = (exp(z) - 1) / lambda, where 1 / x is conj(x) / max(|x|^2, 10^-7)
//     DssExpNoScale, DssClipNoScale     w = 1
//     DssSoftmax                        w = a softmax over the positions 0 ... length - 1 (combine::SoftmaxLog), over lambda
//
// lambda = -exp(log_neg_re) + i lambda_imag (DssExp), -exp(log_neg_re) + i exp(log_imag) (ReIm), min(lambda, 10^-4) + i lambda_imag (Clip),
// lambda + i lambda_imag (Softmax; where lambda > 0 modes grow, from small weights: only the `length` positions that it is given as a parameter
// of one number are those of the softmax, and later ones grow on. A mode that grows by more than the type holds over `length`, exp(87) in float and
// exp(708) in double, starts from an underflow and is lost). `length` is a count: its gradient is 0.
//
// x [B,T,C,H], channels are the value axis, the C copies of the layer heads (x may be one head for all of them). log_dt, log_dt_imag [1,H]: the
// published [H,2], or twice the same view for [H]. Eigenvalues [1,N] are the keys. W, W_imag [C,N,H], the published [C,H,N,2] seen through
// strides. No halving of conjugate pairs and no factor 2. D u and the rest belong to the layer.
struct DssExp : Mixer<dss::Scaled<dss::NegExp, dss::Imag>, dss::Oscillation<dss::NegExp, dss::Imag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, log_neg_re{}, lambda_imag{}, W{}, W_imag{}; };
};
struct DssExpNoScale : Mixer<expand::One, dss::Oscillation<dss::NegExp, dss::Imag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, log_neg_re{}, lambda_imag{}, W{}, W_imag{}; };
};
struct DssExpReIm : Mixer<dss::Scaled<dss::NegExp, dss::ExpImag>, dss::Oscillation<dss::NegExp, dss::ExpImag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, log_neg_re{}, log_imag{}, W{}, W_imag{}; };
};
struct DssClip : Mixer<dss::Scaled<dss::Clipped, dss::Imag>, dss::Oscillation<dss::Clipped, dss::Imag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, lambda{}, lambda_imag{}, W{}, W_imag{}; };
};
struct DssClipNoScale : Mixer<expand::One, dss::Oscillation<dss::Clipped, dss::Imag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, lambda{}, lambda_imag{}, W{}, W_imag{}; };
};
struct DssSoftmax
    : Mixer<Stage<Term<Plane::log, combine::SoftmaxLog, dss::Step, dss::StepImag, dss::Raw, dss::Imag, Learned<dss::in::length, Axes::one>>,
                  Term<Plane::phase, combine::SoftmaxAngle, dss::Step, dss::StepImag, dss::Raw, dss::Imag, Learned<dss::in::length, Axes::one>>>,
            dss::Oscillation<dss::Raw, dss::Imag>, dss::Read, dss::X> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_dt_imag{}, lambda{}, lambda_imag{}, length{}, W{}, W_imag{}; };
};

// Where lambda starts:
//   skew    -1/2 + i (the N positive imaginary parts of HiPPO-LegS of size 2 N, ascending), "hippo_skew_pos_imag"
//   lin     -1/2 + i pi n
//   normal  both parts normal, deviation 1/2^(1/2) ("randn"; the exponential versions need negative real parts and cannot start there)
enum class DssStart { skew, lin, normal };

// log_dt uniform in [log low, log high], both of its parts alike; W normal in each part. The layer's D is normal.
template <class M>
  requires std::is_base_of_v<DssExp, M> || std::is_base_of_v<DssExpNoScale, M> || std::is_base_of_v<DssExpReIm, M> || std::is_base_of_v<DssClip, M> ||
           std::is_base_of_v<DssClipNoScale, M> || std::is_base_of_v<DssSoftmax, M>
void initialise(M, const typename M::template In<double>& p, init::Generator& rng, DssStart start = DssStart::skew, double low = 1e-3, double high = 1e-1) {
  init::fill(p.log_dt, [&](Index h, Index, Index c) {
    const double x = std::log(init::log_uniform(rng, low, high));
    if (p.log_dt_imag) p.log_dt_imag.at(0, 0, h, 0, c) = x;
    return x;
  });
  const auto imag_of = [&](const View<double>& v, auto&& map) {
    const Index modes = v.feature();
    const hippo::Modes skew = start == DssStart::skew ? hippo::legs_modes(2 * modes) : hippo::Modes{};
    init::fill(v, [&](Index, Index, Index n) {
      return map(start == DssStart::skew ? skew.imag[to_size(modes + n)] : start == DssStart::lin ? std::numbers::pi * double(n) : init::normal(rng, std::sqrt(0.5)));
    });
  };
  if constexpr (requires { p.log_neg_re; }) {
    if (start == DssStart::normal) raise<ShapeError>("initialise", "start", "skew or lin: real parts are negative here", "normal");
    init::fill(p.log_neg_re, [](Index, Index, Index) { return std::log(0.5); });
  } else {
    init::fill(p.lambda, [&](Index, Index, Index) { return start == DssStart::normal ? init::normal(rng, std::sqrt(0.5)) : -0.5; });
  }
  if constexpr (requires { p.log_imag; }) imag_of(p.log_imag, [](double x) { return std::log(x); });
  else imag_of(p.lambda_imag, [](double x) { return x; });
  init::fill(p.W, [&](Index, Index, Index) { return init::normal(rng); });
  init::fill(p.W_imag, [&](Index, Index, Index) { return init::normal(rng); });
}

}  // namespace lcsm
