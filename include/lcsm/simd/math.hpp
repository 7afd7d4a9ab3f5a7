// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

namespace detail {
template <class V, class F> LCSM_INLINE V each(V x, F f) noexcept {
  simd::scalar_t<V> lanes[simd::width<V>];
  simd::store(lanes, x);
  for (Index c = 0; c < simd::width<V>; ++c) lanes[c] = f(lanes[c]);
  return simd::load<V>(lanes);
}
}  // namespace detail

template <class V> LCSM_INLINE V exp(V x) noexcept { return detail::each(x, [](auto a) { return std::exp(a); }); }
template <class V> LCSM_INLINE V expm1(V x) noexcept { return detail::each(x, [](auto a) { return std::expm1(a); }); }
template <class V> LCSM_INLINE V exp2(V x) noexcept { return detail::each(x, [](auto a) { return std::exp2(a); }); }
template <class V> LCSM_INLINE V log(V x) noexcept { return detail::each(x, [](auto a) { return std::log(a); }); }
template <class V> LCSM_INLINE V log1p(V x) noexcept { return detail::each(x, [](auto a) { return std::log1p(a); }); }
template <class V> LCSM_INLINE V tanh(V x) noexcept { return detail::each(x, [](auto a) { return std::tanh(a); }); }
template <class V> LCSM_INLINE V sin(V x) noexcept { return detail::each(x, [](auto a) { return std::sin(a); }); }
template <class V> LCSM_INLINE V cos(V x) noexcept { return detail::each(x, [](auto a) { return std::cos(a); }); }
template <class V> LCSM_INLINE V sqrt(V x) noexcept { return simd::sqrt(x); }

template <class V> LCSM_INLINE V softplus(V x) noexcept { return simd::max<V>(V(0), x) + math::log1p(math::exp(V(-simd::abs(x)))); }
template <class V> LCSM_INLINE V log_sigmoid(V x) noexcept { return -math::softplus(V(-x)); }
template <class V> LCSM_INLINE V sigmoid(V x) noexcept {
  const V e = math::exp(V(-simd::abs(x)));
  return simd::select<V>(x < V(0), e, V(1)) / (V(1) + e);
}
template <class V> LCSM_INLINE void sincos(V x, V* sine, V* cosine) noexcept {
  *sine = math::sin(x);
  *cosine = math::cos(x);
}

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
