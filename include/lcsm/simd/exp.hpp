// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/polynomial.hpp>

// exp, exp2 and expm1 of float and double, in lanes or alone, within 2 ulp (1 ulp for exp and exp2).
//
// x = n ln 2 + r with |r| <= ln(2)/2 (two-part ln 2 after Cody and Waite), a near-minimax polynomial for exp(r), and 2^n put in as two factors: each is a
// normal number where 2^n need not be, so that exp(88.7f) is finite and a result below the smallest normal number is the right subnormal,
// rounded once. Without branches; NaN stays NaN, exp(-inf) = 0, exp(inf) = inf.

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

namespace detail {

// Adding `shift` rounds to the nearest integer and leaves it in the low bits; with the exponent's bias in it, a shift to the left makes 2^n.
template <class T> struct Exponent;
template <> struct Exponent<float> {
  static constexpr float shift = 0x1.8p23f, shift_biased = 0x1.8p23f + 127.0f;
  static constexpr int mantissa_bits = 23;
};
template <> struct Exponent<double> {
  static constexpr double shift = 0x1.8p52, shift_biased = 0x1.8p52 + 1023.0;
  static constexpr int mantissa_bits = 52;
};

// 2^n for a whole n given as shift_biased + n, n within the exponents of normal numbers.
template <class V> LCSM_INLINE V power_of_two(V shifted) noexcept {
  return simd::from_bits<V>(simd::to_bits<V>(shifted) << Exponent<simd::scalar_t<V>>::mantissa_bits);
}

// p 2^n for whole n; only the last product rounds. The halves of n stay normal.
template <class V> LCSM_INLINE V scale(V p, V n) noexcept {
  using E = Exponent<simd::scalar_t<V>>;
  const V first = simd::fma<V>(n, V(simd::scalar_t<V>(0.5)), V(E::shift_biased));
  const V second = (n - (first - V(E::shift_biased))) + V(E::shift_biased);
  return (p * detail::power_of_two(first)) * detail::power_of_two(second);
}

template <class T> struct ExpTable;
template <> struct ExpTable<float> {
  // Outside of these the result is 0 or infinite, and stays so when the argument is replaced by the end.
  static constexpr float low = -104.0f, high = 89.0f, low2 = -151.0f, high2 = 129.0f, low_minus_one = -30.0f;
  static constexpr float log2_e = 0x1.715476p+0f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // n ln2_high is exact
  static constexpr std::array<float, 6> exp{                                                               // (exp(r) - 1 - r) / r^2
      0.5f, 0.166666672f, 0.041666463f, 0.00833330955f, 0.00139340502f, 0.000198922149f};
  static constexpr std::array<float, 7> exp2{  // (2^r - 1) / r
      0.693147182f, 0.240226507f, 0.0555041097f, 0.00961805694f, 0.00133334985f, 0.000154614812f, 1.52987432e-05f};
};
template <> struct ExpTable<double> {
  static constexpr double low = -746.0, high = 710.0, low2 = -1076.0, high2 = 1025.0, low_minus_one = -60.0;
  static constexpr double log2_e = 0x1.71547652b82fep+0, ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr std::array<double, 11> exp{
      0.5, 0.16666666666666671, 0.041666666666666671, 0.0083333333333258739, 0.0013888888888882662, 0.0001984126987572857,
      2.4801587328571437e-05, 2.7557254253687939e-06, 2.7557270304795534e-07, 2.5105692058491084e-08, 2.0915950066276301e-09};
  static constexpr std::array<double, 12> exp2{
      0.69314718055994529, 0.24022650695910072, 0.055504108664821625, 0.0096181291076284803, 0.0013333558146406417,
      0.00015403530393367324, 1.5252733841625845e-05, 1.3215486812215784e-06, 1.0178057052231486e-07, 7.0548957426093613e-09,
      4.455824216197583e-10, 2.5731824271963141e-11};
};

}  // namespace detail

template <class V> LCSM_INLINE V exp(V x) noexcept {
  using Table = detail::ExpTable<simd::scalar_t<V>>;
  constexpr auto shift = detail::Exponent<simd::scalar_t<V>>::shift;
  x = simd::max<V>(V(Table::low), simd::min<V>(V(Table::high), x));  // x last: NaN passes
  const V n = simd::fma<V>(x, V(Table::log2_e), V(shift)) - V(shift);
  const V r = simd::fma<V>(n, V(-Table::ln2_low), simd::fma<V>(n, V(-Table::ln2_high), x));
  const V tail = simd::fma<V>(r * r, simd::polynomial(r, Table::exp), r);
  return detail::scale<V>(V(simd::scalar_t<V>(1)) + tail, n);
}

template <class V> LCSM_INLINE V exp2(V x) noexcept {
  using Table = detail::ExpTable<simd::scalar_t<V>>;
  constexpr auto shift = detail::Exponent<simd::scalar_t<V>>::shift;
  x = simd::max<V>(V(Table::low2), simd::min<V>(V(Table::high2), x));
  const V n = (x + V(shift)) - V(shift);
  const V r = x - n;
  return detail::scale<V>(simd::fma<V>(r, simd::polynomial(r, Table::exp2), V(simd::scalar_t<V>(1))), n);
}

// exp(x) - 1 with full relative accuracy near 0; the sign of zero is kept.
template <class V> LCSM_INLINE V expm1(V x) noexcept {
  using T = simd::scalar_t<V>;
  using Table = detail::ExpTable<T>;
  using E = detail::Exponent<T>;
  const V c = simd::max<V>(V(Table::low_minus_one), simd::min<V>(V(Table::high), x));
  const V n = simd::fma<V>(c, V(Table::log2_e), V(E::shift)) - V(E::shift);
  const V exact = simd::fma<V>(n, V(-Table::ln2_high), c);
  const V r = simd::fma<V>(n, V(-Table::ln2_low), exact);
  const V lost = simd::fma<V>(n, V(-Table::ln2_low), exact - r);
  const V q = r + simd::fma<V>(r * r, simd::polynomial(r, Table::exp), lost);  // exp(r) - 1
  const V half = detail::power_of_two<V>(n + V(E::shift_biased - T(1)));       // 2^(n-1), finite for every n
  const V y = simd::fma<V>(half, q, half - V(T(0.5)));
  return simd::copy_sign<V>(simd::select<V>(n == V(T(0)), q, y + y), x);
}

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
