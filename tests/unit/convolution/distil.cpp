// SPDX-License-Identifier: MIT
#include <lcsm/convolution/distil.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <random>

using namespace lcsm;

namespace {
struct Random {
  std::mt19937_64 rng{7};
  double operator()() { return double(rng() >> 11) * 0x1p-52 - 1; }
};
Buffer<double> kernel_of(const ModalForm& form, Index L) {
  Buffer<double> kernel(1, L, form.heads(), form.features());
  return modal_kernel(exec::seq, form, kernel.view()), kernel;
}
double norm(const View<const double>& k, Index h, Index c) {
  double sum = 0;
  for (Index l = 0; l < k.time(); ++l) sum += k(0, l, h, c) * k(0, l, h, c);
  return std::sqrt(sum);
}
double distance(const Buffer<double>& a, const Buffer<double>& b, Index h, Index c) {
  Buffer<double> rest(a);
  for (Index n = 0; n < a.size(); ++n) rest[n] -= b[n];
  return norm(rest, h, c);
}
}  // namespace

TEST_CASE("kernels of few modes are met to rounding", "[convolution]") {
  Random random;
  constexpr Index H = 2, C = 3, N = 4;
  ModalForm truth(H, N, C, 1);                              // pairs and real modes, positive and negative
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < C; ++c) {
      for (Index n = 0; n < N; ++n) {
        truth.log_modulus.view().at(0, 0, h, n, c) = -0.01 - 0.1 * std::abs(random());
        truth.phase.view().at(0, 0, h, n, c) = c == 2 && n < 2 ? (n == 0 ? 0.0 : std::numbers::pi) : 0.3 + 0.7 * double(n) + 0.2 * random();
        truth.W.view().at(0, 0, h, n, c) = 1 + random() / 2, truth.W_imag.view().at(0, 0, h, n, c) = c == 2 && n < 2 ? 0 : random();
      }
      truth.D.view()(0, 0, h, c) = 3 * random();
    }
  for (const Index L : {18, 64, 301, 2000})
    for (const Index order : {2 * N, 2 * N + 5, Index(60)}) {
      const Buffer<double> kernel = kernel_of(truth, L);
      const Distilled out = distil(exec::par, kernel.view(), order, 100);
      const Buffer<double> got = kernel_of(out.form, L);
      CHECK(out.form.modes() <= order);
      for (Index h = 0; h < H; ++h)
        for (Index c = 0; c < C; ++c) {
          INFO("lags " << L << " order " << order);
          CHECK(distance(got, kernel, h, c) <= 1e-12 * norm(kernel, h, c));
          CHECK(out.error.view()(0, 0, h, c) <= 1e-12);
          CHECK(out.form.D.view()(0, 0, h, c) == kernel.view()(0, 0, h, c));
          const Index rank = c == 2 ? 2 * N - 2 : 2 * N;
          const View<const double> sigma = out.singular_values.view();
          CHECK(sigma.at(0, 0, h, rank - 1, c) > 1e-9 * sigma.at(0, 0, h, 0, c));
          if (sigma.row() > rank) CHECK(sigma.at(0, 0, h, rank, c) <= 1e-13 * sigma.at(0, 0, h, 0, c));
        }
    }
}

