// SPDX-License-Identifier: MIT
#include <lcsm/mixers/dss.hpp>

#include "unit/mixers/against_golden.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/scan.hpp>

#include <cmath>
#include <complex>

using namespace lcsm;
using namespace lcsm::test;

namespace {
using Z = std::complex<double>;
constexpr Index B = 2, T = 14, C = 2, H = 3, N = 4;

struct Layer {
  Buffer<double> x, log_dt, log_dt_imag, re, im, length, W, W_imag, y;
  Layer() : x(B, T, 1, H), log_dt(H), log_dt_imag(H), re(N), im(N), length(1), W(1, 1, C, N, H), W_imag(W), y(B, T, C, H) {
    init::Generator rng(5);
    for (Buffer<double>* numbers : {&x, &re, &im, &W, &W_imag})
      for (double& v : *numbers) v = init::normal(rng);
    for (Buffer<double>* numbers : {&log_dt, &log_dt_imag})
      for (double& v : *numbers) v = init::uniform(rng, -3, -1);
    length[0] = T;
  }
  template <class M> typename M::template In<const double> in() const {
    typename M::template In<const double> in{.x = x, .log_dt = log_dt, .log_dt_imag = log_dt_imag, .W = W, .W_imag = W_imag};
    if constexpr (requires { in.lambda; }) in.lambda = re; else in.log_neg_re = re;
    if constexpr (requires { in.log_imag; }) in.log_imag = im; else in.lambda_imag = im;
    if constexpr (requires { in.length; }) in.length = length;
    return in;
  }
  // The convolution with K[l] = Re sum_n weight(n, z, l) exp(z l) W[n]; slack: the sum of what a term may be off by.
  template <class Lambda, class Weight> void expect(Lambda&& lambda, Weight&& weight, double off = 0) const {
    bool right = true;
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index c = 0; c < C; ++c)
          for (Index h = 0; h < H; ++h) {
            double sum = 0, size = 0;
            for (Index j = 0; j <= t; ++j)
              for (Index n = 0; n < N; ++n) {
                const Z l = lambda(n), z(std::exp(log_dt[h]) * l.real(), std::exp(log_dt_imag[h]) * l.imag());
                const Z term = weight(l, z) * std::exp(z * double(t - j)) * Z(W.view().at(0, 0, c, n, h), W_imag.view().at(0, 0, c, n, h)) * x.view()(b, j, 0, h);
                sum += term.real(), size += std::abs(term);
              }
            right = right && std::abs(y.view()(b, t, c, h) - sum) <= (1e-13 + off) * size;
          }
    CHECK(right);
  }
};
Z clamped(Z x) { return std::conj(x) / std::max(std::norm(x), 1e-7); }
Z held(Z lambda, Z z) { return (std::exp(z) - 1.0) * clamped(lambda); }
Z one(Z, Z) { return 1; }
}  // namespace

TEST_CASE("DSS-exp and its variants: the convolution with their kernels", "[mixers]") {
  Layer p;
  const auto exp = [&](Index n) { return Z(-std::exp(p.re[n]), p.im[n]); };
  reference(DssExp{}, p.in<DssExp>(), p.y.view());
  p.expect(exp, held);
  reference(DssExpNoScale{}, p.in<DssExpNoScale>(), p.y.view());
  p.expect(exp, one);
  reference(DssExpReIm{}, p.in<DssExpReIm>(), p.y.view());
  p.expect([&](Index n) { return Z(-std::exp(p.re[n]), std::exp(p.im[n])); }, held);
  // Real parts of either sign are clipped; an eigenvalue near 0 meets the bound of its reciprocal. There exp(z) - 1 of this test cancels.
  const auto clip = [&](Index n) { return Z(std::min(p.re[n], 1e-4), p.im[n]); };
  reference(DssClip{}, p.in<DssClip>(), p.y.view());
  p.expect(clip, held, 1e-13);
  reference(DssClipNoScale{}, p.in<DssClipNoScale>(), p.y.view());
  p.expect(clip, one);
  p.re[1] = -2e-4, p.im[1] = 1e-4, p.re[2] = 5;
  reference(DssClip{}, p.in<DssClip>(), p.y.view());
  p.expect(clip, held, 1e-16 / (2e-4 * std::exp(-3)));
}

