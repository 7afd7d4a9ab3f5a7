// SPDX-License-Identifier: MIT
#include <lcsm/convolution/modal.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"

#include <cmath>
#include <numbers>
#include <random>

using namespace lcsm;
using lcsm::test::Array;

namespace {
using Exact = std::complex<long double>;

// z^l in long double; angles err by l |phase| 2^-64.
Exact power(double log_modulus, double phase, Index l) {
  if (l == 0) return 1;
  const long double angle = static_cast<long double>(l) * static_cast<long double>(phase);
  return std::exp(static_cast<long double>(l) * static_cast<long double>(log_modulus)) * Exact(std::cos(angle), std::sin(angle));
}
constexpr double eps = 0x1p-52;

// Random modes of a layer whose views vary as told.
struct Modes {
  Buffer<float> log_modulus, phase, W, W_imag;
  ModalParameters<const float> p;
  Modes(Index heads, Index count, Index features, std::mt19937_64& rng, bool shared) : log_modulus(1, 1, shared ? 1 : heads, count, shared ? 1 : features), phase(log_modulus), W(1, 1, heads, count, features), W_imag(W) {
    const auto random = [&] { return float(double(rng() >> 11) * 0x1p-52 - 1); };
    for (float& x : log_modulus) x = -std::exp(4 * random() - 4);
    for (float& x : phase) x = 3.2f * random();
    for (float& x : W) x = random();
    for (float& x : W_imag) x = random();
    p = {log_modulus, phase, W, W_imag};
    if (shared) p.log_modulus.stride[4] = p.phase.stride[4] = 0;
  }
  double log(Index h, Index n, Index c) const { return at(p.log_modulus, h, n, c); }
  double angle(Index h, Index n, Index c) const { return at(p.phase, h, n, c); }
  Exact weight(Index h, Index n, Index c) const { return {at(p.W, h, n, c), at(p.W_imag, h, n, c)}; }

 private:
  float at(const View<const float>& v, Index h, Index n, Index c) const { return v.at(0, 0, v.head() == 1 ? 0 : h, n, v.feature() == 1 ? 0 : c); }
};

// What one term of a sum over modes may lose in double (modal.hpp), as a part of its size.
double relative(Index N, Index l, double log) { return (16 + 2 * double(N) + double(l) * std::abs(log)) * eps; }
}  // namespace

TEST_CASE("long kernels on the unit circle are right to the last bit of float", "[convolution]") {
  constexpr Index L = Index(1) << 19, D = 6;
  Buffer<double> none(1, 1, 1, 1, 1), phase(1, 1, 1, 1, D), one(1, 1, 1, 1, 1);
  one[0] = 1;
  for (Index c = 0; c < D; ++c) phase[c] = double(float(2 * std::numbers::pi * double(37 * c + 5) / 256));
  const auto shared = [](const Buffer<double>& b) { View<const double> v = b; return v.stride[4] = 0, v; };
  Buffer<float> kernel(1, L, 1, D);
  modal_kernel(exec::par, ModalParameters<const double>{shared(none), phase, shared(one), shared(none)}, kernel.view());
  double worst = 0, naive = 0;
  for (Index l = 0; l < L; l += l < L - 4096 ? 61 : 1)
    for (Index c = 0; c < D; ++c) {
      const double right = double(power(0, phase[c], l).real());
      worst = std::max(worst, std::abs(double(kernel.view()(0, l, 0, c)) - right));
      naive = std::max(naive, std::abs(double(std::cos(float(l) * float(phase[c]))) - right));
    }
  CAPTURE(worst, naive);
  CHECK(worst <= 0x1p-25 + 1e-12);                          // half a unit of the last place
  CHECK(naive > 1e-2);                                      // what the bound of 1e-6 is there to see
}

