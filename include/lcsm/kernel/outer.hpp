// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/coupling.hpp>
#include <lcsm/kernel/scores.hpp>
#include <lcsm/kernel/weights.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Matrix products within a chunk, for every mixer whose coefficients factor into a key side and a channel side. Instantiated per structure
// class and type. With q, k, v the planes of a chunk (turned into one frame), row j and earlier row l:
//
//     y_j = w_j,-1 (q_j . D_j) M + sum_{l <= j} w_jl (sum_a q_j[a] k_l[a] prod_{i = l+1..j} d_i[a]) v_l
//     M'  = w_C,-1 D_C M + sum_l k_l (D_C / D_l) w_Cl v_l
//
// d: decay per key (scores.hpp); w: weights of the channel side (weights.hpp). A coupling is taken out on the key side first (coupling.hpp).
template <class T, OuterClass X> class OuterKernel {
 public:
  static constexpr int KP = X.key_complex ? 2 : 1, VP = X.value_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;
  static constexpr bool channel_weights = X.per_channel();

  using Scores = KeyScores<T, X.key_side(X.early, X.bonus)>;
  using Ends = ChunkEnds<T>;

  OuterKernel(Arena& arena, const ChunkPlanes<T>& p, Index tokens) : scores_(arena, p, tokens), weights_(arena, tokens), coupling_(arena, p, tokens) {}
  Scores& scores() { return scores_; }
  const Scores& scores() const { return scores_; }
  const ChannelWeights<T, X>& weights() const { return weights_; }
  auto& coupling() { return coupling_; }
  const auto& coupling() const { return coupling_; }

  // Inside the chunk: y (tokens x columns, VP or MP planes) is written, the ends too. p_start: the running maximum before the chunk, one number or
  // one per value channel (logs of the chunk are taken relative to it).
  void inside(const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const y[2]) {
    Scores::template bring_to_ends<X.coupled>(p, e);
    score(p);
    if constexpr (channel_weights) {
      T* const scores[2] = {scores_.plane(0), scores_.plane(KP - 1)};
      for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(y[part], p.tokens * p.column_pitch, T(0));
      weights_.by_channel(p, p_start, scores, scores_.pitch(), e, y);
    } else {
      weights_.by_head(p, p_start, e);
      weigh_scores(p);
      if constexpr (X.coupled) {                            // its writes come to the chunk's end with their weights
        coupling_.take_out(p, weights_, scores_, e);
        for (int part = 0; part < VP; ++part) std::copy_n(p.v[part], p.tokens * p.column_pitch, e.inputs[part]);
      }
      read_inside(p, y);
    }
  }
  // Its steps, where one weight serves all channels: the ends alone (without a coupling); scores, and times their weights; rows.
  void ends_only(const ChunkPlanes<T>& p, const double* p_start, Ends& e) { Scores::template bring_to_ends<X.coupled>(p, e), weights_.by_head(p, p_start, e); }
  void score(const ChunkPlanes<T>& p) { for (int part = 0; part < KP; ++part) scores_.within_chunk(p, part); }
  void weigh_scores(const ChunkPlanes<T>& p) { for (int part = 0; part < KP; ++part) weights_.apply(p, scores_.plane(part), scores_.pitch()); }
  void read_inside(const ChunkPlanes<T>& p, T* const y[2]) const {
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(y[part], p.tokens * p.column_pitch, T(0));
    for_plane_products<KP, VP>([&](int a, int b, int out, int sign) {
      if (y[out]) multiply_add_causal(scores_.plane(a), scores_.pitch(), p.v[b], p.column_pitch, y[out], p.column_pitch, p.tokens, p.column_pitch, T(sign));
    });
  }

  // (reads . memory) weighted onto y; reads: C x keys, memory planes keys x columns.
  void from_memory(const ChunkPlanes<T>& p, T* const reads[2], T* const memory[2], Index memory_pitch, const T* row_weight, T* const scratch[2], T* const y[2]) const {
    const Index C = p.tokens;
    if constexpr (KP * MP == 1 && !X.one_decay && !X.scaled && !X.per_channel()) {        // all weights are 1
      if (y[0]) multiply_add(reads[0], p.key_pitch, Index(1), memory[0], memory_pitch, y[0], p.column_pitch, C, p.column_pitch, p.keys);
      return;
    } else if constexpr (KP * MP == 1) {
      if (y[0]) multiply(reads[0], p.key_pitch, Index(1), memory[0], memory_pitch, scratch[0], p.column_pitch, C, p.column_pitch, p.keys);
    } else {
      for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
      for_plane_products<KP, MP>([&](int q, int m, int out, int sign) {
        if (y[out]) multiply_add(reads[q], p.key_pitch, Index(1), memory[m], memory_pitch, scratch[out], p.column_pitch, C, p.column_pitch, p.keys, T(sign));
      });
    }
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // (reads . writes^T) inputs of an earlier chunk weighted onto y: surrogate attention between two chunks.
  void from_chunk(const ChunkPlanes<T>& p, T* const reads[2], const Ends& earlier, Index count, const T* row_weight, T* const scratch[2], T* const y[2]) {
    scores_.across(p, reads, earlier, count);
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
    for_plane_products<KP, VP>([&](int a, int v, int out, int sign) {
      if (y[out]) multiply_add(scores_.plane(a), scores_.pitch(), Index(1), earlier.inputs[v], p.column_pitch, scratch[out], p.column_pitch, C, p.column_pitch, count, T(sign));
    });
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // writes^T inputs: what the chunk adds to the memory; delta planes are overwritten.
  void to_memory(const ChunkPlanes<T>& p, const Ends& e, T* const delta[2]) const {
    if constexpr (KP * VP == 1) return multiply(e.writes[0], Index(1), p.key_pitch, e.inputs[0], p.column_pitch, delta[0], p.column_pitch, p.keys, p.column_pitch, p.tokens);
    for (int part = 0; part < MP; ++part) std::fill_n(delta[part], p.keys * p.column_pitch, T(0));
    for_plane_products<KP, VP>([&](int k, int v, int out, int sign) {
      multiply_add(e.writes[k], Index(1), p.key_pitch, e.inputs[v], p.column_pitch, delta[out], p.column_pitch, p.keys, p.column_pitch, p.tokens, T(sign));
    });
  }
  // What a coupling takes out of the memory before the chunk, beside its decay: MP planes of any columns; sum: scratch of a row per token.
  template <int Planes> void erase(const ChunkPlanes<T>& p, const Ends& e, T* const memory[2], Index columns, T* const sum[2], T* const delta[2]) const {
    coupling_.template erase_memory<Planes>(p, e, memory, columns, sum, delta);
  }
  // The same of reads that have come from a later chunk to the end of an earlier one: reads -= (reads coupled^T) erased.
  void erase_reads(const ChunkPlanes<T>& p, const Ends& earlier, Index count, T* const reads[2], T* const decayed[2]) {
    Ends ends = earlier;
    for (int part = 0; part < KP; ++part) ends.writes[part] = earlier.coupled[part];
    scores_.across(p, reads, ends, count);
    for_plane_products<KP, KP>([&](int a, int b, int out, int sign) {
      multiply_add(scores_.plane(a), scores_.pitch(), Index(1), earlier.erased[b], p.key_pitch, decayed[out], p.key_pitch, p.tokens, p.key_pitch, count, T(-sign));
    });
  }

 private:
  // y += weight of the row (or of its channels) times what came from outside the chunk.
  void add_rows(const ChunkPlanes<T>& p, const T* row_weight, const T* from, T* y) const {
    for (Index j = 0; j < p.tokens; ++j) {
      const T* x = from + j * p.column_pitch;
      T* to = y + j * p.column_pitch;
      if constexpr (!channel_weights) {
        const T w = row_weight[j];
        for_lanes<T>(p.column_pitch, [&]<class V>(std::type_identity<V>, Index c) { simd::store(to + c, simd::fma(simd::load<V>(x + c), V(w), simd::load<V>(to + c))); });
      } else {
        const T* w = row_weight + j * p.value_pitch;
        for (Index c = 0; c < p.columns; ++c) to[c] = simd::fma(x[c], w[c < p.values ? c : X.ones == 2 ? c - p.values : 0], to[c]);
      }
    }
  }

  Scores scores_;
  ChannelWeights<T, X> weights_;
  struct Uncoupled { Uncoupled(Arena&, const ChunkPlanes<T>&, Index) {} };
  std::conditional_t<X.coupled, Coupling<T, X>, Uncoupled> coupling_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
