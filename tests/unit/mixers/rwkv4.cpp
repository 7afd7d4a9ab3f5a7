// SPDX-License-Identifier: MIT
#include <lcsm/mixers/rwkv4.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/mode/scan.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace lcsm;

namespace {
constexpr Index T = 50, H = 2, D = 3, C = H * D;
// Steps of a weight that lives for T tokens, each with an exponential, a product and a sum: some ten roundings.
constexpr double rounding = 1e-15 * 2 * T;

template <class F> struct Numbers {
  std::vector<F> k, v, w, u;
  explicit Numbers(double steep = 1) : k(T * C), v(T * C), w(C), u(C) {
    for (int n = 0; n < T * C; ++n) k[std::size_t(n)] = F(2 * steep * std::sin(n + 1.0)), v[std::size_t(n)] = F(std::cos(2.0 * n));
    for (int n = 0; n < C; ++n) w[std::size_t(n)] = F(n - 4), u[std::size_t(n)] = F(std::sin(3.0 * n));
  }
  Rwkv4::In<const F> in() const {
    return {.k = view(k.data(), 1, T, H, D), .v = view(v.data(), 1, T, H, D), .w = parameter(w), .u = parameter(u)};
  }
  static View<const F> parameter(const std::vector<F>& x) {
    auto p = view(x.data(), 1, 1, H, D);
    p.stride[0] = p.stride[1] = 0;
    return p;
  }
};
}  // namespace

TEST_CASE("RWKV-4 is the published recurrence without a stabiliser", "[mixers]") {
  const Numbers<double> x;
  std::vector<double> y(T * C), z(T * C);
  reference(Rwkv4{}, x.in(), view(y.data(), 1, T, H, D));
  scan(exec::seq, Rwkv4{}, x.in(), view(z.data(), 1, T, H, D), {.tuning = {.scan_chunk = 8, .scan_units = 100}});
  for (std::size_t c = 0; c < C; ++c) {
    double a = 0, b = 0;
    for (std::size_t t = 0; t < T; ++t) {
      const double k = x.k[t * C + c], v = x.v[t * C + c], own = std::exp(x.u[c] + k);
      const double want = (a + own * v) / (b + own);
      CHECK(std::abs(y[t * C + c] - want) < rounding);
      CHECK(std::abs(z[t * C + c] - want) < rounding);
      a = std::exp(-std::exp(x.w[c])) * a + std::exp(k) * v, b = std::exp(-std::exp(x.w[c])) * b + std::exp(k);
    }
  }
}

TEST_CASE("RWKV-4 takes keys far outside of what exp can hold", "[mixers]") {
  const Numbers<float> x(400);                              // |k| up to 800: exp overflows even in double
  std::vector<float> y(T * C);
  recurrent(exec::seq, Rwkv4{}, x.in(), view(y.data(), 1, T, H, D));
  for (std::size_t c = 0; c < C; ++c)
    for (std::size_t t = 0; t < T; ++t) {
      // Every weight's exponent, as numbers of their own; then a mean of values with their largest taken out.
      std::vector<double> exponent;
      for (std::size_t s = 0; s < t; ++s) exponent.push_back(double(x.k[s * C + c]) - double(t - 1 - s) * std::exp(double(x.w[c])));
      exponent.push_back(double(x.u[c]) + double(x.k[t * C + c]));
      const double top = *std::max_element(exponent.begin(), exponent.end());
      double sum = 0, weights = 0;
      for (std::size_t s = 0; s <= t; ++s) {
        const double weight = std::exp(exponent[s] - top);
        sum += weight * double(x.v[s * C + c]), weights += weight;
      }
      // Scales of up to 800 + T |log decay| are rounded once a token; a weight errs by as much.
      CHECK(std::abs(double(y[t * C + c]) - sum / weights) < 2 * T * (800 + T * std::exp(1.0)) * 0x1p-24);
    }
  for (std::size_t c = 0; c < C; ++c) CHECK(y[c] == x.v[c]);                     // of nothing seen, not 0/0
}

TEST_CASE("RWKV-4 starts as its code does", "[mixers]") {
  double w[C], u[C];
  const auto start = [&](Index layer, Index layers) {
    initialise(Rwkv4{}, {.w = view(w, 1, 1, H, D), .u = view(u, 1, 1, H, D)}, layer, layers);
  };
  start(2, 5);
  for (int c = 0; c < C; ++c) {
    CHECK(w[c] == -5 + 8 * std::pow(c / 5.0, 0.7 + 1.3 * 0.5));
    CHECK(std::abs(u[c] - (std::log(0.3) + 0.5 * (c % 3 == 0 ? 0 : c % 3 == 1 ? 1 : -1))) < 1e-15);
  }
  start(0, 1);                                              // a single layer is the first
  CHECK(w[0] == -5);
  CHECK(w[C - 1] == 3);
  CHECK(w[1] == -5 + 8 * std::pow(1 / 5.0, 0.7));
}
