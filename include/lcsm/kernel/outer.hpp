// SPDX-License-Identifier: MIT
#pragma once

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
// d: decay per key (scores.hpp); w: weights of the channel side (weights.hpp).
template <class T, OuterClass X> class OuterKernel {
 public:
  static constexpr int KP = X.key_complex ? 2 : 1, VP = X.value_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;
  static constexpr bool channel_weights = X.per_channel();

  using Scores = KeyScores<T, X>;
  using Ends = ChunkEnds<T>;

  OuterKernel(Arena& arena, const ChunkPlanes<T>& p, Index tokens) : scores_(arena, p, tokens), weights_(arena, tokens) {}
  Scores& scores() { return scores_; }
  const Scores& scores() const { return scores_; }
  const ChannelWeights<T, X>& weights() const { return weights_; }

  // Inside the chunk: y (tokens x columns, VP or MP planes) is written, the ends too. p_start: the running maximum before the chunk, one number or
  // one per value channel (logs of the chunk are taken relative to it).
  void inside(const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const y[2]) {
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(y[part], C * p.column_pitch, T(0));
    Scores::bring_to_ends(p, e);
    for (int part = 0; part < KP; ++part) scores_.within_chunk(p, part);
    T* const scores[2] = {scores_.plane(0), scores_.plane(KP - 1)};
    if constexpr (channel_weights) weights_.by_channel(p, p_start, scores, scores_.pitch(), e, y);
    else {
      weights_.by_head(p, p_start, e);
      for (Index j = 0; j < C; ++j)
        for (int part = 0; part < KP; ++part) {
          T* row = scores[part] + j * scores_.pitch();
          const T* w = weights_.row(p, j);
          for (Index l = 0; l <= j; ++l) row[l] *= w[l];
        }
      planes([&](int a, int b, int out, T sign) {
        if (y[out]) multiply_add_causal(scores[a], scores_.pitch(), p.v[b], p.column_pitch, y[out], p.column_pitch, C, p.column_pitch, sign);
      });
    }
  }

  // (reads . memory) weighted onto y; reads: C x keys, memory planes keys x columns.
  void from_memory(const ChunkPlanes<T>& p, T* const reads[2], T* const memory[2], Index memory_pitch, const T* row_weight, T* scratch[2], T* const y[2]) const {
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
    const auto add = [&](int q, int m, int out, T sign) {
      if (y[out]) multiply_add(reads[q], p.key_pitch, Index(1), memory[m], memory_pitch, scratch[out], p.column_pitch, C, p.column_pitch, p.keys, sign);
    };
    add(0, 0, 0, T(1));
    if constexpr (MP == 2) {
      add(0, 1, 1, T(1));
      if constexpr (KP == 2) add(1, 1, 0, T(-1)), add(1, 0, 1, T(1));
    }
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // (reads . writes^T) inputs of an earlier chunk weighted onto y: surrogate attention between two chunks.
  void from_chunk(const ChunkPlanes<T>& p, T* const reads[2], const Ends& earlier, Index count, const T* row_weight, T* scratch[2], T* const y[2]) {
    scores_.across(p, reads, earlier, count);
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
    const auto add = [&](int a, int v, int out, T sign) {
      if (y[out]) multiply_add(scores_.plane(a), scores_.pitch(), Index(1), earlier.inputs[v], p.column_pitch, scratch[out], p.column_pitch, C, p.column_pitch, count, sign);
    };
    planes(add);
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // writes^T inputs: what the chunk adds to the memory; delta planes are overwritten.
  void to_memory(const ChunkPlanes<T>& p, const Ends& e, T* const delta[2]) const {
    for (int part = 0; part < MP; ++part) std::fill_n(delta[part], p.keys * p.column_pitch, T(0));
    planes([&](int k, int v, int out, T sign) {
      multiply_add(e.writes[k], Index(1), p.key_pitch, e.inputs[v], p.column_pitch, delta[out], p.column_pitch, p.keys, p.column_pitch, p.tokens, sign);
    });
  }

 private:
  // The products of the key side's and the channel side's planes.
  template <class Add> static void planes(Add&& add) {
    add(0, 0, 0, T(1));
    if constexpr (KP == 2 && VP == 2) add(1, 1, 0, T(-1)), add(0, 1, 1, T(1)), add(1, 0, 1, T(1));
    else if constexpr (KP == 2) add(1, 0, 1, T(1));
    else if constexpr (VP == 2) add(0, 1, 1, T(1));
  }
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
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
