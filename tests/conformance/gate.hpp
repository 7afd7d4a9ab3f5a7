// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <cmath>
#include <limits>

namespace lcsm::conformance {

// What layers do beside their mixer, in double.
inline double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
inline double silu(double x) { return x * sigmoid(x); }
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
inline constexpr double layer_epsilon = 8 * std::numeric_limits<double>::epsilon();      // a few double operations on each side

// y silu(z): z in the order of y.
inline Post gated(Array z) {
  return [z = std::move(z)](std::vector<double>& y, std::vector<double>& bound) {
    for (std::size_t n = 0; n < y.size(); ++n) {
      const double g = silu(z.values.at(n));
      y[n] *= g, bound[n] = bound[n] * std::abs(g) + layer_epsilon * std::abs(y[n]);
    }
  };
}
// silu(y), whose slope is below 1.1.
inline void activated(std::vector<double>& y, std::vector<double>& bound) {
  for (std::size_t n = 0; n < y.size(); ++n) y[n] = silu(y[n]), bound[n] = 1.1 * bound[n] + layer_epsilon * std::abs(y[n]);
}

// What a convolution through FFTs of length n loses in double: a transform errs by log2(n) eta of its 2-norm, eta < 7 eps / 2 (Higham,
// Accuracy and Stability of Numerical Algorithms, theorem 24.2), and there are three: of the kernel, of the input, and back.
inline double fft_error(const std::vector<double>& kernel, const std::vector<double>& input) {
  double k1 = 0, k2 = 0, u1 = 0, u2 = 0;
  for (const double x : kernel) k1 += std::abs(x), k2 += x * x;
  for (const double x : input) u1 += std::abs(x), u2 += x * x;
  const double n = 2 * double(std::max(kernel.size(), input.size()));
  return std::log2(n) * 3.5 * std::numeric_limits<double>::epsilon() * (std::sqrt(k2) * u1 + 2 * k1 * std::sqrt(u2));
}

}  // namespace lcsm::conformance
