// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace lcsm_test {

template <class T> bool same_bits(T a, T b) { return std::memcmp(&a, &b, sizeof(T)) == 0; }

// How far y is from the right value, in units in the last place of T at the right value (a wide number); 0 or infinity where either is special.
template <class T, class W> double ulps(T y, W right) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(right)) return std::isnan(y) ? 0.0 : wrong;
  const T rounded = static_cast<T>(right);
  if (std::isinf(rounded) || !std::isfinite(y)) return y == rounded ? 0.0 : wrong;
  if (right == W(0)) return y == T(0) && std::signbit(y) == std::signbit(right) ? 0.0 : wrong;
  int exponent = 0;
  static_cast<void>(std::frexp(right, &exponent));
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  return static_cast<double>(std::fabs(static_cast<W>(y) - right) / std::ldexp(W(1), exponent - std::numeric_limits<T>::digits));
}

// f over the numbers in whole batches, the last one partial.
template <class T, class F> std::vector<T> in_lanes(const std::vector<T>& x, F f) {
  using V = lcsm::Batch<T>;
  std::vector<T> y(x.size());
  const lcsm::Index n = static_cast<lcsm::Index>(x.size());
  for (lcsm::Index c = 0; c < n; c += lcsm::simd::width<V>) {
    const lcsm::Index count = std::min(n - c, lcsm::simd::width<V>);
    lcsm::simd::store_partial<V>(y.data() + c, f(lcsm::simd::load_partial<V>(x.data() + c, count)), count);
  }
  return y;
}

}  // namespace lcsm_test
