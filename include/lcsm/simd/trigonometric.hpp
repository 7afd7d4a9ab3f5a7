// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/exp.hpp>

#include <cmath>

// sine and cosine of any angle in float and double, in lanes or alone, within 1 ulp.
//
// An angle up to 2^20 is reduced by multiples of pi/2 in double, whatever the type: pi/2 is cut into pieces of 33 bits, whose products with the
// multiple are exact (Cody and Waite), and what the subtractions lose is carried along. With fused products angles in float up to 512 are reduced in
// float: the first piece may then be as long as a float, the second has 14 bits. Angles beyond go to the C library one by one, which costs time and
// not accuracy; phases should not grow that far.

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

namespace detail {

struct TrigTable {
  static constexpr double limit = 0x1p20;
  static constexpr float float_limit = 512;
  static constexpr float two_over_pi_f = 6.36619772e-01f, pio2_f1 = 0x1.921fb6p+0f, pio2_f2 = -0x1.7778p-25f, pio2_f3 = -0x1.2e7b96p-40f;
  static constexpr double two_over_pi = 6.36619772367581382433e-01;
  static constexpr double pio2_1 = 0x1.921fb54400000p+0, pio2_2 = 0x1.0b4611a600000p-34, pio2_3 = 0x1.3198a2e000000p-69;
  static constexpr double pio2_2_rest = 0x1.0b4611a626331p-34, pio2_3_rest = 0x1.b839a252049c1p-104;  // all that follows pio2_1, pio2_3
  static constexpr std::array<double, 6> sine{  // (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 in r^2
      -0.16666666666666666, 0.008333333333330948, -0.00019841269836757121, 2.7557316101799067e-06, -2.5051131687996436e-08,
      1.5918117983621087e-10};
  static constexpr std::array<double, 6> cosine{
      0.041666666666666664, -0.0013888888888887398, 2.4801587298764778e-05, -2.7557317271258499e-07, 2.0876146170181556e-09,
      -1.1382625349305145e-11};
  static constexpr std::array<double, 4> sine_short{  // enough for results in float
      -0.16666666663854385, 0.0083333318743583351, -0.00019840086545307568, 2.7249901157797307e-06};
  static constexpr std::array<double, 4> cosine_short{
      0.041666666664320451, -0.0013888887671723127, 2.4800600218516992e-05, -2.7300938634221505e-07};
};

// (sine, cosine) of r in the quadrant held by the two low bits of t.
template <class V> LCSM_INLINE void to_quadrant(V t, V s, V c, V* sine, V* cosine) noexcept {
  using B = simd::bits_t<V>;
  const B q = simd::to_bits<V>(t);
  const B swap = B(0) - (q & B(1u));
  const B sb = simd::to_bits<V>(s), cb = simd::to_bits<V>(c);
  const B change = (sb ^ cb) & swap;
  constexpr int sign = 8 * int(sizeof(simd::scalar_t<V>)) - 2;
  *sine = simd::from_bits<V>((sb ^ change) ^ ((q & B(2u)) << sign));
  *cosine = simd::from_bits<V>((cb ^ change) ^ (((q + B(1u)) & B(2u)) << sign));
}

// r + e, the reduced angle.
template <class V, std::size_t N> LCSM_INLINE void sincos_of(V r, V e, const std::array<simd::scalar_t<V>, N>& sine, const std::array<simd::scalar_t<V>, N>& cosine, V* s, V* c) noexcept {
  using T = simd::scalar_t<V>;
  const V z = r * r, h = V(T(0.5)) * z, w = V(T(1)) - h;
  *s = r + simd::fma<V>(r * z, simd::polynomial(z, sine), e);
  // (1 - w) - h is what w lost, exactly.
  *c = w + (((V(T(1)) - w) - h) + simd::fma<V>(z * z, simd::polynomial(z, cosine), simd::minus(r * e)));
}

// V of double; |x| <= limit. Short: 40 bits and more, for results that become float.
template <bool Short, class V> LCSM_INLINE void sincos_reduced(V x, V* sine, V* cosine) noexcept {
  using T = TrigTable;
  constexpr double shift = Exponent<double>::shift;
  const V t = simd::fma<V>(x, V(T::two_over_pi), V(shift));
  const V n = t - V(shift);
  const V first = simd::fma<V>(n, V(-T::pio2_1), x);
  V s, c;
  if constexpr (Short) {
    const V r = simd::fma<V>(n, V(-T::pio2_2_rest), first);
    const V z = r * r;
    s = simd::fma<V>(r * z, simd::polynomial(z, T::sine_short), r);
    c = simd::fma<V>(z * z, simd::polynomial(z, T::cosine_short), simd::fma<V>(z, V(-0.5), V(1.0)));
  } else {
    const V second = simd::fma<V>(n, V(-T::pio2_2), first);
    const V lost = simd::fma<V>(n, V(-T::pio2_2), first - second);
    const V third = simd::fma<V>(n, V(-T::pio2_3), second);
    const V lost_too = simd::fma<V>(n, V(-T::pio2_3), second - third) + lost;
    const V tail = simd::fma<V>(n, V(-T::pio2_3_rest), lost_too);
    const V r = third + tail;
    detail::sincos_of<V>(r, (third - r) + tail, T::sine, T::cosine, &s, &c);
  }
  detail::to_quadrant<V>(t, s, c, sine, cosine);
  *sine = simd::select<V>(x == V(0.0), x, *sine);
}

// V of float; |x| <= float_limit.
template <class V> LCSM_INLINE void sincos_reduced_in_float(V x, V* sine, V* cosine) noexcept {
  using T = TrigTable;
  constexpr float shift = Exponent<float>::shift;
  constexpr std::array<float, 4> s_of{float(T::sine_short[0]), float(T::sine_short[1]), float(T::sine_short[2]), float(T::sine_short[3])};
  constexpr std::array<float, 4> c_of{float(T::cosine_short[0]), float(T::cosine_short[1]), float(T::cosine_short[2]), float(T::cosine_short[3])};
  const V t = simd::fma<V>(x, V(T::two_over_pi_f), V(shift)), n = t - V(shift);
  const V first = simd::fma<V>(n, V(-T::pio2_f1), x), second = n * V(T::pio2_f2);             // both exact
  const V r = first - second, e = simd::fma<V>(n, V(-T::pio2_f3), (first - r) - second);
  V s, c;
  detail::sincos_of<V>(r, e, s_of, c_of, &s, &c);
  detail::to_quadrant<V>(t, s, c, sine, cosine);
  *sine = simd::select<V>(x == V(0.0f), x, *sine);
}
template <class V> LCSM_INLINE void sincos_reduced_in_double(V x, V* sine, V* cosine) noexcept {
  const simd::Widened<V> wide = simd::widen<V>(x);
  simd::Widened<V> s, c;
  for (std::size_t i = 0; i < wide.size(); ++i) detail::sincos_reduced<true>(wide[i], &s[i], &c[i]);
  *sine = simd::narrow<V>(s), *cosine = simd::narrow<V>(c);
}

// Lanes beyond the limit, one by one.
template <class T> LCSM_NOINLINE inline void sincos_huge(const T* x, T* sine, T* cosine, Index lanes) noexcept {
  for (Index i = 0; i < lanes; ++i) {
    if (!(std::fabs(x[i]) > static_cast<T>(TrigTable::limit))) continue;
    const double angle = static_cast<double>(x[i]);
    sine[i] = static_cast<T>(std::sin(angle));
    cosine[i] = static_cast<T>(std::cos(angle));
  }
}

}  // namespace detail

