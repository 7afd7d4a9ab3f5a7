// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/cotangents.hpp>
#include <lcsm/call/gradients.hpp>
#include <lcsm/kernel/code_map.hpp>
#include <lcsm/kernel/gate_tree.hpp>
#include <lcsm/kernel/memory.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of the recurrence over rows, one head of one sequence: time walked backwards, a token gathers the cotangents of the row that it has written and
// scatters those of the row that it has read, O(D + log T) whatever the number of codes. A row's cotangents are decayed when they are next touched.
//
// On the way forwards every token keeps the row that it leaves, T D numbers, and of both its rows which token wrote them last: until a row is written again
// it is decayed and nothing else. So the cotangent of a gate, a sum over all rows of memory times cotangent, is that over the reads and writes whose rows have
// been decayed by it on the way from the write before, one inner product for each (gate_tree.hpp).
template <class M, class T> class CodeVjp {
  static constexpr bool lazy = is_lazy<M>, quotient = M::normaliser::quotient, early = M::readout::previous;
  // Whether anything but the memory's cotangents is told of what has been read: gates, factors of Shrink, denominators.
  static constexpr bool keeps = lazy || quotient || M::shrink::terms > 1;

 public:
  // has_states: cotangents of states are given or wanted. Every row has some then; else those that are touched, where they are fewer.
  CodeVjp(Arena& arena, const Extent& n, const Tuning& tuning, bool has_states) : CodeVjp(arena, n, (std::max<Index>)(n.tokens, 1), tuning.chunk, has_states || 2 * n.tokens >= n.keys) {}

  // row(t): the cotangents of the outputs of token t of the sequence.
  template <class In, class To, class RowOf>
  void head(const In& in, const Run& run, RowOf&& row, const StateView<const T>& initial, const StateCotangents<T>& states, To& to) {
    initial_ = initial ? CodeMemory<M, T>::of(initial, run) : CodeMemory<M, T>{};
    tile_.begin(in, run), bars_.begin();
    locate(in, run);
    if constexpr (keeps) forward(in, run);
    load_bar(states.final, run);
    backward(in, run, to, row);
    bars_.end(tile_, in, to, run);
    store_bar(states.initial, run);
  }

 private:
  CodeVjp(Arena& arena, const Extent& n, Index tokens, Index block, bool dense)
      : block_((std::min)(block, tokens)), dense_(dense), tile_(arena, n, block_), bars_(arena, n, block_), codes_(arena, tokens), map_(arena, dense ? 0 : 2 * tokens),
        gates_(arena, lazy ? tokens : 0), bar_(Memory<M, T>::in(arena, dense ? n.keys : 2 * tokens, n.values)), kept_(Memory<M, T>::in(arena, keeps ? tokens : 0, n.values)),
        zeros_(arena.take<T>(n.values)), touched_(arena.take<Index>(bar_.keys)), last_(arena.take<Index>(keeps ? bar_.keys : 0)), written_(arena.take<Index>(keeps ? tokens : 0)),
        read_(arena.take<Index>(keeps ? tokens : 0)) {}

  // The decay from one time to another: time t is that before token t.
  double decay([[maybe_unused]] Index from, [[maybe_unused]] Index to) const {
    if constexpr (lazy) return gates_.product(from, to); else return 1;
  }
  // Where a row comes from: the token that wrote it last, the initial state, or nothing. `scale`: of what the state's own clock owes.
  struct From {
    const T* row;
    T z;
    double scale;
    Index time;
  };
  From from(Index token, Index place) const {
    const auto z = [](const T* all, Index a) { return quotient ? all[a] : T(0); };
    if (token >= 0) return {kept_.m + token * kept_.row, z(kept_.z, token), 1, token + 1};
    if (!initial_.m) return {zeros_, T(0), 1, 0};
    const Index a = dense_ ? place : map_.code(place);
    return {initial_.row(a), z(initial_.z, a), double(initial_.owed(a, initial_.now())), 0};
  }

  // Codes as places among the rows of cotangents.
  template <class In> void locate(const In& in, const Run& run) {
    const Index tokens = run.time.length;
    codes_.template fill<M>(in, run, 0, tokens);
    if (dense_) return;
    map_.clear();
    const auto place = [&](Index code) { return map_.place(code, [](Index) {}); };
    for (Index t = 0; t < tokens; ++t) codes_.write[t] = place(codes_.write[t]), codes_.read[t] = place(codes_.read[t]);
    bar_.keys = map_.size();
  }
  template <class In> void forward(const In& in, const Run& run) {
    const Index tokens = run.time.length;
    if constexpr (lazy) {
      gates_.begin(tokens);
      for (Index first = 0; first < tokens; first += block_) {
        const Index count = (std::min)(block_, tokens - first);
        tile_.o.fill(in, run, first, count);
        for (Index j = 0; j < count; ++j) gates_.set(first + j, math::exp(double(tile_.o.template log<T>(j, 0, 0))));
      }
      gates_.build();
    }
    std::fill_n(zeros_, kept_.values, T(0)), std::fill_n(last_, bar_.keys, Index(-1));
    for (Index first = 0; first < tokens; first += block_) {
      const Index count = (std::min)(block_, tokens - first);
      tile_.fill(in, run, first, count);
      for (Index j = 0; j < count; ++j) keep(j, first + j);
    }
  }
  void keep(Index j, Index t) {
    const Index place = codes_.write[t];
    const auto reads = [&] { read_[t] = last_[codes_.read[t]]; };
    if constexpr (early) reads();
    const From x = from(last_[place], place);
    const T scale = static_cast<T>(x.scale * decay(x.time, t + 1));
    T* row = kept_.m + t * kept_.row;
    for_lanes<T>(kept_.values, [&]<class V>(std::type_identity<V>, Index c) {
      simd::store(row + c, simd::fma(simd::load<V>(x.row + c), V(scale), CodeBody<M, T>::template written<V>(tile_, j, c)));
    });
    if constexpr (quotient) kept_.z[t] = simd::fma(x.z, scale, CodeBody<M, T>::weight(tile_, j));
    written_[t] = last_[place], last_[place] = t;
    if constexpr (!early) reads();
  }

  // The cotangents of the final state: those of a gate get their products with the rows that arrived there.
  void load_bar(const StateView<const T>& final, const Run& run) {
    const Index tokens = run.time.length;
    std::fill_n(touched_, bar_.keys, tokens);
    if (!final) return bar_.zero();
    bar_.copy_from(Memory<M, const T>::of(final, run));
    if constexpr (lazy) {
      double still = 0;                                     // rows that nobody has written
      for (Index a = 0; a < bar_.keys; ++a) {
        const From x = from(last_[a], a);
        double along = quotient ? double(x.z) * double(bar_.z[quotient ? a : 0]) : 0.0;
        for (Index c = 0; c < bar_.values; ++c) along += double(x.row[c]) * double(bar_.m[a * bar_.row + c]);
        if (x.time == 0) still += x.scale * along; else gates_.add(x.time, tokens, along);
      }
      gates_.add(0, tokens, still);
    }
  }
  void store_bar(const StateView<T>& initial, const Run& run) const {
    if (!initial) return;
    const auto out = Memory<M, T>::of(initial, run);
    for (Index a = 0; a < bar_.keys; ++a) {
      const T scale = owed(a, 0);
      for (Index c = 0; c < bar_.values; ++c) out.m[a * out.row + c] = bar_.m[a * bar_.row + c] * scale;
      if constexpr (quotient) out.z[a] = bar_.z[a] * scale;
    }
  }
  // What a decay owes to a row's cotangents at an earlier time.
  T owed(Index place, Index time) const { return static_cast<T>(decay(time, touched_[place])); }

  template <class In, class To, class RowOf> void backward(const In& in, const Run& run, To& to, RowOf&& row) {
    for (Index first = round_up(run.time.length, block_) - block_; first >= 0; first -= block_) {
      const Index count = (std::min)(block_, run.time.length - first);
      tile_.fill(in, run, first, count), bars_.start(count);
      for (Index j = count - 1; j >= 0; --j) {
        const Index t = first + j;
        if constexpr (!early) read(j, t, t + 1, row(t));
        write(j, t);
        if constexpr (lazy) bars_.o.template add<T>(tile_.o, j, 0, 0, static_cast<T>(gates_.take(t)));
        if constexpr (early) read(j, t, t, row(t));
      }
      bars_.flush(tile_, in, to, run, first, count);
    }
  }
  // Token j of the block, t of the sequence, has read at a time.
  template <class Row> void read(Index j, Index t, Index time, const Row& y_bar) {
    const Index place = codes_.read[t];
    const T owes = owed(place, time);
    const From x = keeps ? from(read_[keeps ? t : 0], place) : From{};
    [[maybe_unused]] const T scale = keeps ? static_cast<T>(x.scale * decay(x.time, time)) : T(0), z = x.z * scale;
    T* bar = bar_.m + place * bar_.row;
    [[maybe_unused]] T along = T(0), z_bar = T(0);
    for_lanes<T>(bar_.values, [&]<class V>(std::type_identity<V>, Index c) {
      const V y = y_bar.template output<V>(c).first, s = tile_.s.template times<V, axes::channel>(map::constant<V>(1), j, 0, c);
      V n_bar = y * map::constant<V>(M::projection::scale);
      if constexpr (M::skip::present) {
        bars_.d.add(j, 0, c, y * tile_.i_re.template load<V>(j, 0, c));
        bars_.template add_input<V>(j, c, V(y * tile_.d.template load<V>(j, 0, c)));
      }
      if constexpr (keeps) {
        const V row = simd::load<V>(x.row + c);
        V s_bar = row * V(scale);
        if constexpr (quotient) {
          const V p = map::constant<V>(0), d = s * V(z), divisor = M::normaliser::guard::apply(d, p);
          n_bar = n_bar / divisor;
          const V d_bar = simd::minus(s * s_bar * n_bar / divisor) * M::normaliser::guard::slopes(d, p).d;
          s_bar = s_bar * n_bar + V(z) * d_bar, z_bar += simd::sum(s * d_bar);
        } else s_bar = s_bar * n_bar;
        bars_.s.template add<V, axes::channel>(tile_.s, j, 0, c, s_bar);
        if constexpr (lazy) along += simd::sum(row * (s * n_bar));
      }
      simd::store(bar + c, simd::fma(simd::load<V>(bar + c), V(owes), V(s * n_bar)));
    });
    if constexpr (quotient) bar_.z[place] = simd::fma(bar_.z[place], owes, z_bar), along += x.z * z_bar;
    if constexpr (lazy) gates_.add(x.time, time, x.scale * double(along));
    touched_[place] = time;
  }
  void write(Index j, Index t) {
    const Index place = codes_.write[t];
    const T owes = owed(place, t + 1);
    const From x = lazy ? from(written_[lazy ? t : 0], place) : From{};
    T* bar = bar_.m + place * bar_.row;
    [[maybe_unused]] T along = T(0);
    for_lanes<T>(bar_.values, [&]<class V>(std::type_identity<V>, Index c) {
      const V m_bar = simd::load<V>(bar + c) * V(owes);
      simd::store(bar + c, m_bar);
      bars_.template add_input<V>(j, c, V(tile_.e.template times<V, axes::channel>(m_bar, j, 0, c)));
      bars_.e.template add<V, axes::channel>(tile_.e, j, 0, c, V(tile_.template input<V>(j, c) * m_bar));
      if constexpr (lazy) along += simd::sum(simd::load<V>(x.row + c) * m_bar);
    });
    if constexpr (quotient) {
      bar_.z[place] *= owes;
      bars_.e.template add<T, Axes::one>(tile_.e, j, 0, 0, bar_.z[place]);
      if constexpr (lazy) along += x.z * bar_.z[place];
    }
    if constexpr (lazy) gates_.add(x.time, t + 1, x.scale * double(along));
    touched_[place] = t + 1;
  }

  Index block_;
  bool dense_;
  Tiles<M, T> tile_;
  Cotangents<M, T> bars_;
  CodeRows codes_;
  CodeMap map_;
  GateTree gates_;
  Memory<M, T> bar_, kept_;
  T* zeros_;
  Index *touched_, *last_, *written_, *read_;
  CodeMemory<M, T> initial_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
