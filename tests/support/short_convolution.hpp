// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <cmath>
#include <limits>

namespace lcsm::test {

// The sum of a short convolution at token j of a timeline, by its definition, with what its rounding may cost: every term passes at most
// taps sums and one product (no more with fused products), each of relative error u.
struct ConvolutionSum {
  long double value = 0, magnitude = 0;
  template <class T> long double bound(Index taps) const {
    const long double n = static_cast<long double>(taps + 1) * std::numeric_limits<T>::epsilon() / 2;
    return magnitude * n / (1 - n);
  }
  template <class T> bool agrees(T y, Index taps) const { return std::abs(static_cast<long double>(y) - value) <= bound<T>(taps); }  // false for NaN
};

// weight(k), input(j): as numbers; input is asked for j < 0, too.
template <class Weight, class Input> ConvolutionSum plain_convolution(Index taps, Weight&& weight, double bias, Input&& input, Index j) {
  ConvolutionSum sum{bias, std::abs(static_cast<long double>(bias))};
  for (Index k = 0; k < taps; ++k) {
    const long double term = static_cast<long double>(weight(k)) * static_cast<long double>(input(j - (taps - 1) + k));
    sum.value += term, sum.magnitude += std::abs(term);
  }
  return sum;
}

}  // namespace lcsm::test
