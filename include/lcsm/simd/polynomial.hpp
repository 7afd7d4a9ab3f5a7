// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#include <array>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace simd {

namespace detail {
template <std::size_t K, class V, std::size_t N> LCSM_INLINE V horner_from(V x, const std::array<scalar_t<V>, N>& c) noexcept {
  if constexpr (K + 1 == N) return V(c[K]);
  else return simd::fma<V>(simd::detail::horner_from<K + 1>(x, c), x, V(c[K]));
}
}  // namespace detail

// c[0] + c[1] x + ... + c[N-1] x^(N-1), always unrolled.
template <class V, std::size_t N> LCSM_INLINE V polynomial(V x, const std::array<scalar_t<V>, N>& c) noexcept {
  return simd::detail::horner_from<0>(x, c);
}

}  // namespace simd
}  // namespace LCSM_ARCH
}  // namespace lcsm
