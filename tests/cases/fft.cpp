// SPDX-License-Identifier: MIT
// Reported faults of long convolutions, each with its right values (tests/cases/data), in every mode and form.
#include "every_way.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mode/convolve_vjp.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/recurrent_vjp.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <cmath>
#include <complex>

using namespace lcsm;
using lcsm::test::arrange;
using lcsm::test::Case;
using lcsm::test::Numbers;

namespace {

// Every output of a causal convolution within (taps + 2) eps of the sizes of its terms, and a transform's within 7 eps log2(N) of the norms.
template <class T> struct Signal {
  View<const T> u, k;                                       // [B, L, H, D], [H, taps, D]
  double term(Index b, Index t, Index h, Index c, Index l) const { return t >= l ? double(u(b, t - l, h, c)) * double(k.at(0, 0, h, l, c)) : 0; }
  double bound(Index b, Index t, Index h, Index c, bool transformed) const {
    double sum = 0, inputs = 0, taps = 0;
    for (Index l = 0; l < k.row(); ++l) sum += std::abs(term(b, t, h, c, l)), taps += std::pow(double(k.at(0, 0, h, l, c)), 2);
    for (Index s = 0; s < u.time(); ++s) inputs += std::pow(double(u(b, s, h, c)), 2);
    const double eps = double(std::numeric_limits<T>::epsilon());
    return eps * (double(k.row() + 2) * sum + (transformed ? 7 * std::log2(double(2 * (u.time() + k.row()) + 16)) * std::sqrt(inputs * taps) : 0));
  }
};
template <class T, class F> void in_every_way(const View<const T>& u, const View<const T>& k, F&& check) {
  const LongConvolution::In<const T> in{.x = u, .kernel = k, .D = {}};
  const Buffer<T> none(1, 1, u.head(), 1, u.feature());
  LongConvolution::In<const T> with = in;
  with.D = parameter(none.data(), u.head(), u.feature());
  const auto way = [&](const char* name, bool transformed, auto&& run) {
    INFO(name);
    Buffer<T> y(u.batch(), u.time(), u.head(), u.feature());
    y.fill(std::numeric_limits<T>::quiet_NaN());
    run(with, y.view());
    check(std::as_const(y).view(), transformed);
  };
  const auto convolved = [](ConvolutionForm form, Index block) {
    return [=](const auto& x, const View<T>& y) { convolve(exec::seq, LongConvolution{}, x, y, Options<T>{.tuning = {.form = form, .block = block}}); };
  };
  way("recurrent", false, [](const auto& x, const View<T>& y) { recurrent(exec::seq, LongConvolution{}, x, y); });
  way("scan", false, [](const auto& x, const View<T>& y) { scan(exec::seq, LongConvolution{}, x, y, Options<T>{.tuning = {.scan_chunk = 5, .scan_units = 1000}}); });
  way("attend", false, [](const auto& x, const View<T>& y) { attend(exec::seq, LongConvolution{}, x, y); });
  way("mix", true, [](const auto& x, const View<T>& y) { mix(exec::seq, LongConvolution{}, x, y); });
  way("direct", false, convolved(ConvolutionForm::direct, 0));
  for (const Index block : {0, 1, 3, 8}) way("Fourier", true, convolved(ConvolutionForm::fourier, block));
}
template <class T, class Right> void agrees_everywhere(const View<const T>& u, const View<const T>& k, Right&& right) {
  const Signal<T> signal{u, k};
  in_every_way<T>(u, k, [&](const View<const T>& y, bool transformed) {
    double worst = 0;
    for (Index b = 0; b < u.batch(); ++b)
      for (Index t = 0; t < u.time(); ++t)
        for (Index h = 0; h < u.head(); ++h)
          for (Index c = 0; c < u.feature(); ++c) {
            const double off = std::abs(double(y(b, t, h, c)) - right(b, t, h, c)) / (signal.bound(b, t, h, c, transformed) + 1e-300);
            if (!(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
          }
    CHECK(worst <= 1);
  });
}

struct Modes : Mixer<expand::One, Stage<LogTerm<Learned<lcsm::in::g>>, PhaseTerm<Learned<lcsm::in::phase>>>, Stage<ComplexFactor<Learned<lcsm::in::C>, Learned<lcsm::in::C_imag>>>, project::TwiceReal> {
  template <class T> struct In { View<T> v{}, g{}, phase{}, C{}, C_imag{}; };
};

}  // namespace

TEMPLATE_TEST_CASE("a transform has room for the whole convolution", "[cases][fft_01]", float, double) {
  const Case file(test::case_path("fft_01"));
  for (const auto& [u, k, y] : {std::tuple{"u8", "k8", "y8"}, {"u13", "k13", "y13"}, {"u12", "k5", "y12"}}) {
    INFO(u);
    const Numbers<TestType> x(file.in(u), "bthf"), taps(file.in(k), "rhf");
    const Numbers<double> right(file.out(y), "bthf");
    agrees_everywhere<TestType>(x.view(), taps.view(), [&](Index b, Index t, Index h, Index c) { return right.view()(b, t, h, c); });
  }
}

TEMPLATE_TEST_CASE("odd and prime lengths", "[cases][fft_02]", float, double) {
  const Case file(test::case_path("fft_02"));
  const Numbers<TestType> x(file.in("u"), "bthf"), taps(file.in("k"), "rhf");
  const Numbers<double> right(file.out("y"), "bthf");
  for (const double length : file.in("L").values) {
    const Index L = Index(length);
    INFO("length " << L);
    agrees_everywhere<TestType>(x.view().tokens(0, L), taps.view().rows(0, L), [&](Index b, Index t, Index h, Index c) { return right.view()(b, t, h, c); });
  }
}

TEMPLATE_TEST_CASE("a long convolution's kernel longer than the sequence, and its gradients", "[cases][fft_03]", float, double) {
  using T = TestType;
  const Case file(test::case_path("fft_03"));
  const Numbers<T> u(file.in("u"), "bthf"), y_bar(file.in("dy"), "bthf"), k(file.in("k"), "rhf");
  const View<const T> taps = k.view();
  for (const Index L : {1, 3, 9, 10, 11}) {
    INFO("length " << L);
    const std::string which = "_L" + std::to_string(L);
    const Numbers<double> right(file.out("y" + which), "bthf"), right_u(file.out("du" + which), "bthf"), right_k(file.out("dk" + which), "rhf");
    const View<const T> x = u.view().tokens(0, L), bar = y_bar.view().tokens(0, L);
    agrees_everywhere<T>(x, taps, [&](Index b, Index t, Index h, Index c) { return right.view()(b, t, h, c); });

    const Buffer<T> none(1, 1, 2, 1, 1);
    const LongConvolution::In<const T> in{.x = x, .kernel = taps, .D = parameter(none.data(), 2, 1)};
    const auto check = [&](const char* name, auto&& run) {
      INFO(name);
      Buffer<T> u_bar(2, L, 2, 1), k_bar(1, 1, 2, taps.row(), 1);
      u_bar.fill(std::numeric_limits<T>::quiet_NaN()), k_bar.fill(std::numeric_limits<T>::quiet_NaN());
      LongConvolution::In<T> grads{};
      grads.x = u_bar.view(), grads.kernel = k_bar.view();
      run(in, grads);
      // A sum of products is no larger than the product of the norms, and so is what a transform errs by; 22 terms at most.
      const auto norm = [](const View<const T>& v) {
        double sum = 0;
        for (Index b = 0; b < v.batch(); ++b)
          for (Index t = 0; t < v.time(); ++t)
            for (Index h = 0; h < v.head(); ++h)
              for (Index r = 0; r < v.row(); ++r) sum += std::pow(double(v.at(b, t, h, r, 0)), 2);
        return std::sqrt(sum);
      };
      const double bound = double(std::numeric_limits<T>::epsilon()) * (24 + 7 * std::log2(4.0 * 11 + 16)) * norm(bar) * std::max(norm(x), norm(taps));
      double worst = 0;
      const auto take = [&](double x_, double y) { if (!(std::abs(x_ - y) <= worst)) worst = std::isnan(x_) ? HUGE_VAL : std::abs(x_ - y); };
      for (Index b = 0; b < 2; ++b)
        for (Index t = 0; t < L; ++t)
          for (Index h = 0; h < 2; ++h) take(double(u_bar.view()(b, t, h, 0)), right_u.view()(b, t, h, 0));
      for (Index h = 0; h < 2; ++h)
        for (Index l = 0; l < taps.row(); ++l) take(double(k_bar.view().at(0, 0, h, l, 0)), right_k.view().at(0, 0, h, l, 0));
      CHECK(worst <= bound);
    };
    check("recurrent", [&](const auto& from, const auto& grads) { recurrent_vjp(exec::seq, LongConvolution{}, from, bar, grads); });
    for (const auto form : {ConvolutionForm::direct, ConvolutionForm::fourier})
      check(form == ConvolutionForm::direct ? "direct" : "Fourier", [&](const auto& from, const auto& grads) { convolve_vjp(exec::seq, LongConvolution{}, from, bar, grads, Options<T>{.tuning = {.form = form}}); });
  }
}

// Angles of 4e7 turns, where single precision has none of them left, and moduli next to 1: a million lags by the scan in double.
TEST_CASE("kernels of a million lags by the scan", "[cases][long_01]") {
  const Case file(test::case_path("long_01"));
  const double dt = file.in("dt")[0];
  Buffer<double> log(4), phase(4), weight(4), weight_imag(4);
  for (Index n = 0; n < 4; ++n) {                           // (exp(dt lambda) - 1) / lambda, without cancellation
    const double re = file.in("lam_re")[to_size(n)], im = file.in("lam_im")[to_size(n)], half = std::sin(dt * im / 2);
    const std::complex<double> minus_one(std::expm1(dt * re) * std::cos(dt * im) - 2 * half * half, std::exp(dt * re) * std::sin(dt * im)), w = minus_one / std::complex<double>(re, im);
    log[n] = dt * re, phase[n] = dt * im, weight[n] = w.real(), weight_imag[n] = w.imag();
  }
  const auto keys = [](const Buffer<double>& x) { return parameter(x.data(), 1, 4); };
  const Modes::In<const double> in{.v = {}, .g = keys(log), .phase = keys(phase), .C = keys(weight), .C_imag = keys(weight_imag)};
  const Index lags = 1 << 20;
  Buffer<double> k(1, lags, 1, 1);
  convolution_kernel(exec::seq, Modes{}, in, k.view());
  for (std::size_t n = 0; n < 6; ++n) {
    const double l = file.in("l")[n];
    // A multiplier is rounded once and so is every power (2 sqrt 5 units of 2^-53 each), and the angle dt Im lambda.
    double bound = 0;
    for (Index m = 0; m < 4; ++m) bound += 2 * std::hypot(weight[m], weight_imag[m]) * std::exp(l * log[m]) * (l * (std::abs(phase[m]) + 6) + 24) * 0x1p-53;
    CHECK(std::abs(k[Index(l)] - file.out("K_sum")[n]) <= bound);
    CHECK(bound < 1e-6);
  }
}
