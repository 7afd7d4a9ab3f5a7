// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/simd/denormals.hpp>
#include <lcsm/stage/leaf.hpp>

#include <concepts>
#include <limits>

namespace lcsm {

// What a codebook search and everything after it share: tokens with mask 0 (padding, [B,T], any batch that is 1 counts for all) are not read.
struct VqOptions {
  View<const std::uint8_t> mask{};
  std::span<std::byte> workspace{};
};

inline namespace LCSM_ARCH {
namespace vq {

// [B,T,G,1,K] and [1,1,G',S,K] with G' dividing G; the mask.
template <class X, class C> void check(const char* function, const char* name, const View<X>& x, const View<C>& codes, const View<const std::uint8_t>& mask) {
  door::axis(function, name, x, 3, 1, true), door::data(function, name, x);
  door::axis(function, "codes", codes, 0, 1, true), door::axis(function, "codes", codes, 1, 1, true);
  door::grouped_heads(function, "codes", codes, x.head());
  door::axis(function, "codes", codes, 4, x.feature(), false), door::data(function, "codes", codes);
  if (codes.row() < 1) raise<ShapeError>(function, "codes", "at least one code", door::text(codes.row()));
  if (codes.row() > (Index(1) << 31) - 1) raise<ShapeError>(function, "codes", "fewer than 2^31 codes", door::text(codes.row()));
  if (!mask) return;
  door::axis(function, "mask", mask, 0, x.batch(), true), door::axis(function, "mask", mask, 1, x.time(), false);
  for (std::size_t a = 2; a < 5; ++a) door::axis(function, "mask", mask, a, 1, true);
}
template <class V> void check_rows(const char* function, const char* name, const V& v, Index batch, Index time, Index heads, Index features, bool written) {
  const Index extent[] = {batch, time, heads, 1, features};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, extent[a], false);
  door::data(function, name, v);
  if (written) door::output_axes(function, name, v);
}
inline bool is_there(const View<const std::uint8_t>& mask, Index b, Index t) { return !mask || mask.at(mask.batch() == 1 ? 0 : b, t, 0, 0, 0) != 0; }
// Codes of the tokens that are read: in [0, S).
template <class Z, class X> void check_codes(const char* function, const View<Z>& codes_of, const View<X>& x, Index codes, const View<const std::uint8_t>& mask) {
  check_rows(function, "codes_of", codes_of, x.batch(), x.time(), x.head(), 1, false);
  for (Index b = 0; b < x.batch(); ++b)
    for (Index t = 0; t < x.time(); ++t)
      for (Index h = 0; is_there(mask, b, t) && h < x.head(); ++h)
        if (const Index s = Index(codes_of(b, t, h, 0)); s < 0 || s >= codes)
          raise<ShapeError>(function, "codes_of", "codes in [0, " + door::text(codes) + ")", door::text(s) + " at token " + door::text(t));
}

// The codes of one head with the codes in lanes: row k holds feature k of all of them. The lanes behind the last are NaN, which is nearest to nothing.
template <class T> struct Book {
  using V = Batch<T>;
  static constexpr Index width = simd::width<V>, step = 2 * width;
  static Index padded(Index codes) { return (codes + step - 1) / step * step; }

  Index codes, features, pitch;
  T* numbers;
  Book(Arena& arena, Index all, Index wide) : codes(all), features(wide), pitch(padded(all)), numbers(arena.take<T>(wide * padded(all))) {}
  template <class C> void fill(const View<C>& from, Index head) const {
    for (Index k = 0; k < features; ++k) {
      T* row = numbers + k * pitch;
      for (Index s = 0; s < codes; ++s) row[s] = stage::convert<T>(from.at(0, 0, head, s, k));
      std::fill(row + codes, row + pitch, std::numeric_limits<T>::quiet_NaN());
    }
  }

  // The nearest code of N vectors, features side by side. Every lane adds its squares up in the same order, so equal codes are equally far; a lane keeps
  // the first of its codes that is nearest, and of the lanes' the lowest index wins.
  template <int N> void search(const T* x, Index* code, T* distance) const {
    V best[N], where[N];
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) best[i] = V(std::numeric_limits<T>::infinity()), where[i] = V(T(0));
    for (Index s = 0; s < pitch; s += step) {
      V first[N], second[N];
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) first[i] = second[i] = V(T(0));
      for (Index k = 0; k < features; ++k) {
        const T* row = numbers + k * pitch + s;
        const V a = simd::load<V>(row), b = simd::load<V>(row + width);
#pragma GCC unroll 4
        for (int i = 0; i < N; ++i) {
          const V v(x[i * features + k]), off = v - a, off_too = v - b;
          first[i] = simd::fma(off, off, first[i]), second[i] = simd::fma(off_too, off_too, second[i]);
        }
      }
      const auto keep = [&](const V& d, int i, Index block) {
        const auto nearer = d < best[i];
        best[i] = simd::select(nearer, d, best[i]), where[i] = simd::select(nearer, V(T(block)), where[i]);
      };
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) keep(first[i], i, s / width), keep(second[i], i, s / width + 1);
    }
    for (int i = 0; i < N; ++i) {
      alignas(64) T lanes[width], blocks[width];
      simd::store(lanes, best[i]), simd::store(blocks, where[i]);
      distance[i] = lanes[0], code[i] = Index(blocks[0]) * width;
      for (Index lane = 1; lane < width; ++lane) {
        const Index at = Index(blocks[lane]) * width + lane;
        if (lanes[lane] < distance[i] || (lanes[lane] == distance[i] && at < code[i])) distance[i] = lanes[lane], code[i] = at;
      }
      // Squares that overflow or lose bits to underflow compare as equal: the widest type there is decides. So it does for NaN.
      const T least = T(features) * (std::numeric_limits<T>::min)() / std::numeric_limits<T>::epsilon();
      if (!(distance[i] >= least && distance[i] < std::numeric_limits<T>::infinity())) settle(x + i * features, code[i], distance[i]);
    }
  }

 private:
  void settle(const T* x, Index& code, T& distance) const {
    long double best = 0;
    code = 0;
    for (Index s = 0; s < codes; ++s) {
      long double sum = 0;
      for (Index k = 0; k < features; ++k) {
        const long double off = static_cast<long double>(x[k]) - static_cast<long double>(numbers[k * pitch + s]);
        sum += off * off;
      }
      if (s == 0 || sum < best) best = sum, code = s;
    }
    distance = static_cast<T>(best);
  }
};

}  // namespace vq

