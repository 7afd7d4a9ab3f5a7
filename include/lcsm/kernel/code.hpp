// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/finish.hpp>
#include <lcsm/call/state.hpp>
#include <lcsm/simd/math.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The memory of one head whose Expand is a code: rows of value channels, touched one at a time.
template <class M, class T> struct CodeMemory {
  using Shape = StateShape<M>;
  Index rows = 0, values = 0, pitch = 0;
  T *m = nullptr, *z = nullptr;
  double *touched = nullptr, *touched_rest = nullptr, *clock = nullptr, *clock_rest = nullptr;

  // A part of a state.
  template <class U> static CodeMemory of(const StateView<U>& s, const Run& run) {
    CodeMemory x;
    x.rows = run.extent.keys, x.values = run.extent.values, x.pitch = s.m.stride[3];
    const auto at = [&](const auto& v, Index r) {
      return v.data ? const_cast<std::remove_const_t<typename std::remove_cvref_t<decltype(v)>::element>*>(v.data) +
                          v.offset(run.sequence, 0, run.head, r, 0)
                    : nullptr;
    };
    x.m = at(s.m, 0), x.z = at(s.z, 0);
    if constexpr (Shape::lazy) x.touched = at(s.touched, 0), x.touched_rest = at(s.touched, 1), x.clock = at(s.clock, 0), x.clock_rest = at(s.clock, 1);
    return x;
  }
  // Scratch of its own.
  static CodeMemory in(Arena& arena, Index rows, Index values) {
    CodeMemory x;
    x.rows = rows, x.values = values, x.pitch = round_up(values, 64 / Index(sizeof(T)));
    x.m = arena.take<T>(rows * x.pitch), x.z = arena.take<T>(Shape::has_z ? rows : 0);
    x.touched = arena.take<double>(Shape::lazy ? rows : 0), x.touched_rest = arena.take<double>(Shape::lazy ? rows : 0);
    x.clock = arena.take<double>(1), x.clock_rest = arena.take<double>(1);
    return x;
  }

  T* row(Index a) const { return m + a * pitch; }
  Clock now() const { return Shape::lazy ? Clock{*clock, *clock_rest} : Clock{}; }
  void now(const Clock& x) const { if constexpr (Shape::lazy) *clock = x.sum, *clock_rest = x.rest; }
  Clock when(Index a) const { return Shape::lazy ? Clock{touched[a], touched_rest[a]} : Clock{}; }
  void touch(Index a, const Clock& x) const { if constexpr (Shape::lazy) touched[a] = x.sum, touched_rest[a] = x.rest; }
  // What a decay still owes to a row at time x.
  T owed(Index a, const Clock& x) const { if constexpr (Shape::lazy) return static_cast<T>(math::exp(x.since(when(a)))); else return T(1); }

  void clear_row(Index a) const {
    std::fill_n(row(a), values, T(0));
    if constexpr (Shape::has_z) z[a] = T(0);
    touch(a, now());
  }
  void copy_row(Index a, const CodeMemory& other, Index b) const {
    std::copy_n(other.row(b), values, row(a));
    if constexpr (Shape::has_z) z[a] = other.z[b];
    touch(a, other.when(b));
  }
  void clear() const {
    now(Clock{});
    for (Index a = 0; a < rows; ++a) clear_row(a);
  }
  // The whole of another, O(K D); nothing at all if it is the same memory.
  void copy_from(const CodeMemory& other) const {
    if (m == other.m) return;
    now(other.now());
    for (Index a = 0; a < rows; ++a) copy_row(a, other, a);
  }
  // Every row as of now, with the clock set back.
  void settle() const {
    if constexpr (Shape::lazy) {
      for (Index a = 0; a < rows; ++a) {
        const T scale = owed(a, now());
        for (Index c = 0; c < values; ++c) row(a)[c] *= scale;
        if constexpr (Shape::has_z) z[a] *= scale;
        touch(a, Clock{});
      }
      now(Clock{});
    }
  }
};

// Which memory row each token writes and reads: codes, or places in a sparse memory. -1: none.
struct CodeRows {
  Index *write, *read;
  CodeRows(Arena& arena, Index tokens) : write(arena.take<Index>(tokens)), read(arena.take<Index>(tokens)) {}

  // Codes outside of [0, K) do not come through the door of a call; a step must not follow them.
  template <class M, class In> void fill(const In& in, const Run& run, Index first, Index count) const {
    fill_one<typename M::expand>(write, in, run, first, count);
    if constexpr (M::shrink::one_hot) fill_one<typename M::shrink>(read, in, run, first, count);
  }

