// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#if defined(__SSE2__) && !defined(LCSM_NO_XSIMD)
#include <immintrin.h>
#define LCSM_HAS_STREAM 1
#else
#define LCSM_HAS_STREAM 0
#endif

namespace lcsm {
inline namespace LCSM_ARCH {
namespace simd {

// Stores that go past the caches: memory that is written once and read later, and is larger than the caches, need not be read before it is written.
// `to` is aligned to the vector. Elsewhere than on x86, and at width one, these are plain stores.
#if LCSM_HAS_STREAM
namespace detail {
LCSM_INLINE void stream(float* to, __m128 x) noexcept { _mm_stream_ps(to, x); }
LCSM_INLINE void stream(double* to, __m128d x) noexcept { _mm_stream_pd(to, x); }
#if defined(__AVX__)
LCSM_INLINE void stream(float* to, __m256 x) noexcept { _mm256_stream_ps(to, x); }
LCSM_INLINE void stream(double* to, __m256d x) noexcept { _mm256_stream_pd(to, x); }
#endif
#if defined(__AVX512F__)
LCSM_INLINE void stream(float* to, __m512 x) noexcept { _mm512_stream_ps(to, x); }
LCSM_INLINE void stream(double* to, __m512d x) noexcept { _mm512_stream_pd(to, x); }
#endif
template <class V> using native_t = typename V::register_type;
}
#endif
template <class V> LCSM_INLINE void stream(scalar_t<V>* to, V x) noexcept {
#if LCSM_HAS_STREAM
  if constexpr (!is_scalar<V>) return detail::stream(to, static_cast<detail::native_t<V>>(x));
#endif
  simd::store(to, x);
}
// After the last of them, before other threads are told: they are not ordered with other stores.
inline void stream_fence() noexcept {
#if LCSM_HAS_STREAM
  _mm_sfence();
#endif
}

}  // namespace simd
}  // namespace LCSM_ARCH
}  // namespace lcsm
