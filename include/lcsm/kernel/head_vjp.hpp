// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/scores_vjp.hpp>
#include <lcsm/kernel/weights.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The cotangents of one gate for all keys, and of the logs that a running maximum weighs by. Of a chunk they see one number for each pair of a row and a
// write, sum_a conj(q_j k_l) A_jl, one for each row with the memory before the chunk, and so on: a memory of one key (scores_vjp.hpp).
template <class T, OuterClass X, int KP, int AP> class HeadVjp {
  static constexpr Index lanes = simd::width<Batch<T>>;
  static constexpr ReadAt read_at = X.early ? ReadAt::before_decay : ReadAt::after_write;

 public:
  // What of a token: of its multiplier, or under a running maximum of its log and of those of the write and of the bonus.
  T *decay = nullptr, *write = nullptr, *own = nullptr;

  HeadVjp(Arena& arena, Index tokens, Index pitch) : decays_(arena, X.scaled ? 0 : tokens, lanes), pitch_(pitch) {
    for (int part = 0; part < KP; ++part) scores_[part] = arena.take<T>(tokens * pitch);
    pairs_ = arena.take<T>(tokens * pitch), decay = arena.take<T>(tokens);
    const Index rows = tokens * lanes;
    for (T*& x : sums_) x = arena.take<T>(rows);
    if constexpr (X.scaled) write = arena.take<T>(tokens), own = arena.take<T>(tokens), sinks_ = arena.take<double>(tokens);
    else one_ = arena.take<T>(rows), gate_ = arena.take<T>(rows), decay_ = arena.take<T>(rows);
  }
  // The scores of reads against writes, before they are weighted.
  template <class Scores> void keep(const Scores& scores, Index tokens) { for (int part = 0; part < KP; ++part) std::copy_n(scores.plane(part), tokens * pitch_, scores_[part]); }

  // A, of the own write under a bonus, G, U and X as in scores_vjp.hpp, none of them decayed.
  void operator()(const ChannelWeights<T, X>& weights, const ChunkPlanes<T>& p, const ChunkEnds<T>& e, T* const a[2], T* const a_own[2], T* const g[2], T* const u[2], const T* x) {
    const Index C = p.tokens, K = p.key_pitch;
    double both = 0;                                        // the memory before the chunk with the cotangent of that after it
    for (Index key = 0; key < K; ++key) both += double(x[key]);
    std::fill_n(pairs_, C * pitch_, T(0));
    for (Index j = 0; j < C; ++j) {
      std::fill_n(sums_[0] + j * lanes, lanes, T(0)), std::fill_n(sums_[1] + j * lanes, lanes, T(0));
      for (int part = 0; part < KP; ++part) {
        sums_[0][j * lanes] += dot(p.q[part] + j * K, g[part] + j * K, K), sums_[1][j * lanes] += dot(p.k[part] + j * K, u[part] + j * K, K);
        if (part >= AP) continue;
        const T *s = scores_[part] + j * pitch_, *from = a[part] + j * pitch_;
        for_lanes<T>(j + 1, [&]<class V>(std::type_identity<V>, Index l) { simd::store(pairs_ + j * pitch_ + l, simd::fma(simd::load<V>(s + l), simd::load<V>(from + l), simd::load<V>(pairs_ + j * pitch_ + l))); });
        if constexpr (X.early) pairs_[j * pitch_ + j] = simd::fma(s[j], a_own[part][j], pairs_[j * pitch_ + j]);
      }
    }
    if constexpr (X.scaled) logs(weights, p, e, both); else gate(p, static_cast<T>(both));
  }

 private:
  void gate(const ChunkPlanes<T>& p, T both) {
    const Index C = p.tokens;
    std::fill_n(one_, C * lanes, T(1)), std::fill_n(sums_[2], lanes, both);
    for (Index j = 0; j < C; ++j) std::fill_n(decay_ + j * lanes, lanes, p.one_decay[j]);
    typename Decays::Rows rows;
    rows.tokens = C, rows.pitch = lanes, rows.decay = decay_, rows.a_pitch = pitch_;
    rows.q[0][0] = rows.k[0][0] = one_, rows.a[0][0][0] = pairs_, rows.g[0][0] = sums_[0], rows.u[0][0] = sums_[1], rows.x[0] = sums_[2];
    rows.q_bar[0][0] = sums_[3], rows.k_bar[0][0] = sums_[4], rows.decay_bar[0] = gate_;
    decays_(rows);
    for (Index j = 0; j < C; ++j) decay[j] = gate_[j * lanes];
  }
  // A log's cotangent is the sum of what it is a part of, with all weights: again no long sum is taken apart. Weights are shares of the largest, and a
  // closed gate's are 0.
  void logs(const ChannelWeights<T, X>& weights, const ChunkPlanes<T>& p, const ChunkEnds<T>& e, double both) {
    const Index C = p.tokens;
    const T* end = weights.end(p);
    double source = both * double(e.total[0]);
    for (Index l = 0; l < C; ++l) sinks_[l] = double(sums_[1][l * lanes]) * double(end[l]);
    for (Index t = C - 1; t >= 0; --t) {
      const T* w = weights.row(p, t);
      const auto add_row = [&](Index last) {
        source += double(sums_[0][t * lanes]) * double(e.row_weight[t]);
        for (Index l = 0; l <= last; ++l) sinks_[l] += double(pairs_[t * pitch_ + l]) * double(w[l]);
      };
      if constexpr (!X.early) add_row(t);
      write[t] = static_cast<T>(sinks_[t]);
      own[t] = X.early ? pairs_[t * pitch_ + t] * w[t] : T(0);
      double sum = source;
      for (Index l = 0; l < t; ++l) sum += sinks_[l];
      decay[t] = static_cast<T>(sum);
      if constexpr (X.early) add_row(t - 1);
    }
  }
  static T dot(const T* x, const T* y, Index n) {            // n is a multiple of the width
    using V = Batch<T>;
    V sum = map::constant<V>(0);
    for (Index a = 0; a < n; a += simd::width<V>) sum = simd::fma(simd::load<V>(x + a), simd::load<V>(y + a), sum);
    return simd::sum(sum);
  }

  using Decays = ScoresVjp<T, 1, 1, 1, read_at>;
  Decays decays_;
  Index pitch_;
  T *scores_[2] = {}, *pairs_, *sums_[5] = {}, *one_ = nullptr, *gate_ = nullptr, *decay_ = nullptr;
  double* sinks_ = nullptr;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