TEST_CASE("kernels of many modes are met as well as their Hankel matrix allows", "[convolution]") {
  Random random;
  constexpr Index L = 128, C = 4;
  Buffer<double> kernel(1, L, 1, C);
  for (Index l = 0; l < L; ++l)
    for (Index c = 0; c < C; ++c) kernel.view()(0, l, 0, c) = random() * std::exp(-0.35 * double(l));
  double before[C] = {1, 1, 1, 1};
  for (const Index order : {1, 2, 4, 7, 12, 20}) {
    const Distilled out = distil(exec::seq, kernel.view(), order);
    const Buffer<double> got = kernel_of(out.form, L);
    const View<const double> sigma = out.singular_values.view();
    const Index R = sigma.row();
    for (Index c = 0; c < C; ++c) {
      const double rest = distance(got, kernel, 0, c);
      double tail = 0;                                      // what balanced truncation leaves (Glover 1984): twice the sum of the values left out
      for (Index n = order; n < R; ++n) tail += 2 * sigma.at(0, 0, 0, n, c);
      INFO("order " << order << " channel " << c);
      CHECK(std::abs(out.error.view()(0, 0, 0, c) * norm(kernel, 0, c) - rest) <= 1e-13 * norm(kernel, 0, c));
      CHECK(rest >= sigma.at(0, 0, 0, order, c) / std::sqrt(double(R)) - 1e-14);
      CHECK(rest <= tail + 1e-13);
      for (Index n = 0; n + 1 < R; ++n) CHECK(sigma.at(0, 0, 0, n, c) >= sigma.at(0, 0, 0, n + 1, c));
      CHECK(out.error.view()(0, 0, 0, c) <= before[c] + 1e-13);
      before[c] = std::max(out.error.view()(0, 0, 0, c), 0.0) * 4;
    }
    for (Index n = 0; n < out.form.log_modulus.size(); ++n) CHECK(out.form.log_modulus[n] <= 0);
  }
}

TEST_CASE("growing kernels get modes that do not grow", "[convolution]") {
  Buffer<double> kernel(1, 40, 1, 1);
  for (Index l = 0; l < 40; ++l) kernel[l] = std::pow(1.1, double(l));
  const Distilled out = distil(exec::seq, kernel.view(), 3);
  CHECK(out.form.modes() == 1);
  CHECK(std::abs(out.form.log_modulus[0] + std::log(1.1)) <= 1e-12);
  CHECK((out.error[0] > 0.1 && out.error[0] < 1));
}

TEMPLATE_TEST_CASE("short, empty and other kernels", "[convolution]", double, float) {
  using T = TestType;
  const auto of = [](std::initializer_list<double> taps, Index order = 4) {
    Buffer<T> kernel(1, Index(taps.size()), 1, 1);
    std::transform(taps.begin(), taps.end(), kernel.begin(), [](double x) { return T(x); });
    return distil(exec::seq, kernel.view(), order);
  };
  const auto lags = [](const Distilled& d, std::initializer_list<double> right) {
    const Buffer<double> got = kernel_of(d.form, Index(right.size()));
    Index l = 0;
    for (const double x : right) CHECK(std::abs(got[l++] - x) <= 1e-15);
  };
  CHECK(of({}).error[0] == 0);
  lags(of({3}), {3, 0, 0});
  lags(of({3, 0.5}), {3, 0.5, 0, 0});
  lags(of({3, 0.5, -0.25}), {3, 0.5, -0.25, 0.125});
  CHECK(of({3, 0.5, -0.25}).error[0] <= 1e-15);
  const Distilled unseen = of({3, 0, 4});
  CHECK(unseen.error[0] == 0.8);
  lags(unseen, {3, 0, 0});
  const Distilled zero = of({0, 0, 0, 0, 0, 0, 0});
  CHECK(zero.error[0] == 0);
  CHECK(zero.singular_values[0] == 0);
  lags(zero, {0, 0, 0, 0});
  const Distilled broken = of({1, 2, std::numeric_limits<double>::quiet_NaN(), 3, 4});
  CHECK((std::isnan(broken.error[0]) && std::isnan(broken.form.W[0]) && broken.form.D[0] == 1));
  // A double pole, l z^l, is two close ones.
  Buffer<T> kernel(1, 60, 1, 1);
  for (Index l = 0; l < 60; ++l) kernel[l] = T(double(l) * std::exp2(-double(l)));
  CHECK(distil(exec::seq, kernel.view(), 2).error[0] <= 1e-7);
  CHECK_THROWS_AS(distil(exec::seq, kernel.view(), 0), OptionError);
  CHECK_THROWS_AS(distil(exec::seq, kernel.view(), 1, 0), OptionError);
}
