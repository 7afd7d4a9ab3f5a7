// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/code_map.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A chunk of tokens at once. The weight of token l in the output of token j is [code_j = code_l] times the decay from l to j, so a read sums over
// the earlier tokens of its code, which hang on a list, and the memory row of that code as it was before the chunk. Each row written is updated once.
template <class M, class T> class CodeChunk {
  static constexpr bool lazy = is_lazy<M>, quotient = M::normaliser::quotient, early = M::readout::previous;
  using Body = CodeBody<M, T>;

 public:
  CodeChunk(Arena& arena, Index tokens)
      : map_(arena, 2 * tokens), now_(arena.take<Clock>(tokens + 1)), last_(arena.take<Index>(2 * tokens)), previous_(arena.take<Index>(tokens)),
        term_(arena.take<Index>(tokens)), decay_(arena.take<T>(tokens)) {}

  template <class Out> void advance(const Tiles<M, T>& tile, const CodeRows& codes, Index count, const CodeMemory<M, T>& memory, const Out& out) {
    map_.clear();
    now_[0] = memory.now();
    for (Index j = 0; j < count; ++j) {
      now_[j + 1] = now_[j];
      if constexpr (lazy) now_[j + 1].advance(double(tile.o.template log<T>(j, 0, 0)));
    }
    for (Index j = 0; j < count; ++j) {
      if constexpr (early) read(tile, codes.read[j], j, now_[j], memory, out(j));
      const Index place = list_of(codes.write[j]);
      previous_[j] = last_[place], last_[place] = j;
      if constexpr (!early) read(tile, codes.read[j], j, now_[j + 1], memory, out(j));
    }
    for (Index place = 0; place < map_.size(); ++place)
      if (last_[place] >= 0) update(tile, map_.code(place), last_[place], now_[count], memory);
    memory.now(now_[count]);
  }

 private:
  Index list_of(Index row) { return map_.place(row, [&](Index place) { last_[place] = -1; }); }
  // The tokens of a list, newest first, and the decay of each up to a time.
  Index terms(Index newest, const Clock& time) {
    Index n = 0;
    for (Index l = newest; l >= 0; l = previous_[l], ++n) term_[n] = l, decay_[n] = lazy ? static_cast<T>(math::exp(time.since(now_[l + 1]))) : T(1);
    return n;
  }
  // The memory row and the terms, oldest first, for the lanes at value channel c and the N - 1 vectors after it: use(c, sum).
  template <class V, int N, class Use> LCSM_INLINE void add_up(const Tiles<M, T>& tile, Index n, Index c, const T* row, T owed, Use&& use) const {
    constexpr Index W = simd::width<V>;
    V sum[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) {
      sum[i] = simd::load<V>(row + c + i * W);
      if constexpr (lazy) sum[i] = sum[i] * V(owed);
    }
    for (Index k = n; k-- > 0;) {
      const Index l = term_[k];
      const V decay(decay_[k]);
#pragma GCC unroll 8
      for (int i = 0; i < N; ++i) {
        const V x = Body::template written<V>(tile, l, c + i * W);
        if constexpr (lazy) sum[i] = simd::fma(decay, x, sum[i]); else sum[i] = sum[i] + x;
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) use(c + i * W, sum[i]);
  }
  // In wide blocks of channels: the terms of a list lie far apart.
  template <class Use> void row_sums(const Tiles<M, T>& tile, Index n, Index values, const T* row, T owed, Use&& use) const {
    constexpr Index wide = 8 * simd::width<Batch<T>>;
    Index c = 0;
    for (; c + wide <= values; c += wide) add_up<Batch<T>, 8>(tile, n, c, row, owed, use);
    for_lanes<T>(values - c, [&]<class V>(std::type_identity<V>, Index rest) { add_up<V, 1>(tile, n, c + rest, row, owed, use); });
  }
  T weight_sum(const Tiles<M, T>& tile, Index n, T z, T owed) const {
    T sum = z * owed;
    for (Index k = n; k-- > 0;) sum = simd::fma(decay_[k], Body::weight(tile, term_[k]), sum);
    return sum;
  }
  template <class Y> void read(const Tiles<M, T>& tile, Index row, Index j, const Clock& time, const CodeMemory<M, T>& memory, const Y& y) {
    const Index n = terms(last_[list_of(row)], time);
    const T owed = memory.owed(row, time), z = quotient ? weight_sum(tile, n, memory.z[quotient ? row : 0], owed) : T(0);
    row_sums(tile, n, memory.values, memory.row(row), owed, [&]<class V>(Index c, V sum) { Body::template put<V>(tile, j, y, c, sum, V(z)); });
  }
  void update(const Tiles<M, T>& tile, Index row, Index newest, const Clock& time, const CodeMemory<M, T>& memory) {
    const Index n = terms(newest, time);
    const T owed = memory.owed(row, time);
    T* m = memory.row(row);
    row_sums(tile, n, memory.values, m, owed, [&]<class V>(Index c, V sum) { simd::store(m + c, sum); });
    if constexpr (quotient) memory.z[row] = weight_sum(tile, n, memory.z[row], owed);
    memory.touch(row, time);
  }

  CodeMap map_;
  Clock* now_;
  Index *last_, *previous_, *term_;
  T* decay_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
