// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/exp.hpp>
#include <lcsm/simd/log.hpp>

// The functions of gates, of float and double, in lanes or alone, within 2 ulp over the whole range (results may be subnormal). Each rests on
// exp(-|x|), which never overflows: there is no cut, and both ends are right.

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

// 1 / (1 + exp(-x)); for x < 0 as e / (1 + e), e = exp(x), with what 1 + e rounds away put back (1 / (1 + e) is 1 - q).
template <class V> LCSM_INLINE V sigmoid(V x) noexcept {
  using T = simd::scalar_t<V>;
  const V one = V(T(1));
  const V e = math::exp<V>(simd::minus(simd::abs(x)));
  const V d = one + e;
  const V q = simd::select<V>(x < V(T(0)), e, one) / d;
  return simd::fma<V>(q * ((d - one) - e), one - q, q);
}

// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)); its derivative is the sigmoid.
template <class V> LCSM_INLINE V softplus(V x) noexcept {
  return simd::max<V>(V(simd::scalar_t<V>(0)), x) + detail::log1p_unit<V>(math::exp<V>(simd::minus(simd::abs(x))));
}

// log(sigmoid(x)): -0 where x is large
template <class V> LCSM_INLINE V log_sigmoid(V x) noexcept { return simd::minus(math::softplus<V>(simd::minus(x))); }

namespace detail {
// Below 0.625, tanh(x) = x + x^3 numerator(x^2) / denominator(x^2) (the double form is that of Cephes, Moshier 1992).
template <class T> struct TanhTable;
template <> struct TanhTable<float> {
  static constexpr std::array<float, 7> numerator{
      -0.333333343f, 0.133333325f, -0.0539676361f, 0.0218598638f, -0.00879082642f, 0.00330580492f, -0.000861806446f};
};
template <> struct TanhTable<double> {
  static constexpr std::array<double, 3> numerator{-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1};
  static constexpr std::array<double, 4> denominator{4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0};
};
}  // namespace detail

// Above 0.625, 1 - 2 / (exp(2 |x|) + 1). The sign of zero is kept.
template <class V> LCSM_INLINE V tanh(V x) noexcept {
  using T = simd::scalar_t<V>;
  using Table = detail::TanhTable<T>;
  const V one = V(T(1)), minus_two = V(T(-2));
  const V a = simd::abs(x);
  const V z = a * a;
  const auto near = a < V(T(0.625));
  const V grown = one + math::exp<V>(a + a);
  V y;
  if constexpr (std::is_same_v<T, float>) {
    y = simd::select<V>(near, simd::fma<V>(a * z, simd::polynomial(z, Table::numerator), a), one + minus_two / grown);
  } else {  // one division serves both
    const V top = (a * z) * simd::polynomial(z, Table::numerator);
    y = simd::select<V>(near, a, one) + simd::select<V>(near, top, minus_two) / simd::select<V>(near, simd::polynomial(z, Table::denominator), grown);
  }
  return simd::copy_sign<V>(y, x);
}

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
