// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk.hpp>
#include <lcsm/kernel/product.hpp>
#include <lcsm/simd/transpose.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The key side of a chunk: what reads see of writes, sum_a q_j[a] k_l[a] prod_{i = l+1..j} d_i[a], as one or two planes. As long as the product of
// decays since the chunk's start stays within 2^-20 .. 2^20, rows are one product of decayed reads and of writes divided by their decays. From then on
// sub-blocks of 16 rows bring every decay to the start or the end of a sub-block, from the write onward: no factor exceeds 1 that the decays don't, and
// a closed gate is exact. What a row sees decides, and nothing after it.
template <class T, OuterClass X> class KeyScores {
 public:
  static constexpr Index sub = 16;
  static constexpr int KP = X.key_complex ? 2 : 1;

  KeyScores(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : pitch_(round_up(tokens, simd::width<Batch<T>>)), transposed_(arena.take<T>(p.key_pitch * pitch_)), row_(arena.take<T>(p.key_pitch)),
        prefix_(arena.take<T>(tokens * p.key_pitch)), suffix_(arena.take<T>(X.key_decay ? tokens * p.key_pitch : 0)), strong_(arena.take<T>(X.key_decay ? tokens * simd::width<Batch<T>> : 0)), own_(arena.take<T>(X.key_decay && X.early ? tokens : 0)) {
    for (int part = 0; part < KP; ++part) scores_[part] = arena.take<T>(tokens * pitch_);
  }
  T* plane(int part) const { return scores_[part]; }
  Index pitch() const { return pitch_; }

  // Reads decayed from the chunk's start, writes to its end, sub-block by sub-block. Without decays they are p's own, unless a coupling changes them later.
  template <bool Coupled> static void bring_to_ends(const ChunkPlanes<T>& p, ChunkEnds<T>& e) {
    const Index C = p.tokens, K = p.key_pitch;
    if constexpr (!X.key_decay) {
      std::fill_n(e.key_total, K, T(1));
      for (int part = 0; part < KP; ++part)
        if constexpr (Coupled) std::copy_n(p.q[part], C * K, e.reads[part]), std::copy_n(p.k[part], C * K, e.writes[part]);
        else e.reads[part] = p.q[part], e.writes[part] = p.k[part];
      return;
    }
    for_lanes<T>(K, [&]<class V>(std::type_identity<V>, Index a) {
      V before = map::constant<V>(1);
      for (Index j = 0; j < C; ++j) {
        const V through = before * simd::load<V>(p.key_decay + j * K + a), seen = X.early ? before : through;
        for (int part = 0; part < KP; ++part) simd::store(e.reads[part] + j * K + a, simd::load<V>(p.q[part] + j * K + a) * seen);
        before = through;
      }
      simd::store(e.key_total + a, before);
      V after = map::constant<V>(1);
      for (Index j = C - 1; j >= 0; --j) {
        for (int part = 0; part < KP; ++part) simd::store(e.writes[part] + j * K + a, simd::load<V>(p.k[part] + j * K + a) * after);
        after = after * simd::load<V>(p.key_decay + j * K + a);
      }
    });
  }

  // Within a chunk, plane by plane: rows j, columns l <= j, with all decays between them.
  void within_chunk(const ChunkPlanes<T>& p, int part) {
    const Index C = p.tokens;
    std::fill_n(scores_[part], C * pitch_, T(0));
    // Re: q0 k0 - q1 k1; Im: q0 k1 + q1 k0
    const auto pair = [&](int q, int k, T sign) { add(p, p.q[q], p.k[k], X.bonus ? p.own[k] : nullptr, scores_[part], sign); };
    if (part == 0) {
      pair(0, 0, T(1));
      if constexpr (KP == 2) pair(1, 1, T(-1));
    } else if constexpr (KP == 2) pair(0, 1, T(1)), pair(1, 0, T(1));
    if constexpr (X.early && !X.key_decay)                  // an early read does not see its own write, but for the bonus
      for (Index j = 0; j < C; ++j) {
        T& own = scores_[part][j * pitch_ + j];
        own = T(0);
        const auto add = [&](int q, int k, T sign) { if (X.bonus) own += sign * dot(p.q[q] + j * p.key_pitch, p.own[k] + j * p.key_pitch, p.key_pitch); };
        if (part == 0) {
          add(0, 0, T(1));
          if constexpr (KP == 2) add(1, 1, T(-1));
        } else if constexpr (KP == 2) add(0, 1, T(1)), add(1, 0, T(1));
      }
  }
  // One real product of them.
  void add(const ChunkPlanes<T>& p, const T* q, const T* k, [[maybe_unused]] const T* own, T* out, T sign) {
    if constexpr (!X.key_decay) plain_scores(p, q, k, out, sign);
    else if (const Index mild = mild_scores(p, q, k, own, out, sign); mild < p.tokens) decayed_scores(p, q, k, own, out, sign, mild);
  }
  // Against the writes of an earlier chunk, brought to its end: C x count.
  void across(const ChunkPlanes<T>& p, T* const reads[2], const ChunkEnds<T>& earlier, Index count) {
    for (int part = 0; part < KP; ++part) std::fill_n(scores_[part], p.tokens * pitch_, T(0));
    for (int w = 0; w < KP; ++w) {
      transpose(earlier.writes[w], p.key_pitch, count, p.keys);
      multiply_add(reads[0], p.key_pitch, Index(1), transposed_, pitch_, scores_[w], pitch_, p.tokens, round_up(count, simd::width<Batch<T>>), p.keys);
      if constexpr (KP == 2)
        multiply_add(reads[1], p.key_pitch, Index(1), transposed_, pitch_, scores_[1 - w], pitch_, p.tokens, round_up(count, simd::width<Batch<T>>), p.keys, w == 1 ? T(-1) : T(1));
    }
  }

 private:
  void plain_scores(const ChunkPlanes<T>& p, const T* q, const T* k, T* out, T sign) {
    transpose(k, p.key_pitch, p.tokens, p.keys);
    lower_triangle(p, q, p.tokens, out, sign);
  }
  // The first rows against what is transposed: columns beyond the diagonal block are not needed.
  void lower_triangle(const ChunkPlanes<T>& p, const T* rows, Index all, T* out, T sign) const {
    for (Index r = 0; r < all; r += sub) {
      const Index count = (std::min)(sub, all - r);
      multiply_add(rows + r * p.key_pitch, p.key_pitch, Index(1), transposed_, pitch_, out + r * pitch_, pitch_, count, round_up(r + count, simd::width<Batch<T>>), p.keys, sign);
    }
  }
  // How many rows see weak decays alone, and their scores.
  Index mild_scores(const ChunkPlanes<T>& p, const T* q, const T* k, [[maybe_unused]] const T* own, T* out, T sign) {
    using V = Batch<T>;
    constexpr Index W = simd::width<V>;
    const Index C = p.tokens, K = p.key_pitch;
    std::fill_n(strong_, C * W, T(0));
    for (Index a = 0; a < K; a += W) {
      V before = map::constant<V>(1);
      for (Index j = 0; j < C; ++j) {
        const V through = before * simd::load<V>(p.key_decay + j * K + a), back = map::constant<V>(1) / through, write = simd::load<V>(k + j * K + a) * back;
        simd::store(prefix_ + j * K + a, simd::load<V>(q + j * K + a) * (X.early ? before : through)), simd::store(suffix_ + j * K + a, write);
        // Neither of them, nor a write near the largest number, which the other might take beyond it; NaN is strong.
        const V size = through + back + simd::abs(write) * map::constant<V>(0x1p-84);
        simd::store(strong_ + j * W, simd::select(size <= map::constant<V>(0x1p20), simd::load<V>(strong_ + j * W), map::constant<V>(1)));
        before = through;
      }
    }
    Index mild = 0;
    while (mild < C && simd::max_lane(simd::load<V>(strong_ + mild * W)) == T(0)) ++mild;
    transpose(suffix_, K, mild, p.keys);
    if constexpr (!X.early) lower_triangle(p, prefix_, mild, out, sign);
    else {                                                  // an early read does not see its own write, but for the bonus
      for (Index j = 0; j < mild; ++j) own_[j] = out[j * pitch_ + j];
      lower_triangle(p, prefix_, mild, out, sign);
      for (Index j = 0; j < mild; ++j) out[j * pitch_ + j] = X.bonus ? simd::fma(sign, dot(q + j * K, own + j * K, K), own_[j]) : own_[j];
    }
    return mild;
  }
  void decayed_scores(const ChunkPlanes<T>& p, const T* q, const T* k, const T* own, T* out, T sign, Index from) {
    const Index C = p.tokens, K = p.key_pitch;
    for (Index r0 = from / sub * sub; r0 < C; r0 += sub) {
      const Index r1 = (std::min)(r0 + sub, C), first = (std::max)(r0, from);
      // Diagonal sub-block: from the row back to each write.
      for (Index j = first; j < r1; ++j) {
        T* w = row_;
        std::copy_n(q + j * K, K, w);
        Index l = j;
        if constexpr (X.early) {
          if (X.bonus) out[j * pitch_ + j] += sign * dot(w, own + j * K, K);
          --l;
        }
        for (; l >= r0; --l) {
          if (!(X.early && l == j - 1) && l < j) times(w, p.key_decay + (l + 1) * K, K);
          out[j * pitch_ + l] += sign * dot(w, k + l * K, K);
        }
      }
      if (r0 == 0) continue;
      // Rows decayed from the start of their sub-block; then block after block, back to the chunk's start.
      for_lanes<T>(K, [&]<class V>(std::type_identity<V>, Index a) {
        V before = map::constant<V>(1);
        for (Index j = r0; j < r1; ++j) {
          const V through = before * simd::load<V>(p.key_decay + j * K + a);
          simd::store(prefix_ + (j - r0) * K + a, simd::load<V>(q + j * K + a) * (X.early ? before : through));
          before = through;
        }
      });
      for (Index c0 = r0 - sub; c0 >= 0; c0 -= sub) {
        // Writes decayed to the end of their sub-block, transposed.
        T* w = row_;
        std::fill_n(w, K, T(1));
        for (Index l = c0 + sub - 1; l >= c0; --l) {
          for (Index a = 0; a < p.keys; ++a) transposed_[a * pitch_ + (l - c0)] = k[l * K + a] * w[a];
          times(w, p.key_decay + l * K, K);
        }
        multiply_add(prefix_ + (first - r0) * K, K, Index(1), transposed_, pitch_, out + first * pitch_ + c0, pitch_, r1 - first, sub, p.keys, sign);
        for (Index j = first - r0; j < r1 - r0; ++j) times(prefix_ + j * K, w, K);
      }
    }
  }
  static T dot(const T* x, const T* y, Index n) {           // n is a multiple of the width
    using V = Batch<T>;
    V sum = map::constant<V>(0);
    for (Index a = 0; a < n; a += simd::width<V>) sum = simd::fma(simd::load<V>(x + a), simd::load<V>(y + a), sum);
    return simd::sum(sum);
  }
  static void times(T* x, const T* y, Index n) {
    using V = Batch<T>;
    for (Index a = 0; a < n; a += simd::width<V>) simd::store(x + a, simd::load<V>(x + a) * simd::load<V>(y + a));
  }
  void transpose(const T* k, Index pitch, Index rows, Index keys) {
    simd::transpose(k, pitch, rows, keys, transposed_, pitch_);
    if (const Index padded = round_up(rows, simd::width<Batch<T>>); padded > rows)
      for (Index a = 0; a < keys; ++a) std::fill_n(transposed_ + a * pitch_ + rows, padded - rows, T(0));
  }

  Index pitch_;
  T *transposed_, *row_, *prefix_, *suffix_, *strong_, *own_;
  T* scores_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