 private:
  template <class S, class In> static void fill_one(Index* out, const In& in, const Run& run, Index first, Index count) {
    S::for_each_term([&]<class Each>(std::type_identity<Each>) {
      if constexpr (code_rule::is_code<Each>())
        for (Index j = 0; j < count; ++j) {
          const Index code = Each::leaf::code(in, run, first + j);
          out[j] = code >= 0 && code < run.extent.keys ? code : -1;
        }
    });
  }
};

// The recurrence over rows: a token scatters one row and gathers one, O(D). The one body behind step, recurrent and scan, so they agree to the bit.
template <class M, class T> class CodeBody {
  static constexpr bool lazy = is_lazy<M>, quotient = M::normaliser::quotient, early = M::readout::previous, gathers = M::shrink::one_hot;

 public:
  template <class Out> void advance(const Tiles<M, T>& tile, const CodeRows& codes, Index count, const CodeMemory<M, T>& memory, const Out& out) const {
    Clock now = memory.now();
    for (Index j = 0; j < count; ++j) {
      const auto y = out(j);
      if constexpr (early) read(tile, codes, j, memory, now, y);
      if constexpr (lazy) now.advance(double(tile.o.template log<T>(j, 0, 0)));
      if (codes.write[j] >= 0) write(tile, j, codes.write[j], memory, now);
      if constexpr (!early) read(tile, codes, j, memory, now, y);
    }
    memory.now(now);
  }

  // What token j writes into value channel c, and into the denominators.
  template <class V> LCSM_INLINE static V written(const Tiles<M, T>& tile, Index j, Index c) {
    return tile.e.template times<V, axes::channel>(tile.template input<V>(j, c), j, 0, c);
  }
  static T weight(const Tiles<M, T>& tile, Index j) { return tile.e.template times<T, Axes::one>(T(1), j, 0, 0); }

 private:
  void write(const Tiles<M, T>& tile, Index j, Index a, const CodeMemory<M, T>& memory, const Clock& now) const {
    const T scale = memory.owed(a, now);
    T* row = memory.row(a);
    for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) {
      const V m = simd::load<V>(row + c), x = written<V>(tile, j, c);
      if constexpr (lazy) simd::store(row + c, simd::fma(m, V(scale), x)); else simd::store(row + c, V(m + x));
    });
    if constexpr (quotient) {
      if constexpr (lazy) memory.z[a] = simd::fma(memory.z[a], scale, weight(tile, j)); else memory.z[a] += weight(tile, j);
    }
    memory.touch(a, now);
  }

  template <class Y> void read([[maybe_unused]] const Tiles<M, T>& tile, [[maybe_unused]] const CodeRows& codes, [[maybe_unused]] Index j,
                               [[maybe_unused]] const CodeMemory<M, T>& memory, [[maybe_unused]] const Clock& now, [[maybe_unused]] const Y& y) const {
    if constexpr (std::is_same_v<Y, Nowhere>) return;
    else if constexpr (gathers) {
      const Index a = codes.read[j];
      if (a < 0) return for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) { y.put(c, V(T(0))); });
      const T scale = memory.owed(a, now), z = quotient ? memory.z[a] * scale : T(0);
      const T* row = memory.row(a);
      for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) {
        put<V>(tile, j, y, c, V(simd::load<V>(row + c) * V(scale)), V(z));
      });
    } else {
      for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) {
        V numerator = map::constant<V>(0), denominator = numerator;
        for (Index a = 0; a < memory.rows; ++a) {
          const V s = tile.s.template times<V>(map::constant<V>(1), j, a, c);
          numerator = simd::fma(s, simd::load<V>(memory.row(a) + c), numerator);
          if constexpr (quotient) denominator = simd::fma(s, V(memory.z[a]), denominator);
        }
        finish(tile, j, y, c, numerator, denominator, map::constant<V>(0));
      });
    }
  }

 public:
  // The channel side of a gathered read, and what comes after it.
  template <class V, class Y>
  LCSM_INLINE static void put(const Tiles<M, T>& tile, Index j, const Y& y, Index c, V numerator, V denominator) {
    if constexpr (quotient) denominator = tile.s.template times<V, axes::channel>(denominator, j, 0, c);
    finish(tile, j, y, c, V(tile.s.template times<V, axes::channel>(numerator, j, 0, c)), denominator, map::constant<V>(0));
  }
};

// Applies what the decay still owes to every row, O(K D), so that m and z can be read off; the meaning of the state stays.
template <class M, class T> void settle(State<M, T>& state) {
  if constexpr (is_lazy<M>) {
    const Extent n{state.sequences(), 0, state.heads(), state.keys(), state.values()};
    for (Index s = 0; s < n.sequences; ++s)
      for (Index h = 0; h < n.heads; ++h) CodeMemory<M, T>::of(state.view(), Run{.extent = n, .time = {}, .batch = s, .head = h, .sequence = s}).settle();
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