TEST_CASE("reported: kernels of a million lags", "[convolution][long_01]") {
  const test::Case file(test::case_path("long_01"));
  const Array re = file.in("lam_re"), im = file.in("lam_im"), dt = file.in("dt"), at = file.in("l"), right = file.out("K"), sum = file.out("K_sum");
  constexpr Index L = Index(1) << 20, N = 4;
  // One mode per channel, and all of them in one.
  Buffer<double> log_modulus(1, 1, 1, N, 1), phase(log_modulus), W(log_modulus), W_imag(log_modulus);
  for (Index n = 0; n < N; ++n) {
    const std::complex<double> z = dt[0] * std::complex<double>(re[to_size(n)], im[to_size(n)]);
    const double half = std::sin(z.imag() / 2);             // exp(z) - 1 without its cancellation
    const std::complex<double> minus_one(std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag()));
    const std::complex<double> w = minus_one / std::complex<double>(re[to_size(n)], im[to_size(n)]);
    log_modulus[n] = z.real(), phase[n] = z.imag(), W[n] = w.real(), W_imag[n] = w.imag();
  }
  const auto channels = [](const Buffer<double>& b) { return View<const double>(b.data(), {1, 1, 1, 1, N}, {0, 0, 0, 0, 1}); };
  Buffer<float> apart(1, L, 1, N), together(1, L, 1, 1);
  modal_kernel(exec::par, ModalParameters<const double>{channels(log_modulus), channels(phase), channels(W), channels(W_imag)}, apart.view(), 2);
  modal_kernel(exec::par, ModalParameters<const double>{log_modulus, phase, W, W_imag}, together.view(), 2);
  double worst = 0;
  for (std::size_t k = 0; k < at.values.size(); ++k) {
    double envelopes = 0;
    for (Index n = 0; n < N; ++n) {
      const double envelope = 2 * std::hypot(W[n], W_imag[n]) * std::exp(at[k] * log_modulus[n]), got = double(apart.view()(0, Index(at[k]), 0, n));
      // The angle of the stored parameters is dt Im lambda rounded to double: l |angle| eps / 2.
      const double bound = 0x1p-24 * std::abs(right[k * 4 + to_size(n)]) + envelope * (16 + at[k] * std::abs(phase[n])) * eps;
      CHECK(std::abs(got - right[k * 4 + to_size(n)]) <= bound);
      worst = std::max(worst, std::abs(got - right[k * 4 + to_size(n)]) / std::exp(at[k] * log_modulus[n]));
      envelopes += envelope * (24 + at[k] * std::abs(phase[n])) * eps;
    }
    CHECK(std::abs(double(together.view()(0, Index(at[k]), 0, 0)) - sum[k]) <= 0x1p-24 * std::abs(sum[k]) + envelopes);
  }
  CAPTURE(worst);
  CHECK(worst <= 1e-4);
}

TEMPLATE_TEST_CASE("kernels of modes are those of the definition, whatever the views", "[convolution]", double, float, Float16) {
  using S = TestType;
  std::mt19937_64 rng(3);
  for (const bool shared : {false, true})
    for (const Index L : {0, 1, 2, 70, 700})
      for (const double scale : {1.0, 2.0}) {
        constexpr Index H = 4, N = 5, D = 3;
        Modes modes(H, N, D, rng, shared);
        Buffer<S> kernel(1, L, H, 1, 2 * D), again(1, L, H, 1, 2 * D);
        const auto odd = [&](Buffer<S>& b) {                // every other feature, time backwards
          View<S> v = b;
          v.extent[4] = D, v.stride[4] = 2;
          if (L > 0) v.data += (L - 1) * v.stride[1], v.stride[1] = -v.stride[1];
          return v;
        };
        modal_kernel(exec::seq, modes.p, odd(kernel), scale), modal_kernel(exec::Par{3}, modes.p, odd(again), scale);
        for (Index l = 0; l < L; ++l)
          for (Index h = 0; h < H; ++h)
            for (Index c = 0; c < D; ++c) {
              long double right = 0;
              double bound = 0;
              for (Index n = 0; n < N; ++n) {
                const Exact term = static_cast<long double>(scale) * modes.weight(h, n, c) * power(modes.log(h, n, c), modes.angle(h, n, c), l);
                right += term.real(), bound += double(std::abs(term)) * relative(N, l, modes.log(h, n, c));
              }
              const double got = double(stage::convert<float>(odd(kernel)(0, l, h, c)));
              const double half_unit = std::is_same_v<S, Float16> ? 0x1.001p-11 : 0x1p-24, least = std::is_same_v<S, Float16> ? 0x1p-25 : 0x1p-126;
              if constexpr (std::is_same_v<S, double>) CHECK(std::abs(odd(kernel)(0, l, h, c) - double(right)) <= bound + eps * std::abs(double(right)));
              else CHECK(std::abs(got - double(right)) <= bound + (half_unit + 0x1p-24 * half_unit) * std::abs(double(right)) + least);
            }
        for (Index n = 0; n < kernel.size(); ++n) {
          CHECK(stage::convert<double>(kernel[n]) == stage::convert<double>(again[n]));   // no number of threads changes a bit
          if (n % 2 == 1) CHECK(stage::convert<double>(kernel[n]) == 0);                  // and nothing beside the kernel is written
        }
      }
}

