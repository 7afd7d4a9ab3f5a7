// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <lcsm/kernel/fourier.hpp>

#include <complex>
#include <numbers>
#include <random>

namespace {

using namespace lcsm;

// Every lane is a signal of its own.
template <class T> struct Points {
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;
  std::vector<T> data;
  explicit Points(Index n) : data(to_size(n * 2 * W)) {}
  T& re(Index m, Index lane) { return data[to_size(m * 2 * W + lane)]; }
  T& im(Index m, Index lane) { return data[to_size(m * 2 * W + W + lane)]; }
};
template <class T> Points<T> noise(Index n, unsigned seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal;
  Points<T> x(n);
  for (T& v : x.data) v = T(normal(bits));
  return x;
}
// sum_m x_m exp(-2 pi i k m / n), the angle's multiple of 1 / n reduced exactly.
template <class T> std::complex<double> definition(Points<T>& x, Index n, Index k, Index lane) {
  std::complex<double> sum;
  for (Index m = 0; m < n; ++m) sum += std::complex<double>(x.re(m, lane), x.im(m, lane)) * std::polar(1.0, -2 * std::numbers::pi * double(k * m % n) / double(n));
  return sum;
}

}  // namespace

TEMPLATE_TEST_CASE("a transform has the values of its definition in some order, and its inverse undoes it", "[fourier]", float, double) {
  using T = TestType;
  using V = Batch<T>;
  for (const Index n : {1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 20, 25, 27, 30, 32, 60, 64, 75, 120, 125, 128, 240, 256, 375, 512, 1000, 1024}) {
    INFO(n << " points");
    const Fourier<T> fourier(n);
    Points<T> x = noise<T>(n, unsigned(n)), y = x;
    fourier.template forward<V>(y.data.data());
    // Brent, Percival, Zimmermann 2007: relative to the norm a pass of complex products errs by about sqrt(5) eps / 2 beside the roots' rounding.
    const double bound = 3 * (std::log2(double(n)) + 1) * double(std::numeric_limits<T>::epsilon()) * std::sqrt(2.0 * double(n));
    for (const Index lane : {Index(0), Points<T>::W - 1}) {
      std::vector<std::complex<double>> right;
      for (Index k = 0; k < n; ++k) right.push_back(definition(x, n, k, lane));
      std::vector<bool> taken(to_size(n));
      Index found = 0;
      for (Index k = 0; k < n; ++k) {                       // no two values of noise are close
        const std::complex<double> given(y.re(k, lane), y.im(k, lane));
        Index nearest = 0;
        for (Index m = 1; m < n; ++m) if (std::abs(given - right[to_size(m)]) < std::abs(given - right[to_size(nearest)])) nearest = m;
        if (!taken[to_size(nearest)] && std::abs(given - right[to_size(nearest)]) <= bound * std::sqrt(double(n))) ++found, taken[to_size(nearest)] = true;
      }
      CHECK(found == n);
    }
    fourier.template inverse<V>(y.data.data());
    double worst = 0;
    for (std::size_t m = 0; m < x.data.size(); ++m) worst = std::max(worst, std::abs(double(y.data[m]) / double(n) - double(x.data[m])));
    CHECK(worst <= 2 * bound);
  }
}

TEST_CASE("lengths of transforms", "[fourier]") {
  for (const auto& [n, length] : {std::pair<Index, Index>{0, 1}, {1, 1}, {7, 8}, {11, 12}, {13, 15}, {17, 18}, {257, 270}, {1025, 1080}, {65537, 65610}})
    CHECK(Fourier<float>::length_at_least(n) == length);
}
