// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/math.hpp>

#include <cmath>
#include <numbers>

// What attention makes of a logit x = scale q . k + bias, and of a row of such weights:
//
//     alpha[t,s] = phi(x[t,s]) / eta_t
//
// With a linear phi attention is a mixer of this library, with a state of K x D numbers. These are not linear: nothing smaller than all keys and values is a state.
namespace lcsm::weight {

enum class Sum {
  none,                // eta = 1
  exact,               // eta = the sum of the row
  bounded              // eta = max(|sum of the row|, 1)
};

// exp(x) / sum of exp: computed against the largest logit seen so far, so nothing overflows and a row that sees a token never divides by 0.
struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr Sum sum = Sum::exact;
  static constexpr bool shifted = true;                     // phi(x - c) / phi(-c) is the same for all x
  template <class V> static V apply(V x) { return math::exp(x); }
};
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr Sum sum = Sum::none;
  static constexpr bool shifted = false;
  template <class V> static V apply(V x) { return math::sigmoid(x); }
  static double slope(double x) { const double s = 1 / (1 + std::exp(-x)); return s * (1 - s); }
};
struct Relu {
  static constexpr const char* name = "ReLU";
  static constexpr Sum sum = Sum::none;
  static constexpr bool shifted = false;
  template <class V> static V apply(V x) { return simd::select(x < V(simd::scalar_t<V>(0)), V(simd::scalar_t<V>(0)), x); }   // a NaN stays one
  static double slope(double x) { return x > 0 ? 1 : x < 0 ? 0 : x; }                                                  // 0 at 0
};
// Mega's relu^2 (Ma et al. 2022, https://arxiv.org/abs/2209.10655).
struct SquaredRelu {
  static constexpr const char* name = "ReLU^2";
  static constexpr Sum sum = Sum::none;
  static constexpr bool shifted = false;
  template <class V> static V apply(V x) { const V r = Relu::apply(x); return r * r; }
  static double slope(double x) { return x > 0 ? 2 * x : x < 0 ? 0 : x; }
};
// Mega's Laplace function, (1 + erf((x - mu) / (sigma sqrt 2))) / 2 with the published code's six digits of mu = sqrt(1/2) and sigma = sqrt(1/(4 pi)): near relu^2, and bounded.
struct Laplace {
  static constexpr const char* name = "Laplace";
  static constexpr Sum sum = Sum::none;
  static constexpr bool shifted = false;
  static constexpr double mu = 0.707107, sigma = 0.282095;
  static double of(double x) { return 0.5 * std::erfc((mu - x) / (sigma * std::numbers::sqrt2)); }
  // No vector erf: number by number, in double.
  template <class V> static V apply(V x) {
    if constexpr (simd::is_scalar<V>) return static_cast<V>(of(static_cast<double>(x)));
    else {
      alignas(64) simd::scalar_t<V> lanes[simd::width<V>];
      simd::store(lanes, x);
      for (auto& v : lanes) v = static_cast<simd::scalar_t<V>>(of(static_cast<double>(v)));
      return simd::load<V>(lanes);
    }
  }
  static double slope(double x) { const double z = (x - mu) / sigma; return std::exp(-z * z / 2) / (sigma * std::sqrt(2 * std::numbers::pi)); }
};
// Linear coefficients over max(|their sum|, 1).
struct Normalised {
  static constexpr const char* name = "normalised";
  static constexpr Sum sum = Sum::bounded;
  static constexpr bool shifted = false;
  template <class V> static V apply(V x) { return x; }
  static double slope(double x) { return std::isnan(x) ? x : 1; }
};

}  // namespace lcsm::weight