// Which code is nearest to each vector, by direct differences:
//
//     codes_of[b,t,h] = min { s : |x[b,t,h] - C[h,s]|^2 = min over s' }        distance[b,t,h] = that minimum
//
// x [B,T,H,1,K]; codes C [1,1,G,S,K] of G heads that H is a multiple of; codes_of [B,T,H,1,1] of an integer type that holds S - 1; distance the same shape,
// or {}. Any strides. The lowest index wins among exact ties, and copies of a code are exactly as far. Differences come before squares, so nothing cancels however
// far from the origin codes and vectors lie (|x|^2 - 2 x.C + |C|^2 of others loses all digits there): the code taken is at most (K + 2) eps farther than the
// nearest, in T, the computing type of x, and where squares leave the range of T they are taken in long double. A vector with a NaN has no nearest code: its code
// is 0 and its distance NaN; so is infinity's. Masked tokens get code 0 and distance 0. 3 S K operations per token and head. No thread count changes a bit. Inputs and outputs must not
// overlap. Throws before anything is written: ShapeError, WorkspaceError.
template <class Exec, class X, class C, std::integral Z, class T = storage_compute_t<std::remove_const_t<X>>>
void nearest_codes(const Exec& exec, const View<X>& x, const View<C>& codes, const View<Z>& codes_of, const std::type_identity_t<View<T>>& distance = {}, const VqOptions& options = {}) {
  vq::check("nearest_codes", "x", x, codes, options.mask);
  vq::check_rows("nearest_codes", "codes_of", codes_of, x.batch(), x.time(), x.head(), 1, true);
  if (distance) vq::check_rows("nearest_codes", "distance", distance, x.batch(), x.time(), x.head(), 1, true);
  const Index S = codes.row(), K = x.feature(), books = codes.head(), H = x.head();
  if (!std::in_range<Z>(S - 1)) raise<ShapeError>("nearest_codes", "codes_of", "an integer type that holds " + door::text(S - 1), "one that does not");
  constexpr Index block = 64;
  constexpr int together = 4;
  const Index blocks = (x.time() + block - 1) / block, items = x.batch() * H * blocks;
  Arena counting, counting_shared;
  counting.take<T>(block * K);
  for (Index g = 0; g < books; ++g) vq::Book<T>(counting_shared, S, K);
  const Workspace workspace("nearest_codes", options.workspace, counting.used(), exec.workers((std::max)(items, books)), counting_shared.used());
  Arena shared = workspace.shared();
  std::vector<vq::Book<T>> book;
  for (Index g = 0; g < books; ++g) book.emplace_back(shared, S, K);
  exec.for_each(books, [&](Index g, Index) { book[to_size(g)].fill(codes, g); });
  exec.for_each(items, [&](Index item, Index worker) {
    const Index b = item / (H * blocks), h = item / blocks % H, begin = item % blocks * block, end = (std::min)(begin + block, x.time());
    Arena arena = workspace.arena(worker);
    T* rows = arena.take<T>(block * K);
    std::array<Index, block> token, code;
    std::array<T, block> far;
    Index count = 0;
    for (Index t = begin; t < end; ++t) {
      if (!vq::is_there(options.mask, b, t)) {
        codes_of(b, t, h, 0) = Z(0);
        if (distance) distance(b, t, h, 0) = T(0);
        continue;
      }
      for (Index k = 0; k < K; ++k) rows[count * K + k] = stage::convert<T>(x(b, t, h, k));
      token[to_size(count++)] = t;
    }
    const vq::Book<T>& of = book[to_size(h / (H / books))];
    Index n = 0;
    for (; n + together <= count; n += together) of.template search<together>(rows + n * K, code.data() + n, far.data() + n);
    for (; n < count; ++n) of.template search<1>(rows + n * K, code.data() + n, far.data() + n);
    for (n = 0; n < count; ++n) {
      codes_of(b, token[to_size(n)], h, 0) = static_cast<Z>(code[to_size(n)]);
      if (distance) distance(b, token[to_size(n)], h, 0) = far[to_size(n)];
    }
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
