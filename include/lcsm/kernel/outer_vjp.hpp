// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/outer.hpp>
#include <lcsm/kernel/scores_vjp.hpp>

#include <utility>

namespace lcsm {
inline namespace LCSM_ARCH {

// What of an oscillation a cotangent is wanted for: nothing that decays or turns by key, one gate of the head, gates (or angles) of the keys.
enum class Gates { none, head, keys };

// The cotangents of a chunk's planes (chunk.hpp).
template <class T> struct ChunkBars {
  T* n[2] = {};                       // of the rows: comes in
  T *q[2] = {}, *k[2] = {}, *own[2] = {}, *v[2] = {};
  T* gate[2] = {};                    // of the decay, turned as the writes are: a row of keys, or one number per token
};

// The adjoint of OuterKernel, by matrix products: from the rows' cotangents n and mu, that of the memory after the chunk,
//
//     q_j += sum_l A_jl k_l       k_l += sum_j A_jl q_j        with A_jl = n_j . v_l, and all decays between them
//     v_l += sum_j S_jl n_j       S: the scores of the forward kernel
//
// beside what goes through the memory on both sides; complex factors conjugated. NP: planes of n.
template <class T, OuterClass X, Gates G, int NP> class OuterVjp {
 public:
  using Kernel = OuterKernel<T, X>;
  using Ends = typename Kernel::Ends;
  static constexpr int KP = Kernel::KP, VP = Kernel::VP, MP = Kernel::MP;
  static constexpr int AP = KP == 2 && (NP == 2 || VP == 2) ? 2 : 1;

  OuterVjp(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : pairs_(arena, channels(p), tokens), decays_(arena, tokens, G == Gates::keys ? p.key_pitch : lanes), decay_(arena.take<T>(G == Gates::keys ? tokens * p.key_pitch : G == Gates::head ? tokens * lanes : 0)) {
    const Index keys = tokens * p.key_pitch, rows = tokens * p.column_pitch;
    a_[0] = pairs_.plane(0), a_[1] = arena.take<T>(AP == 2 ? tokens * pairs_.pitch() : 0);
    for (int part = 0; part < AP; ++part) own_[part] = arena.take<T>(X.early ? tokens : 0);
    for (int part = 0; part < MP; ++part) {
      before_[part] = arena.take<T>(p.columns * p.key_pitch), after_[part] = arena.take<T>(p.columns * p.key_pitch), rows_[part] = arena.take<T>(rows);
    }
    for (int part = 0; part < KP; ++part) {
      g_[part] = arena.take<T>(keys), u_[part] = arena.take<T>(keys), x_[part] = arena.take<T>(p.key_pitch);
      raw_[part] = arena.take<T>(G == Gates::head ? tokens * pairs_.pitch() : 0);
    }
    if constexpr (G == Gates::head) {
      one_ = arena.take<T>(tokens * lanes), gate_ = arena.take<T>(tokens * lanes), pair_ = arena.take<T>(tokens * pairs_.pitch());
      for (T*& x : sums_) x = arena.take<T>(tokens * lanes);
    }
    bars_.n[0] = arena.take<T>(rows), bars_.n[1] = arena.take<T>(NP == 2 ? rows : 0);
    for (int part = 0; part < KP; ++part) {
      bars_.q[part] = arena.take<T>(keys), bars_.k[part] = arena.take<T>(keys), bars_.own[part] = arena.take<T>(X.bonus ? keys : 0), bars_.gate[part] = arena.take<T>(G == Gates::keys ? keys : 0);
    }
    if constexpr (G == Gates::head) bars_.gate[0] = arena.take<T>(tokens);
    for (int part = 0; part < VP; ++part) bars_.v[part] = arena.take<T>(rows);
  }
  const ChunkBars<T>& bars() const { return bars_; }

  // Between kernel.score and kernel.weigh_scores: a head's gate wants the scores without its decays.
  void keep_scores(const Kernel& kernel, const ChunkPlanes<T>& p) {
    if constexpr (G == Gates::head)
      for (int part = 0; part < KP; ++part) std::copy_n(kernel.scores().plane(part), p.tokens * kernel.scores().pitch(), raw_[part]);
  }
  // The kernel holds the chunk's weighted scores and ends. before: the memory before the chunk, mu: the cotangent of that after it, in the chunk's frame.
  // delta: what the rows add to the cotangent of the memory before.
  void operator()(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2], T* const mu[2], T* const delta[2]) {
    const Index C = p.tokens, P = p.column_pitch, K = p.key_pitch;
    pair_up(p);
    for (int part = 0; part < MP; ++part) transpose(p, before[part], before_[part]), transpose(p, mu[part], after_[part]);
    for (int part = 0; part < KP; ++part) std::fill_n(g_[part], C * K, T(0)), std::fill_n(u_[part], C * K, T(0));
    for_conjugate_products<NP, MP, KP>([&](int n, int m, int out, int sign) { multiply_add(bars_.n[n], P, Index(1), before_[m], K, g_[out], K, C, K, p.columns, T(sign)); });
    for_conjugate_products<MP, VP, KP>([&](int m, int v, int out, int sign) { multiply_add(p.v[v], P, Index(1), after_[m], K, u_[out], K, C, K, p.columns, T(sign)); });

    inputs(kernel, p, e, mu);
    for (int part = 0; part < NP; ++part)
      for (Index j = 0; j < C; ++j) scaled(bars_.n[part] + j * P, e.row_weight[j], rows_[part] + j * P, P);
    for (int part = 0; part < MP; ++part) std::fill_n(delta[part], p.keys * P, T(0));
    for_conjugate_products<NP, KP, MP>([&](int n, int q, int out, int sign) { multiply_add(e.reads[q], Index(1), K, rows_[n], P, delta[out], P, p.keys, P, C, T(sign)); });

    if constexpr (G != Gates::none) for (Index a = 0; a < K; ++a) meet(p, before, mu, a);
    if constexpr (G == Gates::keys) by_key(p); else by_head(kernel, p, e);
    if constexpr (X.bonus) own_writes(p);
  }

 private:
  using Pairs = KeyScores<T, OuterClass{}>;
  static constexpr Index lanes = simd::width<Batch<T>>;

  // The rows of value channels as a key side of their own.
  static ChunkPlanes<T> channels(const ChunkPlanes<T>& p) {
    ChunkPlanes<T> x = p;
    x.keys = p.columns, x.key_pitch = p.column_pitch;
    return x;
  }
  // A, without any decay; what lies above its diagonal is 0. Early reads see their own write through the bonus alone, which has terms of its own.
  void pair_up(const ChunkPlanes<T>& p) {
    const Index C = p.tokens, pitch = pairs_.pitch();
    for (int part = 0; part < AP; ++part) std::fill_n(a_[part], C * pitch, T(0));
    for_conjugate_products<NP, VP, AP>([&](int n, int v, int out, int sign) { pairs_.add(channels(p), bars_.n[n], p.v[v], nullptr, a_[out], T(sign)); });
    for (int part = 0; part < AP; ++part) {
      clear_above(a_[part], pitch, C);
      if constexpr (X.early) for (Index j = 0; j < C; ++j) own_[part][j] = std::exchange(a_[part][j * pitch + j], T(0));
    }
  }
  static void clear_above(T* x, Index pitch, Index C) { for (Index j = 0; j < C; ++j) std::fill_n(x + j * pitch + j + 1, pitch - j - 1, T(0)); }
  static void transpose(const ChunkPlanes<T>& p, const T* from, T* to) {
    for (Index c = 0; c < p.columns; ++c) {
      for (Index a = 0; a < p.keys; ++a) to[c * p.key_pitch + a] = from[a * p.column_pitch + c];
      std::fill_n(to + c * p.key_pitch + p.keys, p.key_pitch - p.keys, T(0));
    }
  }
  static void scaled(const T* x, T by, T* to, Index n) {
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index c) { simd::store(to + c, simd::load<V>(x + c) * V(by)); });
  }
  static void add_scaled(const T* x, T by, T* to, Index n) {
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index c) { simd::store(to + c, simd::fma(simd::load<V>(x + c), V(by), simd::load<V>(to + c))); });
  }
  // to += sign A^T x for a lower triangle A: 16 rows at a time leave most of what is 0 out.
  static void add_upper(const T* a, Index pitch, const T* x, Index columns, T* to, Index C, T sign) {
    for (Index l = 0; l < C; l += 16) {
      const Index count = (std::min)(Index(16), C - l);
      multiply_add(a + l * pitch + l, Index(1), pitch, x + l * columns, columns, to + l * columns, columns, count, columns, C - l, sign);
    }
  }

  // v_l: through the memory after the chunk, and through the rows after the write.
  void inputs(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const mu[2]) {
    const Index C = p.tokens, P = p.column_pitch, pitch = kernel.scores().pitch();
    for (int part = 0; part < VP; ++part) std::fill_n(bars_.v[part], C * P, T(0));
    for_conjugate_products<MP, KP, VP>([&](int m, int k, int out, int sign) { multiply_add(e.writes[k], p.key_pitch, Index(1), mu[m], P, bars_.v[out], P, C, P, p.keys, T(sign)); });
    for (int part = 0; part < VP; ++part)
      for (Index l = 0; l < C; ++l) scaled(bars_.v[part] + l * P, kernel.weights().end(p)[l], bars_.v[part] + l * P, P);
    for (int part = 0; part < KP; ++part) clear_above(kernel.scores().plane(part), pitch, C);
    for_conjugate_products<NP, KP, VP>([&](int n, int s, int out, int sign) { add_upper(kernel.scores().plane(s), pitch, bars_.n[n], P, bars_.v[out], C, T(sign)); });
  }
  // X: the memory before the chunk and the cotangent of that after it.
  void meet(const ChunkPlanes<T>& p, T* const before[2], T* const mu[2], Index a) {
    for (int part = 0; part < KP; ++part) x_[part][a] = T(0);
    if (a >= p.keys) return;
    for_conjugate_products<MP, MP, KP>([&](int m, int b, int out, int sign) {
      const T *x = mu[m] + a * p.column_pitch, *y = before[b] + a * p.column_pitch;
      double sum = 0;
      for (Index c = 0; c < p.columns; ++c) sum += double(x[c]) * double(y[c]);
      x_[out][a] += static_cast<T>(sign * sum);
    });
  }
  void by_key(const ChunkPlanes<T>& p) {
    const Index C = p.tokens, K = p.key_pitch;
    for (Index j = 0; j < C; ++j)
      for (Index a = 0; a < K; ++a) decay_[j * K + a] = X.key_decay ? p.key_decay[j * K + a] * p.one_decay[j] : p.one_decay[j];
    typename Decays::Rows rows;
    rows.tokens = C, rows.pitch = K, rows.decay = decay_, rows.a_pitch = pairs_.pitch();
    for (int part = 0; part < KP; ++part) rows.q[part] = p.q[part], rows.k[part] = p.k[part], rows.g[part] = g_[part], rows.u[part] = u_[part], rows.x[part] = x_[part];
    for (int part = 0; part < AP; ++part) rows.a[part] = a_[part];
    decays_(rows, bars_.q, bars_.k, bars_.gate);
  }
  void by_head(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e) {
    const Index C = p.tokens, K = p.key_pitch, pitch = pairs_.pitch();
    if constexpr (G == Gates::head) one_gate(p);
    const T* end = kernel.weights().end(p);
    for (int part = 0; part < KP; ++part)
      for (Index j = 0; j < C; ++j) scaled(g_[part] + j * K, e.row_weight[j], bars_.q[part] + j * K, K), scaled(u_[part] + j * K, end[j], bars_.k[part] + j * K, K);
    for (int part = 0; part < AP; ++part) kernel.weights().apply(p, a_[part], pitch);
    for_conjugate_products<AP, KP, KP>([&](int a, int k, int out, int sign) {
      multiply_add_causal(a_[a], pitch, p.k[k], K, bars_.q[out], K, C, K, T(sign));
      add_upper(a_[a], pitch, p.q[k], K, bars_.k[out], C, T(sign));
    });
  }
  // A gate of the head is one key of which everything is the sum.
  void one_gate(const ChunkPlanes<T>& p) {
    const Index C = p.tokens, K = p.key_pitch, pitch = pairs_.pitch();
    std::fill_n(one_, C * lanes, T(1));
    std::fill_n(pair_, C * pitch, T(0));
    T* const x = sums_[2];
    std::fill_n(x, lanes, T(0));
    for (Index a = 0; a < K; ++a) x[0] += x_[0][a];
    for (Index j = 0; j < C; ++j) {
      for (Index n = 0; n < lanes; ++n) decay_[j * lanes + n] = p.one_decay[j], sums_[0][j * lanes + n] = T(0), sums_[1][j * lanes + n] = T(0);
      for (int part = 0; part < KP; ++part) {
        sums_[0][j * lanes] += dot(p.q[part] + j * K, g_[part] + j * K, K), sums_[1][j * lanes] += dot(p.k[part] + j * K, u_[part] + j * K, K);
        if (part < AP) for (Index l = 0; l <= j; ++l) pair_[j * pitch + l] = simd::fma(raw_[part][j * pitch + l], a_[part][j * pitch + l], pair_[j * pitch + l]);
      }
    }
    typename Decays::Rows rows;
    rows.tokens = C, rows.pitch = lanes, rows.q[0] = one_, rows.k[0] = one_, rows.decay = decay_, rows.a[0] = pair_, rows.a_pitch = pitch, rows.g[0] = sums_[0], rows.u[0] = sums_[1], rows.x[0] = x;
    T *const q_bar[2] = {sums_[3], nullptr}, *const k_bar[2] = {sums_[4], nullptr}, *const gate[2] = {gate_, nullptr};
    decays_(rows, q_bar, k_bar, gate);
    for (Index j = 0; j < C; ++j) bars_.gate[0][j] = gate_[j * lanes];
  }
  static T dot(const T* x, const T* y, Index n) {
    T sum(0);
    for (Index a = 0; a < n; ++a) sum = simd::fma(x[a], y[a], sum);
    return sum;
  }
  // A bonus reads the own write: y_j += (q_j . own_j) v_j.
  void own_writes(const ChunkPlanes<T>& p) {
    for (int part = 0; part < KP; ++part) std::fill_n(bars_.own[part], p.tokens * p.key_pitch, T(0));
    for (Index j = 0; j < p.tokens; ++j)
      for_conjugate_products<AP, KP, KP>([&](int a, int k, int out, int sign) {
        const Index at = j * p.key_pitch;
        const T x = T(sign) * own_[a][j];
        add_scaled(p.own[k] + at, x, bars_.q[out] + at, p.key_pitch), add_scaled(p.q[k] + at, x, bars_.own[out] + at, p.key_pitch);
      });
  }

  using Decays = std::conditional_t<G == Gates::keys, ScoresVjp<T, KP, AP, X.early>, ScoresVjp<T, 1, 1, X.early>>;
  Pairs pairs_;
  Decays decays_;
  ChunkBars<T> bars_;
  T* decay_;
  T *a_[2] = {}, *before_[2] = {}, *after_[2] = {}, *rows_[2] = {}, *g_[2] = {}, *u_[2] = {}, *x_[2] = {}, *raw_[2] = {}, *own_[2] = {};
  T *one_ = nullptr, *gate_ = nullptr, *pair_ = nullptr, *sums_[5] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
