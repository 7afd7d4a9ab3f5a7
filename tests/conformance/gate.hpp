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
// The same for every output of a layer that convolves each channel: kernel [length, channels], u [batch, tokens, channels].
inline std::vector<double> convolution_error(const std::vector<double>& kernel, const std::vector<double>& u, Index batch, Index tokens,
                                             Index channels) {
  std::vector<double> out(u.size());
  const auto column = [&](const std::vector<double>& x, Index first, Index length) {
    std::vector<double> one;
    for (Index j = 0; j < length; ++j) one.push_back(x.at(to_size(first + j * channels)));
    return one;
  };
  for (Index b = 0; b < batch; ++b)
    for (Index c = 0; c < channels; ++c) {
      const double error = fft_error(column(kernel, c, Index(kernel.size()) / channels), column(u, b * tokens * channels + c, tokens));
      for (Index t = 0; t < tokens; ++t) out[to_size((b * tokens + t) * channels + c)] = error;
    }
  return out;
}
// A one in every channel of the first token.
inline Array impulse(Index tokens, Index channels) {
  Array x = constant({tokens, channels}, 0);
  std::fill_n(x.values.begin(), channels, 1.0);
  return x;
}

}  // namespace lcsm::conformance