template <class V> LCSM_INLINE void sincos(V x, V* sine, V* cosine) noexcept {
  using T = simd::scalar_t<V>;
  if constexpr (std::is_same_v<T, double>) {
    detail::sincos_reduced<false, V>(x, sine, cosine);
  } else if constexpr (LCSM_HAS_FMA == 0) detail::sincos_reduced_in_double<V>(x, sine, cosine);
  else {
    detail::sincos_reduced_in_float<V>(x, sine, cosine);
    const auto far = simd::abs(x) > V(detail::TrigTable::float_limit);
    if (!simd::any(far)) [[likely]] return;
    V s, c;
    detail::sincos_reduced_in_double<V>(x, &s, &c);
    *sine = simd::select<V>(far, s, *sine), *cosine = simd::select<V>(far, c, *cosine);
  }
  if (simd::any(simd::abs(x) > V(static_cast<T>(detail::TrigTable::limit)))) [[unlikely]] {
    T from[simd::width<V>], s[simd::width<V>], c[simd::width<V>];
    simd::store<V>(from, x);
    simd::store<V>(s, *sine);
    simd::store<V>(c, *cosine);
    detail::sincos_huge<T>(from, s, c, simd::width<V>);
    *sine = simd::load<V>(s);
    *cosine = simd::load<V>(c);
  }
}

template <class V> LCSM_INLINE V sin(V x) noexcept {
  V s, c;
  math::sincos<V>(x, &s, &c);
  return s;
}
template <class V> LCSM_INLINE V cos(V x) noexcept {
  V s, c;
  math::sincos<V>(x, &s, &c);
  return c;
}

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
