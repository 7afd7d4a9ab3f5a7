// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/outer_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of OuterKernel where value channels decay, each by itself: real planes, one write. Key side and channel side are alike,
//
//     sum_jl (sum_a q_j[a] k_l[a] decays of a) (sum_c n_j[c] v_l[c] decays of c)
//
// so the cotangents of either are those of decayed scores (scores_vjp.hpp) whose pairs are the decayed scores of the other. The head's decay counts as the
// channels'. Same steps as OuterVjp.
template <class T, OuterClass X> class ChannelVjp {
 public:
  using Kernel = OuterKernel<T, X>;
  using Ends = typename Kernel::Ends;

  ChannelVjp(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : pairs_(arena, channels(p, nullptr), tokens), keys_(arena, X.key_decay ? tokens : 0, p.key_pitch), channels_(arena, tokens, p.column_pitch) {
    const Index keys = tokens * p.key_pitch, rows = tokens * p.column_pitch;
    for (T** x : {&decay_, &rows_, &read_, &written_, &unused_, &bars_.n[0], &bars_.v[0], &bars_.channel}) *x = arena.take<T>(rows);
    for (T** x : {&g_, &u_, &bars_.q[0], &bars_.k[0], &bars_.own[0], &bars_.gate[0]}) *x = arena.take<T>(keys);
    before_ = arena.take<T>(p.columns * p.key_pitch), after_ = arena.take<T>(p.columns * p.key_pitch);
    x_ = arena.take<T>(p.key_pitch), channel_x_ = arena.take<T>(p.column_pitch), own_ = arena.take<T>(tokens);
  }
  const ChunkBars<T>& bars() const { return bars_; }

  void prepare(Kernel& kernel, const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const[2], T* const y[2]) {
    kernel.inside(p, p_start, e, y);
    for (Index j = 0; j < p.tokens; ++j) {
      T* to = decay_ + j * p.column_pitch;
      for (Index c = 0; c < p.column_pitch; ++c) to[c] = c < p.columns ? p.one_decay[j] * p.value_decay[j * p.value_pitch + value_of(p, c)] : T(0);
    }
  }
  void read(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2], T* const scratch[2], T* const y[2]) const {
    kernel.from_memory(p, e.reads, before, p.column_pitch, e.row_weight, scratch, y);
  }
  void operator()(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2], T* const mu[2], T* const delta[2]) {
    const Index C = p.tokens, P = p.column_pitch, K = p.key_pitch;
    T *const a = pairs_.plane(0), *const s = kernel.scores().plane(0), *const n = bars_.n[0];
    std::fill_n(a, C * pairs_.pitch(), T(0));
    pairs_.add(channels(p, decay_), n, p.v[0], p.v[0], a, T(1));
    OuterSums<T>::clear_above(a, pairs_.pitch(), C), OuterSums<T>::clear_above(s, pairs_.pitch(), C);
    for (Index j = 0; j < C; ++j) {
      own_[j] = a[j * pairs_.pitch() + j];
      if constexpr (X.early) a[j * pairs_.pitch() + j] = T(0);
      for (Index c = 0; c < P; ++c) rows_[j * P + c] = c < p.columns ? n[j * P + c] * e.row_weight[j * p.value_pitch + value_of(p, c)] : T(0);
    }
    OuterSums<T>::transpose(p, before[0], before_), OuterSums<T>::transpose(p, mu[0], after_);
    product(rows_, P, before_, K, g_, C, p.columns), product(e.inputs[0], P, after_, K, u_, C, p.columns);
    product(e.reads[0], K, before[0], P, read_, C, p.keys), product(e.writes[0], K, mu[0], P, written_, C, p.keys);
    std::fill_n(delta[0], p.keys * P, T(0));
    multiply_add(e.reads[0], Index(1), K, rows_, P, delta[0], P, p.keys, P, C);
    meet(p, e, before[0], mu[0]);

    if constexpr (X.key_decay) side(keys_, p, K, p.q[0], p.k[0], p.key_decay, a, g_, u_, x_, bars_.q[0], bars_.k[0], bars_.gate[0]);
    else {
      std::copy_n(g_, C * K, bars_.q[0]), std::copy_n(u_, C * K, bars_.k[0]);
      multiply_add_causal(a, pairs_.pitch(), p.k[0], K, bars_.q[0], K, C, K);
      OuterSums<T>::add_upper(a, pairs_.pitch(), p.q[0], K, bars_.k[0], C, T(1));
    }
    side(channels_, p, P, n, p.v[0], decay_, s, read_, written_, channel_x_, unused_, bars_.v[0], bars_.channel);
    if constexpr (X.bonus)
      for (Index j = 0; j < C; ++j) {
        std::fill_n(bars_.own[0] + j * K, K, T(0));
        OuterSums<T>::add_scaled(n + j * P, s[j * pairs_.pitch() + j], bars_.v[0] + j * P, P);
        OuterSums<T>::add_scaled(p.own[0] + j * K, own_[j], bars_.q[0] + j * K, K), OuterSums<T>::add_scaled(p.q[0] + j * K, own_[j], bars_.own[0] + j * K, K);
      }
  }

 private:
  static constexpr OuterClass decayed = [] {
    OuterClass x;
    x.key_decay = true, x.early = X.early, x.bonus = X.bonus;
    return x;
  }();
  using Side = ScoresVjp<T, 1, 1, 1, X.early ? ReadAt::before_decay : ReadAt::after_write>;

  static Index value_of(const ChunkPlanes<T>& p, Index column) { return column < p.values ? column : column - p.values; }
  static ChunkPlanes<T> channels(const ChunkPlanes<T>& p, T* decay) {
    ChunkPlanes<T> x = p;
    x.keys = p.columns, x.key_pitch = p.column_pitch, x.key_decay = decay;
    return x;
  }
  static void product(const T* a, Index lda, const T* b, Index columns, T* to, Index rows, Index inner) {
    std::fill_n(to, rows * columns, T(0));
    multiply_add(a, lda, Index(1), b, columns, to, columns, rows, columns, inner);
  }
  // The memory before the chunk and the cotangent of that after it, for each key and for each channel, each without its own decays.
  void meet(const ChunkPlanes<T>& p, const Ends& e, const T* before, const T* mu) {
    std::fill_n(x_, p.key_pitch, T(0)), std::fill_n(channel_x_, p.column_pitch, T(0));
    for (Index a = 0; a < p.keys; ++a)
      for (Index c = 0; c < p.columns; ++c) {
        const T both = before[a * p.column_pitch + c] * mu[a * p.column_pitch + c];
        x_[a] = simd::fma(both, e.total[value_of(p, c)], x_[a]), channel_x_[c] = simd::fma(both, e.key_total[a], channel_x_[c]);
      }
  }
  void side(Side& of, const ChunkPlanes<T>& p, Index pitch, T* q, T* k, const T* decay, T* a, T* g, T* u, T* x, T* q_bar, T* k_bar, T* gate) {
    typename Side::Rows r;
    r.tokens = p.tokens, r.pitch = pitch, r.a_pitch = pairs_.pitch(), r.decay = decay;
    r.q[0][0] = q, r.k[0][0] = k, r.a[0][0][0] = a, r.g[0][0] = g, r.u[0][0] = u, r.x[0] = x, r.q_bar[0][0] = q_bar, r.k_bar[0][0] = k_bar, r.decay_bar[0] = gate;
    of(r);
  }

  KeyScores<T, decayed> pairs_;
  Side keys_, channels_;
  ChunkBars<T> bars_;
  T *decay_, *rows_, *read_, *written_, *unused_, *g_, *u_, *before_, *after_, *x_, *channel_x_, *own_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
