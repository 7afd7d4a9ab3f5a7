// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/polynomial.hpp>

#include <limits>

// log and log1p of float and double, in lanes or alone, within 2 ulp. log(0) = -inf, log(x < 0) = NaN, subnormal arguments are right.
//
// With u = 2^k m, m in [sqrt(1/2), sqrt(2)), f = m - 1 and s = f / (2 + f):
//   log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), R the rest of 2 atanh(s)   (the form of FreeBSD's e_log.c, Ng 1993)

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

namespace detail {

template <class T> struct LogTable;
template <> struct LogTable<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr std::uint32_t mantissa = 0x007fffff, one = 0x3f800000, sqrt_half = 0x3f3504f3, integer = 0x4b000000;
  static constexpr float integer_bias = 0x1p23f + 127.0f;
  static constexpr float smallest_normal = 0x1p-126f, lift = 0x1p23f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr std::array<float, 4> narrow{  // R(z) / z, z <= 0.0295: m as above
      0.666666687f, 0.400001228f, 0.285508037f, 0.233309641f};
  static constexpr std::array<float, 6> unit{  // the same for z <= 1/9: f in [0, 1]
      0.666666687f, 0.400000095f, 0.285703063f, 0.222647116f, 0.174647018f, 0.207876176f};
};
template <> struct LogTable<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr std::uint64_t mantissa = 0x000fffffffffffff, one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr std::uint64_t integer = 0x4330000000000000;
  static constexpr double integer_bias = 0x1p52 + 1023.0;
  static constexpr double smallest_normal = 0x1p-1022, lift = 0x1p52;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr std::array<double, 7> narrow{
      0.66666666666666696, 0.39999999999899238, 0.28571428626095918, 0.22222211115141333, 0.18182890556855741, 0.1533167402581507,
      0.14617037594292831};
  static constexpr std::array<double, 12> unit{
      0.66666666666666663, 0.40000000000000013, 0.28571428571421942, 0.22222222223331986, 0.18181818086005638, 0.15384620253804826,
      0.13333176949122497, 0.11767997767483401, 0.1048039923192346, 0.099420249119990256, 0.063341107960979595, 0.15231262706672119};
};

// Positive normal u = 2^k m: returns m, sets k.
template <class V> LCSM_INLINE V split(V u, V* k) noexcept {
  using Table = LogTable<simd::scalar_t<V>>;
  using B = simd::bits_t<V>;
  const B moved = simd::to_bits<V>(u) + B(Table::one - Table::sqrt_half);
  *k = simd::from_bits<V>((moved >> Table::mantissa_bits) | B(Table::integer)) - V(Table::integer_bias);
  return simd::from_bits<V>((moved & B(Table::mantissa)) + B(Table::sqrt_half));
}

// log(1 + f) - f, plus a small addend that is not to be rounded away first.
template <class V, std::size_t N>
LCSM_INLINE V log_rest(V f, V addend, const std::array<simd::scalar_t<V>, N>& c) noexcept {
  using T = simd::scalar_t<V>;
  const V s = f / (V(T(2)) + f);
  const V z = s * s;
  const V half = V(T(0.5)) * f;
  const V w = simd::fma<V>(s, simd::fma<V>(z, simd::polynomial(z, c), half * f), addend);
  return simd::fma<V>(simd::minus(half), f, w);
}

// log(1 + f) for f in [0, 1].
template <class V> LCSM_INLINE V log1p_unit(V f) noexcept {
  using T = simd::scalar_t<V>;
  return f + detail::log_rest<V>(f, V(T(0)), LogTable<T>::unit);
}

}  // namespace detail

template <class V> LCSM_INLINE V log(V x) noexcept {
  using T = simd::scalar_t<V>;
  using Table = detail::LogTable<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const auto tiny = x < V(Table::smallest_normal);
  V k;
  const V f = detail::split<V>(simd::select<V>(tiny, x * V(Table::lift), x), &k) - V(T(1));
  k = k - simd::select<V>(tiny, V(T(Table::mantissa_bits)), V(T(0)));
  const V y = simd::fma<V>(k, V(Table::ln2_high), f + detail::log_rest<V>(f, k * V(Table::ln2_low), Table::narrow));
  const V edge = simd::select<V>(x == V(T(0)), V(-infinity), V(std::numeric_limits<T>::quiet_NaN()));
  return simd::select<V>(x > V(T(0)), simd::select<V>(x < V(infinity), y, x), edge);
}

// log(1 + x) with full relative accuracy near 0; the sign of zero is kept. log1p(-1) = -inf.
template <class V> LCSM_INLINE V log1p(V x) noexcept {
  using T = simd::scalar_t<V>;
  using Table = detail::LogTable<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const V one = V(T(1));
  const V u = one + x;
  V k;
  const V m = detail::split<V>(u, &k);
  const auto plain = k == V(T(0));
  // What u lost of 1 + x, to first order: log(1 + x) = log(u) + lost / u.
  const V lost = simd::select<V>(x < one, x - (u - one), one - (u - x)) / u;
  const V f = simd::select<V>(plain, x, m - one);
  const V rest = detail::log_rest<V>(f, simd::fma<V>(k, V(Table::ln2_low), simd::select<V>(plain, V(T(0)), lost)), Table::narrow);
  const V y = simd::fma<V>(k, V(Table::ln2_high), f + rest);
  const V inside = simd::select<V>(x < V(infinity), y, x);
  const V edge = simd::select<V>(x == V(T(-1)), V(-infinity), V(std::numeric_limits<T>::quiet_NaN()));
  return simd::select<V>(x == V(T(0)), x, simd::select<V>(x > V(T(-1)), inside, edge));
}

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
