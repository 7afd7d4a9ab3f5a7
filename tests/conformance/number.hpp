// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace lcsm::conformance {

// How a number moves with one that the file holds, and how far off this slope may be.
struct Term {
  const std::string* of;                 // the file's name of the tensor (Array::named)
  Index at;
  double slope = 1, error = 0;
};

// What an adapter computes in double from numbers of the file, before or after the mixer: its value, how far the file's reference and we may be apart, to
// first order, and its slopes. What is computed once has its gradient thereby. Slopes are left out where only values are wanted.
template <bool Slopes> struct NumberOf {
  struct Nothing {};
  double x = 0, error = 0;
  std::conditional_t<Slopes, std::vector<Term>, Nothing> terms{};
};
using Number = NumberOf<true>;
using Plain = NumberOf<false>;
inline std::vector<double> values_of(const std::vector<Number>& from) {
  std::vector<double> out;
  for (const Number& v : from) out.push_back(v.x);
  return out;
}

// A double operation on each side.
inline constexpr double rounding = std::numeric_limits<double>::epsilon();

template <bool S> void add_terms(NumberOf<S>& to, const NumberOf<S>& x, double slope, double error) {
  if constexpr (S)
    for (const Term& t : x.terms) to.terms.push_back({t.of, t.at, t.slope * slope, t.error * std::abs(slope) + std::abs(t.slope) * (error + 2 * rounding * std::abs(slope))});
}

template <bool S> NumberOf<S>& operator+=(NumberOf<S>& a, const NumberOf<S>& b) {
  a.error += b.error + rounding * (std::abs(a.x) + std::abs(b.x)), a.x += b.x;
  if constexpr (S) a.terms.insert(a.terms.end(), b.terms.begin(), b.terms.end());
  return a;
}
template <bool S> NumberOf<S> operator+(NumberOf<S> a, const NumberOf<S>& b) { return a += b; }
template <bool S> NumberOf<S> operator*(const NumberOf<S>& a, double b) {
  NumberOf<S> out{a.x * b, std::abs(b) * a.error + rounding * std::abs(a.x * b), {}};
  add_terms(out, a, b, 0);
  return out;
}
template <bool S> NumberOf<S> operator-(const NumberOf<S>& a) { return a * -1.0; }
template <bool S> NumberOf<S> operator-(const NumberOf<S>& a, const NumberOf<S>& b) { return a + -b; }
template <bool S> NumberOf<S> operator*(const NumberOf<S>& a, const NumberOf<S>& b) {
  NumberOf<S> out{a.x * b.x, std::abs(a.x) * b.error + std::abs(b.x) * a.error + rounding * std::abs(a.x * b.x), {}};
  add_terms(out, a, b.x, b.error), add_terms(out, b, a.x, a.error);
  return out;
}

// A sum of products, in whatever order.
template <class X> class Sum {
 public:
  void add(const X& a, const X& b) {
    sum_ += a * b, size_ += std::abs(a.x * b.x), error_ += std::abs(a.x) * b.error + std::abs(b.x) * a.error, ++products_;
  }
  X total() {
    sum_.error = error_ + double(products_) * rounding * size_;
    return std::move(sum_);
  }
  double size() const { return size_; }

 private:
  X sum_{};
  double size_ = 0, error_ = 0;
  int products_ = 0;
};

// f(a), by its value and two derivatives: functions of the standard library are right to 2 units.
template <bool S> NumberOf<S> function(const NumberOf<S>& a, double f, double slope, double bend) {
  NumberOf<S> out{f, (std::abs(slope) + std::abs(bend) * a.error) * a.error + 4 * rounding * std::abs(f), {}};
  add_terms(out, a, slope, std::abs(bend) * a.error + 4 * rounding * std::abs(slope));
  return out;
}
inline double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
inline double silu(double x) { return x * sigmoid(x); }
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
template <bool S> NumberOf<S> sigmoid(const NumberOf<S>& a) {
  const double s = sigmoid(a.x), slope = s * sigmoid(-a.x);
  return function(a, s, slope, slope * (1 - 2 * s));
}
template <bool S> NumberOf<S> silu(const NumberOf<S>& a) {
  const double s = sigmoid(a.x), out = sigmoid(-a.x);
  return function(a, silu(a.x), s * (1 + a.x * out), s * out * (2 + a.x * (1 - 2 * s)));
}
template <bool S> NumberOf<S> softplus(const NumberOf<S>& a) { return function(a, softplus(a.x), sigmoid(a.x), sigmoid(a.x) * sigmoid(-a.x)); }
template <bool S> NumberOf<S> tanh(const NumberOf<S>& a) {
  const double t = std::tanh(a.x), slope = 1 - t * t;
  return function(a, t, slope, -2 * t * slope);
}
template <bool S> NumberOf<S> log(const NumberOf<S>& a) { return function(a, std::log(a.x), 1 / a.x, -1 / (a.x * a.x)); }
template <bool S> NumberOf<S> inverse(const NumberOf<S>& a) { return function(a, 1 / a.x, -1 / (a.x * a.x), 2 / (a.x * a.x * a.x)); }
template <bool S> NumberOf<S> sqrt(const NumberOf<S>& a) {
  const double root = std::sqrt(a.x);
  return function(a, root, 0.5 / root, -0.25 / (a.x * root));
}
// The modulus and the angle of a complex number, for parts that are exact.
template <bool S> NumberOf<S> of_parts(const NumberOf<S>& re, const NumberOf<S>& im, double f, double by_re, double by_im) {
  NumberOf<S> out{f, std::abs(by_re) * re.error + std::abs(by_im) * im.error + 4 * rounding * std::abs(f), {}};
  add_terms(out, re, by_re, 4 * rounding * std::abs(by_re)), add_terms(out, im, by_im, 4 * rounding * std::abs(by_im));
  return out;
}
template <bool S> NumberOf<S> log_modulus(const NumberOf<S>& re, const NumberOf<S>& im) {
  const double square = re.x * re.x + im.x * im.x;
  return of_parts(re, im, std::log(std::hypot(re.x, im.x)), re.x / square, im.x / square);
}
template <bool S> NumberOf<S> angle(const NumberOf<S>& re, const NumberOf<S>& im) {
  const double square = re.x * re.x + im.x * im.x;
  return of_parts(re, im, std::atan2(im.x, re.x), -im.x / square, re.x / square);
}

}  // namespace lcsm::conformance
