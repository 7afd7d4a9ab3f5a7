// SPDX-License-Identifier: MIT
#include <lcsm/simd/math.hpp>

#include "support/catch.hpp"
#include "ulp.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

// Every function over samples of all bit patterns and of the ranges that matter, against a wider libm: double for float, x87 or quadruple
// precision for double. The contract is 2 ulp, subnormal results included, and equal bits for a lane and a scalar.

namespace {

namespace math = lcsm::math;
using lcsm::simd::word_t;

template <class T> using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;
static_assert(std::numeric_limits<long double>::digits >= 64, "the reference for double needs a wider type");

template <class T> std::vector<T> samples() {
  std::vector<T> x;
  const word_t<T> patterns = 1u << 17;
  const word_t<T> step = (std::numeric_limits<word_t<T>>::max() / patterns) | 1u;
  for (word_t<T> i = 0; i < patterns; ++i) x.push_back(std::bit_cast<T>(static_cast<word_t<T>>(i * step)));
  for (const double half_range : {1.0, 20.0, sizeof(T) == 4 ? 110.0 : 760.0, 1.0e6}) {
    const int count = 1 << 15;
    const double golden = 0.61803398874989484820;
    for (int i = 0; i < count; ++i) x.push_back(static_cast<T>(half_range * (2.0 * std::fmod(i * golden, 1.0) - 1.0)));
  }
  const T e[] = {T(0), std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::min(), std::numeric_limits<T>::epsilon(), T(1),
                 std::nextafter(T(1), T(0)), std::nextafter(T(1), T(2)), T(0.625), T(88.7), T(88.72283), T(88.72284), T(103.972), T(709.78),
                 T(709.79), T(745.13), T(745.14), T(128), T(150), T(1024), T(1075), T(1048576), std::nextafter(T(1048576), T(2e6)), T(1e20),
                 std::numeric_limits<T>::max(), std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()};
  for (const T v : e) {
    x.push_back(v);
    x.push_back(-v);
  }
  return x;
}

template <class T, class F, class R> void check(const char* name, const std::vector<T>& x, F f, R reference) {
  CAPTURE(name, sizeof(T));
  const std::vector<T> y = lcsm_test::in_lanes<T>(x, f);
  double worst = 0;
  T worst_at = T(0);
  long different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T alone = f(x[i]);
    if (!lcsm_test::same_bits(alone, y[i]) && !(std::isnan(alone) && std::isnan(y[i]))) ++different;
    const double error = lcsm_test::ulps(y[i], reference(static_cast<Wide<T>>(x[i])));
    if (error > worst) {
      worst = error;
      worst_at = x[i];
    }
  }
  CAPTURE(worst_at);
  CHECK(worst <= 2.0);
  CHECK(different == 0);
}

template <class W> W relu(W x) { return std::isnan(x) || x > W(0) ? x : W(0); }

template <class W> W right_sigmoid(W x) { return x < W(0) ? std::exp(x) / (W(1) + std::exp(x)) : W(1) / (W(1) + std::exp(-x)); }
template <class W> W right_softplus(W x) { return relu(x) + std::log1p(std::exp(-std::fabs(x))); }

template <class T> void check_all() {
  using W = Wide<T>;
  const std::vector<T> x = samples<T>();
  check<T>("exp", x, [](auto v) { return math::exp(v); }, [](W v) { return std::exp(v); });
  check<T>("exp2", x, [](auto v) { return math::exp2(v); }, [](W v) { return std::exp2(v); });
  check<T>("expm1", x, [](auto v) { return math::expm1(v); }, [](W v) { return std::expm1(v); });
  check<T>("log", x, [](auto v) { return math::log(v); }, [](W v) { return std::log(v); });
  check<T>("log1p", x, [](auto v) { return math::log1p(v); }, [](W v) { return std::log1p(v); });
  check<T>("sigmoid", x, [](auto v) { return math::sigmoid(v); }, [](W v) { return right_sigmoid(v); });
  check<T>("softplus", x, [](auto v) { return math::softplus(v); }, [](W v) { return right_softplus(v); });
  check<T>("log_sigmoid", x, [](auto v) { return math::log_sigmoid(v); }, [](W v) { return -right_softplus(-v); });
  check<T>("tanh", x, [](auto v) { return math::tanh(v); }, [](W v) { return std::tanh(v); });
  check<T>("sqrt", x, [](auto v) { return math::sqrt(v); }, [](W v) { return std::sqrt(v); });
  check<T>("sin", x, [](auto v) { return math::sin(v); }, [](W v) { return std::sin(v); });
  check<T>("cos", x, [](auto v) { return math::cos(v); }, [](W v) { return std::cos(v); });
}

// The points of the type next to multiples of pi/2, where a reduction that drops bits shows first.
template <class T> void check_near_multiples() {
  using W = Wide<T>;
  std::vector<T> x;
  const W quarter = std::acos(W(-1)) / W(2);
  for (int n = 1; n < 600000; n += n < 3000 ? 1 : 37) {
    const T at = static_cast<T>(static_cast<W>(n) * quarter);
    for (const T v : {at, std::nextafter(at, T(0)), -std::nextafter(at, T(1e9))}) x.push_back(v);
  }
  check<T>("sin", x, [](auto v) { return math::sin(v); }, [](W v) { return std::sin(v); });
  check<T>("cos", x, [](auto v) { return math::cos(v); }, [](W v) { return std::cos(v); });
}

template <class V> void check_sincos(lcsm::simd::scalar_t<V> x) {
  V s, c;
  math::sincos<V>(V(x), &s, &c);
  CHECK(lcsm_test::same_bits(lcsm::simd::max_lane(s), math::sin(x)));
  CHECK(lcsm_test::same_bits(lcsm::simd::max_lane(c), math::cos(x)));
}

}  // namespace

TEST_CASE("float functions are within 2 ulp everywhere, lanes equal to scalars", "[simd][math]") { check_all<float>(); }

TEST_CASE("double functions are within 2 ulp everywhere, lanes equal to scalars", "[simd][math]") { check_all<double>(); }

TEST_CASE("sin and cos stay right next to multiples of pi/2", "[simd][math]") {
  check_near_multiples<float>();
  check_near_multiples<double>();
}

TEST_CASE("sincos is sin and cos, within the limit of the reduction and beyond", "[simd][math]") {
  for (const double x : {0.5, -3.0, 1.0e5, 3.0e7, -1.0e18}) {
    check_sincos<float>(static_cast<float>(x));
    check_sincos<lcsm::Batch<float>>(static_cast<float>(x));
    check_sincos<double>(x);
    check_sincos<lcsm::Batch<double>>(x);
  }
}