TEST_CASE("DSS-softmax is a softmax over positions, of modes that decay and of modes that grow", "[mixers]") {
  Layer p;
  CHECK((*std::min_element(p.re.begin(), p.re.end()) < 0 && *std::max_element(p.re.begin(), p.re.end()) > 0));
  const auto lambda = [&](Index n) { return Z(p.re[n], p.im[n]); };
  // The code's reciprocal is off by 1e-7 / |x|^2, x = (exp(+-L z) - 1) lambda.
  double smallest = 1;
  for (Index n = 0; n < N; ++n)
    for (Index h = 0; h < H; ++h) {
      const Z z(std::exp(p.log_dt[h]) * p.re[n], std::exp(p.log_dt_imag[h]) * p.im[n]);
      smallest = std::min(smallest, std::norm((std::exp((p.re[n] > 0 ? -double(T) : double(T)) * z) - 1.0) * lambda(n)));
    }
  const auto softmax = [](Z l, Z z) {
    Z sum = 0;
    for (Index r = 0; r < T; ++r) sum += std::exp(z * double(r));
    return 1.0 / (l * sum);
  };
  reference(DssSoftmax{}, p.in<DssSoftmax>(), p.y.view());
  p.expect(lambda, softmax, 1e-7 / smallest);
  const auto exact = [](Z l, Z z) {
    const Z decays = l.real() > 0 ? -z : z, x = (std::exp(decays * double(T)) - 1.0) * l;
    return (std::exp(decays) - 1.0) * std::conj(x) / (std::norm(x) + 1e-7) * (l.real() > 0 ? std::exp(-z * double(T - 1)) : Z(1));
  };
  p.expect(lambda, exact, 1e-12);
  p.y.fill(0);
  scan(exec::seq, DssSoftmax{}, p.in<DssSoftmax>(), p.y.view());
  p.expect(lambda, exact, 1e-12);
}

TEST_CASE("DSS starts", "[mixers]") {
  init::Generator rng(2);
  Buffer<double> re(N), im(N), dt(50), dt_imag(50), W(1, 1, 1, N, 50), W_imag(W);
  initialise(DssExp{}, DssExp::In<double>{.x = {}, .log_dt = dt, .log_dt_imag = dt_imag, .log_neg_re = re, .lambda_imag = im, .W = W, .W_imag = W_imag}, rng);
  // The positive imaginary parts of HiPPO-LegS of size 8.
  const double skew[] = {0.4275, 1.9578, 5.3542, 19.8574};
  for (Index n = 0; n < N; ++n) CHECK((std::abs(im[n] - skew[n]) < 5e-5 && re[n] == std::log(0.5)));
  for (Index h = 0; h < 50; ++h) CHECK((dt[h] == dt_imag[h] && dt[h] >= std::log(1e-3) && dt[h] < std::log(1e-1)));
  initialise(DssExpReIm{}, DssExpReIm::In<double>{.x = {}, .log_dt = {}, .log_dt_imag = {}, .log_neg_re = re, .log_imag = im, .W = {}, .W_imag = {}}, rng);
  for (Index n = 0; n < N; ++n) CHECK(std::abs(std::exp(im[n]) - skew[n]) < 5e-5);
  const DssSoftmax::In<double> softmax{.x = {}, .log_dt = {}, .log_dt_imag = {}, .lambda = re, .lambda_imag = im, .length = {}, .W = {}, .W_imag = {}};
  initialise(DssSoftmax{}, softmax, rng, DssStart::lin);
  for (Index n = 0; n < N; ++n) CHECK((re[n] == -0.5 && im[n] == std::numbers::pi * double(n)));
  initialise(DssSoftmax{}, softmax, rng, DssStart::normal);
  CHECK((re[0] != re[1] && im[0] != im[1] && re[0] != -0.5));
  CHECK_THROWS_AS(initialise(DssExp{}, DssExp::In<double>{.x = {}, .log_dt = {}, .log_dt_imag = {}, .log_neg_re = re, .lambda_imag = im, .W = {}, .W_imag = {}}, rng, DssStart::normal), ShapeError);
}
