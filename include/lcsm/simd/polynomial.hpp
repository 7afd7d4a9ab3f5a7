// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#include <array>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace simd {

namespace detail {
template <std::size_t I, class V, std::size_t N> LCSM_INLINE V horner_from(V x, const std::array<scalar_t<V>, N>& c) noexcept {
  if constexpr (I + 1 == N) return V(c[I]);
  else return simd::fma<V>(simd::detail::horner_from<I + 1>(x, c), x, V(c[I]));
}
}  // namespace detail

// c[0] + c[1] x + ... + c[N-1] x^(N-1), always unrolled.
template <class V, std::size_t N> LCSM_INLINE V polynomial(V x, const std::array<scalar_t<V>, N>& c) noexcept {
  return simd::detail::horner_from<0>(x, c);
}

}  // namespace simd
}  // namespace LCSM_ARCH
}  // namespace lcsm
