// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/gates.hpp>
#include <lcsm/kernel/head_vjp.hpp>
#include <lcsm/kernel/outer.hpp>

#include <utility>

namespace lcsm {
inline namespace LCSM_ARCH {

// The cotangents of a chunk's planes (chunk.hpp).
template <class T> struct ChunkBars {
  T* n[2] = {};                       // of the rows: comes in
  T *q[2] = {}, *k[2] = {}, *own[2] = {}, *erase[2] = {}, *couple[2] = {}, *v[2] = {};
  T* gate[2] = {};                    // of the keys' decays, turned as the writes are
  T* channel = nullptr;               // of the decays of channels
};

// Small sums that adjoints of chunks are made of.
template <class T> struct OuterSums {
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
};

// The adjoint of OuterKernel, by matrix products: from the rows' cotangents n and mu, that of the memory after the chunk,
//
//     q_j += sum_l A_jl k_l       k_l += sum_j A_jl q_j        with A_jl = n_j . v_l, and all decays between them
//     v_l += sum_j S_jl n_j       S: the scores of the forward kernel
//
// beside what goes through the memory on both sides; complex factors conjugated. A coupling is a second write, w_l of -u_l, and u a second read, by erases
// a: u and its cotangent solve triangular systems of one matrix and its adjoint (coupling.hpp), and what is left is as if there were none:
//
//     u = X (A m + H v)           u_bar = -X^H (W^H mu + S_w^H n)          if w = k: one write of v - u = X (v - A m)
//
// NP: planes of n.
template <class T, OuterClass X, Gates G, int NP> class OuterVjp : OuterSums<T> {
  using OuterSums<T>::clear_above, OuterSums<T>::transpose, OuterSums<T>::scaled, OuterSums<T>::add_scaled, OuterSums<T>::add_upper;

 public:
  using Kernel = OuterKernel<T, X>;
  using Ends = typename Kernel::Ends;
  static constexpr int KP = Kernel::KP, VP = Kernel::VP, MP = Kernel::MP;

  OuterVjp(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : pairs_(arena, channels(p), tokens), head_(arena, tokens, pairs_.pitch()), decays_(arena, by_keys ? tokens : 0, p.key_pitch), decay_(arena.take<T>(by_keys ? tokens * p.key_pitch : 0)) {
    const Index keys = tokens * p.key_pitch, rows = tokens * p.column_pitch, square = tokens * pairs_.pitch();
    const auto take = [&](T* (&planes)[2], int count, Index size) { for (int part = 0; part < count; ++part) planes[part] = arena.take<T>(size); };
    for (int r = 0; r < Reads; ++r)
      for (int w = 0; w < Writes; ++w) take(a_[r][w], AP, square);
    for (int r = 0; r < Reads; ++r) take(g_[r], KP, keys);
    for (int w = 0; w < Writes; ++w) {
      take(u_[w], KP, keys);
      if constexpr (X.coupled) take(in_[w], SP, rows);
    }
    take(own_, X.early ? AP : 0, tokens), take(before_, MP, p.columns * p.key_pitch), take(after_, MP, p.columns * p.key_pitch), take(rows_, MP, rows), take(x_, KP, p.key_pitch);
    take(bars_.n, NP, rows), take(bars_.q, KP, keys), take(bars_.k, KP, keys), take(bars_.own, X.bonus ? KP : 0, keys), take(bars_.v, VP, rows);
    if constexpr (G == Gates::keys) take(bars_.gate, KP, keys);
    if constexpr (X.coupled) take(erased_bar_, MP, rows), take(bars_.erase, KP, keys), take(bars_.couple, Writes == 2 ? KP : 0, keys);
  }
  const ChunkBars<T>& bars() const { return bars_; }
  const auto& head() const { return head_; }

  // The chunk's scores and ends, as far as rows and cotangents want them.
  void prepare(Kernel& kernel, const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const before[2], T* const[2]) {
    kernel.ends_only(p, p_start, e), kernel.score(p);
    if constexpr (G == Gates::head) head_.keep(kernel.scores(), p.tokens);
    kernel.weigh_scores(p);
    if constexpr (X.coupled) {
      kernel.coupling().solve(p, kernel.weights(), e);
      erase(kernel, p, e, before);
    }
  }
  // The rows: y (planes, where wanted), which prepare may have begun.
  void read(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2], T* const scratch[2], T* const y[2]) const {
    if constexpr (!X.coupled) kernel.read_inside(p, y);
    else {
      for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(y[part], p.tokens * p.column_pitch, T(0));
      const auto from = [&](auto&& scores, T* const in[2]) {
        for_plane_products<KP, MP>([&](int s, int v, int out, int sign) {
          if (y[out]) multiply_add_causal(scores(s), pairs_.pitch(), in[v], p.column_pitch, y[out], p.column_pitch, p.tokens, p.column_pitch, T(sign));
        });
      };
      from([&](int s) { return kernel.scores().plane(s); }, in_[0]);
      if constexpr (Writes == 2) from([&](int s) { return kernel.coupling().write_scores(s); }, in_[1]);
    }
    kernel.from_memory(p, e.reads, before, p.column_pitch, e.row_weight, scratch, y);
  }

  // After `prepare`. before: the memory before the chunk, mu: the cotangent of that after it, in the chunk's frame. delta: what the rows add to the
  // cotangent of the memory before.
  void operator()(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2], T* const mu[2], T* const delta[2]) {
    const Index C = p.tokens, P = p.column_pitch, K = p.key_pitch;
    for (int part = 0; part < KP; ++part) clear_above(kernel.scores().plane(part), pairs_.pitch(), C);
    if constexpr (X.coupled) erase_bar(kernel, p, e, mu);
    else {
      inputs(e.writes, p, mu, bars_.v, std::integral_constant<int, VP>{});
      for (int part = 0; part < VP; ++part)
        for (Index l = 0; l < C; ++l) scaled(bars_.v[part] + l * P, kernel.weights().end(p)[l], bars_.v[part] + l * P, P);
      through_rows([&](int s) { return kernel.scores().plane(s); }, bars_.n, p, bars_.v, std::integral_constant<int, VP>{});
    }
    pair_up(p);
    for (int part = 0; part < MP; ++part) transpose(p, before[part], before_[part]), transpose(p, mu[part], after_[part]);
    for (int part = 0; part < KP; ++part) {
      for (auto& g : g_) std::fill_n(g[part], C * K, T(0));
      for (auto& u : u_) std::fill_n(u[part], C * K, T(0));
    }
    for (int r = 0; r < Reads; ++r)
      for_conjugate_products<NP, MP, KP>([&](int n, int m, int out, int sign) { multiply_add(rows_of(r)[n], P, Index(1), before_[m], K, g_[r][out], K, C, K, p.columns, T(sign)); });
    for (int w = 0; w < Writes; ++w)
      for_conjugate_products<MP, SP, KP>([&](int m, int v, int out, int sign) { multiply_add(inputs_of(p, w)[v], P, Index(1), after_[m], K, u_[w][out], K, C, K, p.columns, T(sign)); });

    for (int part = 0; part < NP; ++part)
      for (Index j = 0; j < C; ++j) scaled(bars_.n[part] + j * P, e.row_weight[j], rows_[part] + j * P, P);
    for (int part = 0; part < MP; ++part) std::fill_n(delta[part], p.keys * P, T(0));
    const auto read = [&](T* const reads[2], T* const rows[2]) {
      for_conjugate_products<NP, KP, MP>([&](int n, int q, int out, int sign) { multiply_add(reads[q], Index(1), K, rows[n], P, delta[out], P, p.keys, P, C, T(sign)); });
    };
    read(e.reads, rows_);
    if constexpr (X.coupled) read(e.erased, erased_bar_);

    if constexpr (G != Gates::none || by_keys) for (Index a = 0; a < K; ++a) meet(p, before, mu, a);
    if constexpr (by_keys) by_key(p); else by_head(kernel, p, e);
    if constexpr (X.bonus) own_writes(kernel, p);
  }

 private:
  static constexpr int Reads = X.coupled ? 2 : 1, Writes = X.coupled && !X.one_write ? 2 : 1, SP = X.coupled ? MP : VP;
  static constexpr int AP = KP == 2 && (NP == 2 || SP == 2) ? 2 : 1;
  static constexpr bool by_keys = G == Gates::keys || X.coupled;
  static_assert(!X.coupled || NP == MP);
  using Pairs = KeyScores<T, OuterClass{}>;

  T* const* rows_of(int read) const { return read == 0 ? bars_.n : erased_bar_; }
  T* const* inputs_of(const ChunkPlanes<T>& p, int write) const {
    if constexpr (X.coupled) return in_[write]; else return p.v;
  }
  // The rows of value channels as a key side of their own.
  static ChunkPlanes<T> channels(const ChunkPlanes<T>& p) {
    ChunkPlanes<T> x = p;
    x.keys = p.columns, x.key_pitch = p.column_pitch;
    return x;
  }
  // A, without any decay; what lies above its diagonal is 0. Early reads see their own write through the bonus alone, which has terms of its own.
  void pair_up(const ChunkPlanes<T>& p) {
    const Index C = p.tokens, pitch = pairs_.pitch();
    for (int r = 0; r < Reads; ++r)
      for (int w = 0; w < Writes; ++w) {
        T* const* a = a_[r][w];
        for (int part = 0; part < AP; ++part) std::fill_n(a[part], C * pitch, T(0));
        for_conjugate_products<NP, SP, AP>([&](int n, int v, int out, int sign) { pairs_.add(channels(p), rows_of(r)[n], inputs_of(p, w)[v], nullptr, a[out], T(sign)); });
        for (int part = 0; part < AP; ++part) {
          clear_above(a[part], pitch, C);
          if (X.early && r == 0)
            for (Index j = 0; j < C; ++j) {
              const T own = std::exchange(a[part][j * pitch + j], T(0));
              if (w == 0) own_[part][j] = own;
            }
        }
      }
  }
  // The cotangents of what is written: through the memory after the chunk, and through the rows after the write.
  template <int Out> static void inputs(T* const writes[2], const ChunkPlanes<T>& p, T* const mu[2], T* const to[2], std::integral_constant<int, Out>) {
    const Index P = p.column_pitch;
    for (int part = 0; part < Out; ++part) std::fill_n(to[part], p.tokens * P, T(0));
    for_conjugate_products<MP, KP, Out>([&](int m, int k, int out, int sign) { multiply_add(writes[k], p.key_pitch, Index(1), mu[m], P, to[out], P, p.tokens, P, p.keys, T(sign)); });
  }
  template <int Out, class Scores> void through_rows(Scores&& scores, T* const rows[2], const ChunkPlanes<T>& p, T* const to[2], std::integral_constant<int, Out>, int by = 1) const {
    for_conjugate_products<NP, KP, Out>([&](int n, int s, int out, int sign) { add_upper(scores(s), pairs_.pitch(), rows[n], p.column_pitch, to[out], p.tokens, T(by * sign)); });
  }

  // What is written where a coupling erases: v - u in one write, or v and -u.
  void erase(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const before[2]) {
    const Index C = p.tokens, P = p.column_pitch, pitch = pairs_.pitch();
    const auto& coupling = kernel.coupling();
    const int by = X.one_write ? -1 : 1;
    for (int part = 0; part < SP; ++part) {
      if (part < VP) std::copy_n(p.v[part], C * P, in_[0][part]); else std::fill_n(in_[0][part], C * P, T(0));
      if (X.one_write) std::copy_n(in_[0][part], C * P, rows_[part]); else std::fill_n(rows_[part], C * P, T(0));
      std::fill_n(in_[Writes - 1][part], C * P, T(0));
    }
    for_plane_products<KP, MP>([&](int a, int m, int out, int sign) { multiply_add(e.erased[a], p.key_pitch, Index(1), before[m], P, rows_[out], P, C, P, p.keys, T(by * sign)); });
    if constexpr (!X.one_write)
      for_plane_products<KP, VP>([&](int s, int v, int out, int sign) { multiply_add_causal(coupling.erase_scores(s), pitch, p.v[v], P, rows_[out], P, C, P, T(sign)); });
    for_plane_products<KP, MP>([&](int x, int m, int out, int sign) { multiply_add_causal(coupling.inverse(x), pitch, rows_[m], P, in_[Writes - 1][out], P, C, P, T(-by * sign)); });
  }
  // The cotangents of u, as those of rows that the erases read; and of the inputs.
  void erase_bar(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e, T* const mu[2]) {
    const Index C = p.tokens, P = p.column_pitch;
    const auto& coupling = kernel.coupling();
    const auto scores = [&](int s) { return kernel.scores().plane(s); };
    constexpr std::integral_constant<int, MP> all{};
    constexpr std::integral_constant<int, VP> real{};
    inputs(e.coupled, p, mu, rows_, all);
    if constexpr (X.one_write) through_rows(scores, bars_.n, p, rows_, all);
    else {
      for (int part = 0; part < KP; ++part) clear_above(coupling.write_scores(part), pairs_.pitch(), C);
      through_rows([&](int s) { return coupling.write_scores(s); }, bars_.n, p, rows_, all);
    }
    for (int part = 0; part < MP; ++part) std::fill_n(erased_bar_[part], C * P, T(0));
    through_rows([&](int s) { return coupling.inverse(s); }, rows_, p, erased_bar_, all, -1);
    if constexpr (X.one_write)
      for (int part = 0; part < VP; ++part) for (Index n = 0; n < C * P; ++n) bars_.v[part][n] = -erased_bar_[part][n];
    else {
      inputs(e.writes, p, mu, bars_.v, real), through_rows(scores, bars_.n, p, bars_.v, real);
      through_rows([&](int s) { return coupling.erase_scores(s); }, erased_bar_, p, bars_.v, real);
    }
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
    const auto set = [](T* (&to)[2], T* const from[2]) { to[0] = from[0], to[1] = from[1]; };
    set(rows.q[0], p.q), set(rows.k[0], p.k), set(rows.q_bar[0], bars_.q), set(rows.k_bar[0], bars_.k), set(rows.decay_bar, bars_.gate), set(rows.x, x_);
    if constexpr (Reads == 2) set(rows.q[1], p.erase), set(rows.q_bar[1], bars_.erase);
    if constexpr (Writes == 2) set(rows.k[1], p.couple), set(rows.k_bar[1], bars_.couple);
    for (int r = 0; r < Reads; ++r) set(rows.g[r], g_[r]);
    for (int w = 0; w < Writes; ++w) {
      set(rows.u[w], u_[w]);
      for (int r = 0; r < Reads; ++r) set(rows.a[r][w], a_[r][w]);
    }
    decays_(rows);
  }
  void by_head(const Kernel& kernel, const ChunkPlanes<T>& p, const Ends& e) {
    const Index C = p.tokens, K = p.key_pitch, pitch = pairs_.pitch();
    T* const* a = a_[0][0];
    if constexpr (G == Gates::head) head_(kernel.weights(), p, e, a, own_, g_[0], u_[0], x_[0]);
    const T* end = kernel.weights().end(p);
    for (int part = 0; part < KP; ++part)
      for (Index j = 0; j < C; ++j) scaled(g_[0][part] + j * K, e.row_weight[j], bars_.q[part] + j * K, K), scaled(u_[0][part] + j * K, end[j], bars_.k[part] + j * K, K);
    for (int part = 0; part < AP; ++part) kernel.weights().apply(p, a[part], pitch);
    for_conjugate_products<AP, KP, KP>([&](int n, int k, int out, int sign) {
      multiply_add_causal(a[n], pitch, p.k[k], K, bars_.q[out], K, C, K, T(sign));
      add_upper(a[n], pitch, p.q[k], K, bars_.k[out], C, T(sign));
    });
  }
  // A bonus reads the own write: y_j += (q_j . own_j) v_j.
  void own_writes(const Kernel& kernel, const ChunkPlanes<T>& p) {
    for (int part = 0; part < KP; ++part) std::fill_n(bars_.own[part], p.tokens * p.key_pitch, T(0));
    for (Index j = 0; j < p.tokens; ++j)
      for_conjugate_products<AP, KP, KP>([&](int a, int k, int out, int sign) {
        const Index at = j * p.key_pitch;
        const T x = T(sign) * own_[a][j] * kernel.weights().row(p, j)[j];
        add_scaled(p.own[k] + at, x, bars_.q[out] + at, p.key_pitch), add_scaled(p.q[k] + at, x, bars_.own[out] + at, p.key_pitch);
      });
  }

  static constexpr ReadAt read_at = X.early ? ReadAt::before_decay : ReadAt::after_write, erase_at = X.erase_early ? ReadAt::before_decay : ReadAt::after_decay;
  using Decays = std::conditional_t<X.coupled, ScoresVjp<T, KP, AP, Writes, read_at, erase_at>, ScoresVjp<T, KP, AP, 1, read_at>>;
  struct Headless { Headless(Arena&, Index, Index) {} };
  Pairs pairs_;
  std::conditional_t<G == Gates::head, HeadVjp<T, X, KP, AP>, Headless> head_;
  Decays decays_;
  ChunkBars<T> bars_;
  T* decay_;
  T *a_[Reads][Writes][2] = {}, *g_[Reads][2] = {}, *u_[Writes][2] = {}, *in_[Writes][2] = {}, *erased_bar_[2] = {};
  T *before_[2] = {}, *after_[2] = {}, *rows_[2] = {}, *x_[2] = {}, *own_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