TEST_CASE("gradients of modes are those of the definition, and are summed over what shares a number", "[convolution]") {
  std::mt19937_64 rng(4);
  constexpr Index H = 4, N = 3, D = 2;
  for (const bool shared : {false, true})
    for (const Index L : {1, 2, 90, 3000}) {
      Modes modes(H, N, D, rng, shared);
      Buffer<float> bar(1, L, H, D);
      for (float& x : bar) x = float(double(rng() >> 11) * 0x1p-52 - 1);
      Buffer<double> log(1, 1, H, N, D), phase(log), W(log), W_imag(log), few(1, 1, 2, 1, D), all(1, 1, 1, N, 1);
      const double scale = 2;
      modal_kernel_vjp(exec::par, modes.p, std::as_const(bar).view(), ModalParameters<double>{log, phase, W, W_imag}, scale);
      for (Index h = 0; h < H; ++h)
        for (Index n = 0; n < N; ++n)
          for (Index c = 0; c < D; ++c) {
            Exact of_weight = 0, of_pole = 0;
            double weight_bound = 0, pole_bound = 0;
            for (Index l = 0; l < L; ++l) {
              const long double x = static_cast<long double>(scale) * static_cast<long double>(bar.view()(0, l, h, c));
              const Exact z = power(modes.log(h, n, c), modes.angle(h, n, c), l), w = modes.weight(h, n, c);
              of_weight += x * std::conj(z), of_pole += x * static_cast<long double>(l) * std::conj(w * z);
              const double part = double(std::abs(x) * std::abs(z)) * (relative(N, l, modes.log(h, n, c)) + double(L) * eps);
              weight_bound += part, pole_bound += double(l) * double(std::abs(w)) * part;
            }
            const auto near = [&](const Buffer<double>& got, long double right, double bound) { CHECK(std::abs(got.view().at(0, 0, h, n, c) - double(right)) <= bound); };
            near(W, of_weight.real(), weight_bound), near(W_imag, of_weight.imag(), weight_bound);
            near(log, of_pole.real(), pole_bound), near(phase, of_pole.imag(), pole_bound);
          }
      View<double> rows_summed = few, one_summed = all;
      rows_summed.stride[3] = 0, one_summed.stride[4] = 0;
      for (double& x : few) x = 7;
      modal_kernel_vjp(exec::seq, modes.p, std::as_const(bar).view(), ModalParameters<double>{.log_modulus = one_summed, .phase = {}, .W = rows_summed, .W_imag = {}}, scale);
      for (Index h = 0; h < 2; ++h)
        for (Index c = 0; c < D; ++c) {
          double sum = 0;
          for (Index x = 0; x < 2; ++x)
            for (Index n = 0; n < N; ++n) sum += W.view().at(0, 0, 2 * h + x, n, c);
          CHECK(few.view().at(0, 0, h, 0, c) == sum);
        }
      for (Index n = 0; n < N; ++n) {
        double sum = 0;
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < D; ++c) sum += log.view().at(0, 0, h, n, c);
        CHECK(all[n] == sum);
      }
    }
}

TEST_CASE("modes: what is wrong is told before anything is written", "[convolution]") {
  Buffer<double> mode(1, 1, 2, 3, 4), other(1, 1, 2, 2, 4), kernel(1, 8, 2, 4), odd(1, 8, 3, 4), batches(2, 8, 2, 4);
  const auto message = [&](ModalParameters<const double> p, const View<double>& k) {
    try {
      modal_kernel(exec::seq, p, k);
    } catch (const ShapeError& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  CHECK(message({mode, mode, mode, mode}, kernel) == "nothing");
  CHECK(message({mode, mode, mode, other}, kernel) == "lcsm::modal_kernel: argument 'W_imag': expected row extent 3, given 2");
  CHECK(message({mode, mode, mode, {}}, kernel) == "lcsm::modal_kernel: argument 'W_imag': expected a number of heads that divides 2, given 0");
  CHECK(message({mode, mode, mode, mode}, odd) == "lcsm::modal_kernel: argument 'log_modulus': expected a number of heads that divides 3, given 2");
  CHECK(message({mode, mode, mode, mode}, batches) == "lcsm::modal_kernel: argument 'kernel': expected batch extent 1, given 2");
  View<double> repeated = kernel;
  repeated.stride[1] = 0;
  CHECK(message({mode, mode, mode, mode}, repeated) == "lcsm::modal_kernel: argument 'kernel': expected an output of its own in every place, given a view with stride 0");
  CHECK_THROWS_AS(modal_kernel_vjp(exec::seq, ModalParameters<const double>{mode, mode, mode, mode}, std::as_const(kernel).view(), ModalParameters<double>{.log_modulus = {}, .phase = {}, .W = other, .W_imag = {}}), ShapeError);
}
