// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Small matrix products on operands that lie in cache: C (rows x columns) += sign A B, sign 1 or -1, or = A B, with A at a[m sam + k sak], B and C row-major.
// `columns` is a multiple of the vector width; C is kept in registers, nothing is packed. Causal: A is lower triangular with its diagonal, and what
// lies above it is not touched, so that a NaN in a later row of B reaches no earlier row of C.
namespace product {

enum class Onto { add, subtract, fresh };                    // C + A B, C - A B, A B

// As many rows as registers hold beside two vectors of B and one number of A: 6 x 2 vectors of 16, 12 x 2 of 32.
template <class T> inline constexpr int most_rows = sizeof(Batch<T>) == 64 ? 12 : 6;

template <int R, int N, bool Causal, Onto How, class T>
LCSM_INLINE void tile(const T* LCSM_RESTRICT a, Index sam, Index sak, const T* LCSM_RESTRICT b, Index ldb, T* LCSM_RESTRICT c, Index ldc, Index inner) {
  using V = Batch<T>;
  constexpr Index W = simd::width<V>;
  V sum[R][N];                                              // of -C, if C - A B is asked for: no number of A changes its sign
#pragma GCC unroll 16
  for (int m = 0; m < R; ++m)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      if constexpr (How == Onto::fresh) sum[m][n] = V(T(0));
      else if constexpr (How == Onto::subtract) sum[m][n] = simd::minus(simd::load<V>(c + m * ldc + n * W));
      else sum[m][n] = simd::load<V>(c + m * ldc + n * W);
    }
  for (Index k = 0; k < inner; ++k) {
    V row[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) row[n] = simd::load<V>(b + k * ldb + n * W);
#pragma GCC unroll 16
    for (int m = 0; m < R; ++m) {
      const V x(a[m * sam + k * sak]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[m][n] = simd::fma(x, row[n], sum[m][n]);
    }
  }
  if constexpr (Causal) {                                   // the triangle: rows inner .. inner + R - 1
#pragma GCC unroll 16
    for (int k = 0; k < R; ++k) {
      V row[N];
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) row[n] = simd::load<V>(b + (inner + k) * ldb + n * W);
#pragma GCC unroll 16
      for (int m = 0; m < R; ++m)
        if (m >= k) {
          const V x(a[m * sam + (inner + k) * sak]);
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) sum[m][n] = simd::fma(x, row[n], sum[m][n]);
        }
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < R; ++m)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      if constexpr (How == Onto::subtract) simd::store(c + m * ldc + n * W, V(simd::minus(sum[m][n]))); else simd::store(c + m * ldc + n * W, sum[m][n]);
    }
}

template <int R, bool Causal, Onto How, class T>
LCSM_NOINLINE void rows(const T* a, Index sam, Index sak, const T* b, Index ldb, T* c, Index ldc, Index columns, Index inner) {
  constexpr Index W = simd::width<Batch<T>>;
  Index n = 0;
  for (; n + 2 * W <= columns; n += 2 * W) tile<R, 2, Causal, How>(a, sam, sak, b + n, ldb, c + n, ldc, inner);
  if (n < columns) tile<R, 1, Causal, How>(a, sam, sak, b + n, ldb, c + n, ldc, inner);
}

// Blocks of R rows, then of fewer: 12, 6, and what is left of them.
template <int R, bool Causal, Onto How, class T>
void blocks(const T* a, Index sam, Index sak, const T* b, Index ldb, T* c, Index ldc, Index m, Index count, Index columns, Index inner) {
  for (; m + R <= count; m += R) rows<R, Causal, How>(a + m * sam, sam, sak, b, ldb, c + m * ldc, ldc, columns, Causal ? m : inner);
  if constexpr (R > 6) blocks<6, Causal, How>(a, sam, sak, b, ldb, c, ldc, m, count, columns, inner);
  else if constexpr (R > 1) {
    if (m < count) blocks<R - 1, Causal, How>(a, sam, sak, b, ldb, c, ldc, m, count, columns, inner);
  }
}
template <bool Causal, class T> void run(const T* a, Index sam, Index sak, const T* b, Index ldb, T* c, Index ldc, Index count, Index columns, Index inner, T sign) {
  LCSM_ASSERT(columns % (simd::width<Batch<T>>) == 0 && (sign == T(1) || sign == T(-1)));
  if (sign < T(0)) blocks<most_rows<T>, Causal, Onto::subtract>(a, sam, sak, b, ldb, c, ldc, Index(0), count, columns, inner);
  else blocks<most_rows<T>, Causal, Onto::add>(a, sam, sak, b, ldb, c, ldc, Index(0), count, columns, inner);
}

}  // namespace product

// C (count x columns) += sign A (count x inner) B (inner x columns), sign 1 or -1.
template <class T> void multiply_add(const T* a, Index sam, Index sak, const T* b, Index ldb, T* c, Index ldc, Index count, Index columns, Index inner, T sign = T(1)) {
  product::run<false>(a, sam, sak, b, ldb, c, ldc, count, columns, inner, sign);
}
// The same with a lower triangular A (count x count).
template <class T> void multiply_add_causal(const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc, Index count, Index columns, T sign = T(1)) {
  product::run<true>(a, lda, 1, b, ldb, c, ldc, count, columns, Index(0), sign);
}

// C = A B.
template <class T> void multiply(const T* a, Index sam, Index sak, const T* b, Index ldb, T* c, Index ldc, Index count, Index columns, Index inner) {
  LCSM_ASSERT(columns % (simd::width<Batch<T>>) == 0);
  product::blocks<product::most_rows<T>, false, product::Onto::fresh>(a, sam, sak, b, ldb, c, ldc, Index(0), count, columns, inner);
}

// The real products that make up a product of planes: add(left, right, out, sign), where a factor of one plane is real.
template <int Left, int Right, class Add> void for_plane_products(Add&& add) {
  add(0, 0, 0, 1);
  if constexpr (Left == 2 && Right == 2) add(1, 1, 0, -1), add(0, 1, 1, 1), add(1, 0, 1, 1);
  else if constexpr (Left == 2) add(1, 0, 1, 1);
  else if constexpr (Right == 2) add(0, 1, 1, 1);
}
// Those of left times the conjugate of right, as far as there are planes for them: what cotangents are made of.
template <int Left, int Right, int Out, class Add> void for_conjugate_products(Add&& add) {
  add(0, 0, 0, 1);
  if constexpr (Left == 2 && Right == 2) add(1, 1, 0, 1);
  if constexpr (Left == 2 && Out == 2) add(1, 0, 1, 1);
  if constexpr (Right == 2 && Out == 2) add(0, 1, 1, -1);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
