// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A complex number over lanes: two planes in registers, each V a scalar or a batch. Only what mixers need; every product is spelled in fma
// so that scalar tails and vector bodies give the same bits.
template <class V> struct Complex {
  V re{}, im{};
  constexpr Complex() = default;
  LCSM_INLINE explicit Complex(V real) : re(real), im(V(simd::scalar_t<V>(0))) {}
  LCSM_INLINE Complex(V real, V imag) : re(real), im(imag) {}
};

template <class F> struct is_complex_t : std::false_type {};
template <class V> struct is_complex_t<Complex<V>> : std::true_type {};
template <class F> inline constexpr bool is_complex = is_complex_t<F>::value;

template <class V> LCSM_INLINE Complex<V> operator+(Complex<V> x, Complex<V> y) { return {x.re + y.re, x.im + y.im}; }
template <class V> LCSM_INLINE Complex<V> operator-(Complex<V> x, Complex<V> y) { return {x.re - y.re, x.im - y.im}; }
template <class V> LCSM_INLINE Complex<V> operator*(Complex<V> x, V y) { return {x.re * y, x.im * y}; }
template <class V> LCSM_INLINE Complex<V> operator*(V x, Complex<V> y) { return {x * y.re, x * y.im}; }
template <class V> LCSM_INLINE Complex<V> operator*(Complex<V> x, Complex<V> y) {
  return {simd::fma(x.re, y.re, simd::minus(x.im * y.im)), simd::fma(x.re, y.im, x.im * y.re)};
}
template <class V> LCSM_INLINE Complex<V> conj(Complex<V> x) { return {x.re, simd::minus(x.im)}; }

// x * y + z for every mixture of real and complex.
template <class V> LCSM_INLINE V multiply_add(V x, V y, V z) { return simd::fma(x, y, z); }
template <class V> LCSM_INLINE Complex<V> multiply_add(V x, V y, Complex<V> z) { return {simd::fma(x, y, z.re), z.im}; }
template <class V> LCSM_INLINE Complex<V> multiply_add(V x, Complex<V> y, Complex<V> z) { return {simd::fma(x, y.re, z.re), simd::fma(x, y.im, z.im)}; }
template <class V> LCSM_INLINE Complex<V> multiply_add(Complex<V> x, V y, Complex<V> z) { return multiply_add(y, x, z); }
template <class V> LCSM_INLINE Complex<V> multiply_add(Complex<V> x, Complex<V> y, Complex<V> z) {
  return {simd::fma(x.re, y.re, simd::fma(simd::minus(x.im), y.im, z.re)), simd::fma(x.re, y.im, simd::fma(x.im, y.re, z.im))};
}

template <class V> LCSM_INLINE V real_part(V x) { return x; }
template <class V> LCSM_INLINE V real_part(Complex<V> x) { return x.re; }
template <class V> LCSM_INLINE V imag_part(V) { return V(simd::scalar_t<V>(0)); }
template <class V> LCSM_INLINE V imag_part(Complex<V> x) { return x.im; }

// V for a real domain, Complex<V> for a complex one, and the widening into either.
template <bool IsComplex, class V> using field_t = std::conditional_t<IsComplex, Complex<V>, V>;
template <class F, class V> LCSM_INLINE F widen(V x) {
  if constexpr (std::is_same_v<F, V>) return x; else return F(x);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
