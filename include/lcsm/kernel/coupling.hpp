// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/scores.hpp>
#include <lcsm/kernel/weights.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A coupling within a chunk, m_t = D_t m_{t-1} - w_t u_t + k_t v_t with u_t = a_t . R_t, where R_t is the memory after or before the decay D_t. The u of
// a chunk solve a triangular system (the WY form of products of Householder matrices: Bischof, Van Loan 1987, https://doi.org/10.1137/0908009;
// Yang et al. 2024, https://arxiv.org/abs/2406.06484). It is solved on the key side, so that the chunk is afterwards one without a coupling:
//
//     A = erases a decayed from the chunk's start     G_tj = a_t . w_j, decayed from j to what t erases, j < t      X = (I + G)^-1
//     erased   E = X A                                 what the memory before the chunk loses
//     reads    Q - S_w E                               S_w: reads against the w
//     scores   S_k - S_w X H                           S_k, H: reads, and erases, against the k; if w = k: S_k X
//     writes   K - (X H)^T W                           if w = k: X^T W
//     memory   m <- D m - W^T (E m) + writes^T v
//
// All decays are taken from the write onward, those of the head included, so that X belongs to the recurrence as it is: no key need have unit length.
template <class T, OuterClass X> class Coupling {
 public:
  static constexpr int KP = X.key_complex ? 2 : 1;

  Coupling(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : erases_(arena, p, tokens), writes_(arena, p, X.one_write ? 0 : tokens), weights_(arena, X.one_decay ? tokens : 0), key_total_(arena.take<T>(p.key_pitch)) {
    for (int part = 0; part < KP; ++part) {
      inverse_[part] = arena.take<T>(tokens * pitch()), square_[part] = arena.take<T>(tokens * pitch()), rows_[part] = arena.take<T>(tokens * p.key_pitch);
    }
  }

  // Takes the coupling out of a chunk: scores, reads and writes become those of a chunk without it. They come weighted by the head's decays.
  template <class Scores> void take_out(const ChunkPlanes<T>& p, const ChannelWeights<T, X>& weights, Scores& scores, ChunkEnds<T>& e) {
    const Index C = p.tokens, K = p.key_pitch;
    solve(p, weights, e);
    lower(inverse_, e.erased, rows_, K, C);
    for (int part = 0; part < KP; ++part) std::copy_n(rows_[part], C * K, e.erased[part]);
    T* const plane[2] = {scores.plane(0), scores.plane(KP - 1)};
    if constexpr (X.one_write) {
      subtract_lower(plane, e.erased, e.reads, K, C);
      lower(plane, inverse_, square_, pitch(), C);
      for (int part = 0; part < KP; ++part) std::copy_n(square_[part], C * pitch(), plane[part]), std::fill_n(e.writes[part], C * K, T(0));
      upper(inverse_, e.coupled, e.writes, K, C, 1);
    } else {
      T *const inner[2] = {erases_.plane(0), erases_.plane(KP - 1)}, *const read[2] = {writes_.plane(0), writes_.plane(KP - 1)};
      lower(inverse_, inner, square_, pitch(), C);
      subtract_lower(read, e.erased, e.reads, K, C);
      subtract_lower(read, square_, plane, pitch(), C);
      upper(square_, e.coupled, e.writes, K, C, -1);
    }
  }
  // The first half of it: erases (in e.erased) and writes of the coupling (in e.coupled) brought to the ends, X, and if w is not k the scores H and S_w.
  void solve(const ChunkPlanes<T>& p, const ChannelWeights<T, X>& weights, ChunkEnds<T>& e) {
    const Index C = p.tokens;
    bring_to_ends(p, weights, e);
    score(erases_, p, p.erase, p.couple, weights_);
    invert(C);
    if constexpr (!X.one_write) {
      score(erases_, p, p.erase, p.k, weights_), score(writes_, p, p.q, p.couple, weights);
      for (int part = 0; part < KP; ++part)                 // no token erases what it writes itself
        for (Index j = 0; j < C; ++j) std::fill_n(erases_.plane(part) + j * pitch() + j, pitch() - j, T(0));
    }
  }
  T* inverse(int part) const { return inverse_[part]; }
  T* erase_scores(int part) const { return erases_.plane(part); }
  T* write_scores(int part) const { return writes_.plane(part); }
  // delta -= coupled^T (erased memory), for a memory of any columns; sum: scratch of C rows.
  template <int MP> void erase_memory(const ChunkPlanes<T>& p, const ChunkEnds<T>& e, T* const memory[2], Index columns, T* const sum[2], T* const delta[2]) const {
    for (int part = 0; part < MP; ++part) std::fill_n(sum[part], p.tokens * columns, T(0));
    for_plane_products<KP, MP>([&](int a, int b, int out, int sign) {
      multiply_add(e.erased[a], p.key_pitch, Index(1), memory[b], columns, sum[out], columns, p.tokens, columns, p.keys, T(sign));
    });
    for_plane_products<KP, MP>([&](int a, int b, int out, int sign) {
      multiply_add(e.coupled[a], Index(1), p.key_pitch, sum[b], columns, delta[out], columns, p.keys, columns, p.tokens, T(-sign));
    });
  }

 private:
  using Erases = KeyScores<T, X.key_side(X.erase_early, false)>;
  using Writes = KeyScores<T, X.key_side(X.early, false)>;
  static constexpr OuterClass erase_weights = [] {
    OuterClass x = X;
    x.early = X.erase_early, x.bonus = false;
    return x;
  }();
  Index pitch() const { return erases_.pitch(); }
  static ChunkPlanes<T> with(const ChunkPlanes<T>& p, T* const reads[2], T* const writes[2]) {
    ChunkPlanes<T> x = p;
    for (int part = 0; part < KP; ++part) x.q[part] = reads[part], x.k[part] = writes[part];
    return x;
  }

  // Erases from the chunk's start, writes of the coupling to its end, and the head's decays with those of the reads and the inputs.
  void bring_to_ends(const ChunkPlanes<T>& p, const ChannelWeights<T, X>& weights, ChunkEnds<T>& e) {
    const Index C = p.tokens, K = p.key_pitch;
    ChunkEnds<T> ends = e;
    for (int part = 0; part < KP; ++part) ends.reads[part] = e.erased[part], ends.writes[part] = e.coupled[part];
    ends.key_total = key_total_;
    Erases::template bring_to_ends<true>(with(p, p.erase, p.couple), ends);
    if constexpr (X.one_decay) {
      weights_.products(p);
      for (int part = 0; part < KP; ++part)
        for (Index j = 0; j < C; ++j) {
          scale(e.reads[part] + j * K, e.row_weight[j], K), scale(e.erased[part] + j * K, weights_.row(p, j)[-1], K);
          scale(e.writes[part] + j * K, weights.end(p)[j], K), scale(e.coupled[part] + j * K, weights.end(p)[j], K);
        }
      scale(e.key_total, e.total[0], K), std::fill_n(e.row_weight, C, T(1)), e.total[0] = T(1);
    }
  }
  // Reads (or erases) against writes, with all decays between them.
  template <class Scores, class Weights> static void score(Scores& scores, const ChunkPlanes<T>& p, T* const reads[2], T* const writes[2], const Weights& weights) {
    for (int part = 0; part < KP; ++part) {
      scores.within_chunk(with(p, reads, writes), part);
      if constexpr (X.one_decay) weights.apply(p, scores.plane(part), scores.pitch());
    }
  }
  // (I + G)^-1 by rows, block by block: what lies above G's strict lower triangle is not looked at.
  void invert(Index C) {
    constexpr Index block = 16, W = simd::width<Batch<T>>;
    const Index P = pitch();
    const auto subtract = [&](Index row, Index rows, Index from, Index count) {
      if (count == 0) return;
      for_plane_products<KP, KP>([&](int g, int x, int out, int sign) {
        multiply_add(erases_.plane(g) + row * P + from, P, Index(1), inverse_[x] + from * P, P, inverse_[out] + row * P, P, rows, round_up(from + count, W), count, T(-sign));
      });
    };
    for (int part = 0; part < KP; ++part) std::fill_n(inverse_[part], C * P, T(0));
    for (Index j = 0; j < C; ++j) inverse_[0][j * P + j] = T(1);
    for (Index first = 0; first < C; first += block) {
      const Index rows = (std::min)(block, C - first);
      subtract(first, rows, 0, first);
      for (Index j = 1; j < rows; ++j) subtract(first + j, 1, first, j);
    }
  }

  // to = A B, to -= A B, for a lower triangle A of the chunk; to += sign A^T B.
  void lower(T* const a[2], T* const b[2], T* const to[2], Index columns, Index C) const {
    for (int part = 0; part < KP; ++part) std::fill_n(to[part], C * columns, T(0));
    add_lower(a, b, to, columns, C, 1);
  }
  void subtract_lower(T* const a[2], T* const b[2], T* const to[2], Index columns, Index C) const { add_lower(a, b, to, columns, C, -1); }
  void add_lower(T* const a[2], T* const b[2], T* const to[2], Index columns, Index C, int by) const {
    for_plane_products<KP, KP>([&](int l, int r, int out, int sign) { multiply_add_causal(a[l], pitch(), b[r], columns, to[out], columns, C, columns, T(by * sign)); });
  }
  void upper(T* const a[2], T* const b[2], T* const to[2], Index columns, Index C, int by) const {
    for_plane_products<KP, KP>([&](int l, int r, int out, int sign) { multiply_add(a[l], Index(1), pitch(), b[r], columns, to[out], columns, C, columns, C, T(by * sign)); });
  }
  static void scale(T* x, T by, Index n) { for (Index a = 0; a < n; ++a) x[a] *= by; }

  Erases erases_;
  Writes writes_;
  ChannelWeights<T, erase_weights> weights_;
  T* key_total_;
  T *inverse_[2] = {}, *square_[2] = {}, *rows_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
