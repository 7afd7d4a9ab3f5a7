// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <cmath>
#include <limits>

namespace lcsm::conformance {

// y silu(z): z in the order of y. What layers do after their mixer.
inline auto gated(Array z) {
  return [z = std::move(z)]<class X>(std::vector<X>& y) {
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = y[n] * silu(z.number<X>(n));
  };
}
inline constexpr auto activated = []<class X>(std::vector<X>& y) {
  for (X& v : y) v = silu(v);
};

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
