// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

#include <algorithm>
#include <utility>

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define LCSM_HAS_SHUFFLE 1
#endif
#endif
#if !defined(LCSM_HAS_SHUFFLE)
#define LCSM_HAS_SHUFFLE 0
#endif

namespace lcsm {
inline namespace LCSM_ARCH {
namespace simd {

#if LCSM_HAS_SHUFFLE
namespace detail {
// W vectors of W numbers, by W log W shuffles: each round interleaves the first half of the vectors with the second, number by number.
template <class T, Index W> struct SquareOf {
  typedef T Row __attribute__((vector_size(to_size(W) * sizeof(T)), aligned(alignof(T)), may_alias));

  template <std::size_t... N> LCSM_INLINE static Row low(Row a, Row b, std::index_sequence<N...>) { return __builtin_shufflevector(a, b, (N / 2 + N % 2 * to_size(W))...); }
  template <std::size_t... N> LCSM_INLINE static Row high(Row a, Row b, std::index_sequence<N...>) { return __builtin_shufflevector(a, b, (to_size(W) / 2 + N / 2 + N % 2 * to_size(W))...); }
  LCSM_INLINE static void transpose(const T* from, Index pitch, T* to, Index to_pitch) {
    constexpr std::make_index_sequence<to_size(W)> all{};
    Row x[W], y[W];
#pragma GCC unroll 16
    for (Index r = 0; r < W; ++r) x[r] = *reinterpret_cast<const Row*>(from + r * pitch);
#pragma GCC unroll 4
    for (Index round = 1; round < W; round *= 2) {
#pragma GCC unroll 8
      for (Index r = 0; r < W / 2; ++r) y[2 * r] = low(x[r], x[r + W / 2], all), y[2 * r + 1] = high(x[r], x[r + W / 2], all);
#pragma GCC unroll 16
      for (Index r = 0; r < W; ++r) x[r] = y[r];
    }
#pragma GCC unroll 16
    for (Index r = 0; r < W; ++r) *reinterpret_cast<Row*>(to + r * to_pitch) = x[r];
  }
};
}
#endif

// to[c to_pitch + r] = from[r pitch + c] for r < rows, c < columns.
template <class T> void transpose(const T* from, Index pitch, Index rows, Index columns, T* to, Index to_pitch) noexcept {
  Index whole = 0, wide = 0;                                // rows and columns of whole squares
#if LCSM_HAS_SHUFFLE
  constexpr Index W = width<Batch<T>>;
  if constexpr (W > 1) {
    whole = rows / W * W, wide = columns / W * W;
    for (Index r = 0; r < whole; r += W)
      for (Index c = 0; c < wide; c += W) detail::SquareOf<T, W>::transpose(from + r * pitch + c, pitch, to + c * to_pitch + r, to_pitch);
  }
#endif
  for (Index c = 0; c < columns; ++c)
    for (Index r = c < wide ? whole : 0; r < rows; ++r) to[c * to_pitch + r] = from[r * pitch + c];
}

}  // namespace simd
}  // namespace LCSM_ARCH
}  // namespace lcsm
