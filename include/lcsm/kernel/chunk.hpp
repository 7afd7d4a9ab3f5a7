// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/finish.hpp>
#include <lcsm/kernel/memory.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What a chunk kernel must know of a mixer: a class of structures, so that the matrix-product kernels are instantiated per class and type and
// not per mixer.
//
// Magnitudes decay, phases turn. A decay is only ever multiplied from the write onward (no quotient of cumulative products, so a closed gate
// is exact and nothing overflows); a phase or a sign has modulus 1 and is folded into both ends, read and write, of the chunk.
struct OuterClass {
  bool key_complex = false;       // reads and writes have two planes
  bool value_complex = false;     // inputs and outputs have two planes
  bool key_decay = false;         // a multiplier per key
  bool one_decay = false;         // one per head
  bool value_decay = false;       // one per value channel
  bool scaled = false;            // running maximum: logs of the channel side
  bool channel_scale = false;     // one maximum per value channel
  bool early = false;             // reads the previous memory
  bool bonus = false;             // and its own write, weighted
  bool channel_bonus = false;     // with a weight per value channel
  int ones = 0;                   // denominators: none, 1 one per head, 2 one per value channel

  constexpr bool per_channel() const { return value_decay || channel_scale || channel_bonus; }   // weights within a chunk differ by channel
  constexpr bool memory_complex() const { return key_complex || value_complex; }
  friend constexpr bool operator==(const OuterClass&, const OuterClass&) = default;
};

template <class S> constexpr bool has_term(Plane plane, Axes only) {
  bool found = false;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::plane == plane && within(Each::axes, only)); });
  return found;
}
template <class S> constexpr bool complex_within(Axes only) {
  bool found = false;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::domain == Domain::complex && within(Each::axes, only)); });
  return found;
}

template <class M> constexpr OuterClass outer_class() {
  using O = typename M::oscillation;
  constexpr Axes key_side = Axes::one | Axes::key;
  OuterClass x;
  x.key_complex = complex_within<typename M::expand>(key_side) || complex_within<typename M::shrink>(key_side) || complex_within<O>(key_side);
  x.value_complex = complex_within<typename M::expand>(Axes::value) || complex_within<typename M::shrink>(Axes::value) || complex_within<O>(Axes::value) || M::input::domain == Domain::complex;
  x.key_decay = has_term<O>(Plane::log, Axes::key) || M::normaliser::mean;
  x.one_decay = has_term<O>(Plane::log, Axes::one) && !M::normaliser::mean;
  x.value_decay = has_term<O>(Plane::log, Axes::value);
  x.scaled = M::stabiliser::scaled;
  x.channel_scale = x.scaled && M::scale_per_channel;
  x.early = M::readout::previous, x.bonus = M::readout::bonus;
  x.channel_bonus = overlaps(M::weight::axes, Axes::value);
  x.ones = !M::normaliser::quotient ? 0 : M::denominator_per_channel ? 2 : 1;
  return x;
}
// A running maximum over logs of the key axis has no common scale for the rows of a chunk, and a bonus under turning value channels sees
// two frames at once: such mixers run their chunks token by token.
template <class M> inline constexpr bool outer_kernel = M::factors && !M::coupled && !(M::stabiliser::scaled && overlaps(M::log_axes, Axes::key)) &&
    !(M::readout::bonus && (has_term<typename M::oscillation>(Plane::phase, Axes::value) || has_term<typename M::oscillation>(Plane::factor, Axes::value)));

// The planes of a chunk of one head: plain numbers, rows padded to whole vectors (padding is 0).
template <class T> struct ChunkPlanes {
  Index tokens = 0, keys = 0, values = 0, columns = 0;      // columns: values, then the denominators' ones
  Index key_pitch = 0, value_pitch = 0, column_pitch = 0;
  T *q[2] = {}, *k[2] = {};                                 // reads and writes, turned into the frame of the chunk's start
  T* own[2] = {};                                           // writes as the bonus sees them
  T* v[2] = {};                                             // inputs, weighted by the channel side of the write
  T *out[2] = {};                                           // channel side of the read, null where it is 1
  T *key_decay = nullptr, *one_decay = nullptr, *value_decay = nullptr;
  T *one_log = nullptr, *one_write = nullptr, *one_own = nullptr;          // scaled: logs of decay, write, bonus
  T *value_log = nullptr, *value_write = nullptr, *value_own = nullptr;
  T* own_value = nullptr;                                   // bonus: factor per value channel
  T* turn[2] = {};                                          // the chunk's whole turn per key
  T* value_turn[2] = {};                                    // and per value channel

  template <class M> static ChunkPlanes make(Arena& arena, const Extent& n, Index tokens) {
    constexpr OuterClass X = outer_class<M>();
    constexpr Index W = simd::width<Batch<T>>;
    ChunkPlanes p;
    p.keys = n.keys, p.values = n.values, p.columns = n.values + (X.ones == 1 ? 1 : X.ones == 2 ? n.values : 0);
    p.key_pitch = round_up(n.keys, W), p.value_pitch = round_up(n.values, W), p.column_pitch = round_up(p.columns, W);
    const Index keys = tokens * p.key_pitch, values = tokens * p.value_pitch, columns = tokens * p.column_pitch;
    for (int part = 0; part < (X.key_complex ? 2 : 1); ++part) {
      p.q[part] = arena.take<T>(keys), p.k[part] = arena.take<T>(keys), p.own[part] = arena.take<T>(X.bonus ? keys : 0);
      p.turn[part] = arena.take<T>(p.key_pitch);
    }
    for (int part = 0; part < (X.value_complex ? 2 : 1); ++part) {
      p.v[part] = arena.take<T>(columns), p.out[part] = arena.take<T>(values), p.value_turn[part] = arena.take<T>(p.value_pitch);
    }
    p.key_decay = arena.take<T>(X.key_decay ? keys : 0), p.one_decay = arena.take<T>(tokens), p.value_decay = arena.take<T>(X.value_decay ? values : 0);
    const Index one_logs = X.scaled ? tokens : 0, value_logs = X.channel_scale ? values : 0;
    p.one_log = arena.take<T>(one_logs), p.one_write = arena.take<T>(one_logs), p.one_own = arena.take<T>(one_logs);
    p.value_log = arena.take<T>(value_logs), p.value_write = arena.take<T>(value_logs), p.value_own = arena.take<T>(value_logs);
    p.own_value = arena.take<T>(X.channel_bonus ? values : 0);
    return p;
  }
};

// A chunk brought to its ends: what other chunks and the memory see of it.
template <class T> struct ChunkEnds {
  T* reads[2] = {};             // q, decayed from the chunk's start
  T* writes[2] = {};            // k, decayed to the chunk's end
  T* inputs[2] = {};            // v, weighted to the chunk's end
  T* key_total = nullptr;       // the chunk's whole decay per key
  T* row_weight = nullptr;      // what a row makes of what was before the chunk: one per row, or a row of value channels
  T* total = nullptr;           // the chunk's weight for what was before it: one number, or a row of value channels
  T* scale = nullptr;           // RunningMax: log scale of each row, and in row `tokens` of the chunk's end, relative to the scale before it

  template <OuterClass X> static ChunkEnds make(Arena& arena, const ChunkPlanes<T>& p, Index tokens) {
    ChunkEnds e;
    for (int part = 0; part < (X.key_complex ? 2 : 1); ++part) e.reads[part] = arena.take<T>(tokens * p.key_pitch), e.writes[part] = arena.take<T>(tokens * p.key_pitch);
    for (int part = 0; part < (X.value_complex ? 2 : 1); ++part) e.inputs[part] = arena.take<T>(tokens * p.column_pitch);
    e.key_total = arena.take<T>(p.key_pitch);
    e.row_weight = arena.take<T>(tokens * (X.per_channel() ? p.value_pitch : 1)), e.total = arena.take<T>(X.per_channel() ? p.value_pitch : 1);
    e.scale = arena.take<T>(X.scaled ? (tokens + 1) * (X.channel_scale ? p.value_pitch : 1) : 0);
    return e;
  }
};

// Fills the planes of a chunk from a mixer's tiles: the one place where a chunk kernel meets a mixer's types.
template <class M, class T> class ChunkPacker {
  static constexpr OuterClass X = outer_class<M>();
  static constexpr Axes key_side = Axes::one | Axes::key;
  static constexpr bool weighs = Tiles<M, T>::weighs;
  using O = typename M::oscillation;
  static constexpr bool key_turns = has_term<O>(Plane::phase, Axes::one | Axes::key), value_turns = has_term<O>(Plane::phase, Axes::value);
  static constexpr bool key_signs = has_term<O>(Plane::factor, Axes::one | Axes::key), value_signs = has_term<O>(Plane::factor, Axes::value);
  static constexpr bool bends = key_turns || key_signs, value_bends = value_turns || value_signs;

 public:
  // Whether the channel side of the read is anything but 1.
  static constexpr bool has_out = has_within<typename M::shrink>(Axes::value) || value_bends;

  ChunkPacker(Arena& arena, const Extent& n)
      : angle_(arena.take<double>(key_turns ? n.keys : 0)), sign_(arena.take<T>(key_signs ? n.keys : 0)), value_angle_(arena.take<double>(value_turns ? n.values : 0)),
        value_sign_(arena.take<T>(value_signs ? n.values : 0)) {}

  // weight: the log weights of a Mean before the chunk, carried on; else unused.
  void pack(const Tiles<M, T>& tile, Index count, ChunkPlanes<T>& p, double* weight) const {
    p.tokens = count;
    start(p);
    for (Index j = 0; j < count; ++j) {
      // An early read sees the memory before this token's turn.
      if constexpr (X.early) read(tile, j, p);
      turn(tile, j, p);
      if constexpr (!X.early) read(tile, j, p);
      write(tile, j, p, weight);
      channel(tile, j, p);
    }
    end(p);
  }

 private:
  void start(ChunkPlanes<T>& p) const {
    if constexpr (key_turns) std::fill_n(angle_, p.keys, 0.0);
    if constexpr (key_signs) std::fill_n(sign_, p.keys, T(1));
    if constexpr (value_turns) std::fill_n(value_angle_, p.values, 0.0);
    if constexpr (value_signs) std::fill_n(value_sign_, p.values, T(1));
  }
  void turn(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    if constexpr (key_turns) for (Index a = 0; a < p.keys; ++a) angle_[a] += double(tile.o.template phase<T, key_side>(j, a, 0));
    if constexpr (key_signs) for (Index a = 0; a < p.keys; ++a) sign_[a] = factor_only(tile, sign_[a], j, a, 0, std::integral_constant<Axes, key_side>{});
    if constexpr (value_turns) for (Index c = 0; c < p.values; ++c) value_angle_[c] += double(tile.o.template phase<T, Axes::value>(j, 0, c));
    if constexpr (value_signs) for (Index c = 0; c < p.values; ++c) value_sign_[c] = factor_only(tile, value_sign_[c], j, 0, c, std::integral_constant<Axes, Axes::value>{});
  }
  // x times the signs of the oscillation alone: its factors are +-1.
  template <Axes Only> static T factor_only(const Tiles<M, T>& tile, T x, Index j, Index a, Index c, std::integral_constant<Axes, Only>) {
    const auto y = tile.o.template signs<T, Only>(x, j, a, c);
    return y;
  }
  // The turn so far as a unit number (conjugate for writes).
  auto bend(Index a, bool conjugate) const { return unit_of<key_turns, key_signs>(angle_, sign_, a, conjugate); }
  auto value_bend(Index c, bool conjugate) const { return unit_of<value_turns, value_signs>(value_angle_, value_sign_, c, conjugate); }
  template <bool Turns, bool Signs> static auto unit_of(const double* angle, const T* sign, Index n, bool conjugate) {
    const T s = Signs ? sign[n] : T(1);
    if constexpr (Turns) {
      const double reduced = std::remainder(angle[n], 6.283185307179586476925286766559);
      T sine, cosine;
      math::sincos(static_cast<T>(reduced), &sine, &cosine);
      return Complex<T>(s * cosine, conjugate ? -s * sine : s * sine);
    } else return s;
  }
  template <class F> static void put(T* const planes[2], Index at, F x) {
    planes[0][at] = real_part(x);
    if (planes[1]) planes[1][at] = imag_part(x);
  }
  template <class F> auto bent(F x, Index a, bool conjugate) const {
    if constexpr (bends) return x * bend(a, conjugate); else return x;
  }

  void read(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    for (Index a = 0; a < p.keys; ++a) put(p.q, j * p.key_pitch + a, bent(tile.s.template times<T, key_side>(T(1), j, a, 0), a, false));
    for (Index a = p.keys; a < p.key_pitch; ++a) put(p.q, j * p.key_pitch + a, T(0));
    if constexpr (has_out)
      for (Index c = 0; c < p.values; ++c) {
        const auto s = tile.s.template times<T, Axes::value>(T(1), j, 0, c);
        if constexpr (value_bends) put(p.out, j * p.value_pitch + c, s * value_bend(c, false)); else put(p.out, j * p.value_pitch + c, s);
      }
  }
  void write(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p, [[maybe_unused]] double* weight) const {
    const Index row = j * p.key_pitch;
    for (Index a = 0; a < p.keys; ++a) {
      T scale(1);
      if constexpr (M::normaliser::mean) {                  // the decay and write of a memory of means
        const double old = weight[a] + double(tile.o.template log<T>(j, a, 0)), log_e = double(tile.e.template log<T>(j, a, 0));
        const double top = (std::max)({old, log_e, FromNothing::value}), kept = std::exp(old - top), added = std::exp(log_e - top), sum = kept + added;
        p.key_decay[row + a] = static_cast<T>(kept / sum), scale = static_cast<T>(added / sum), weight[a] = top + std::log(sum);
      } else if constexpr (X.key_decay) p.key_decay[row + a] = magnitude<Axes::key>(tile, j, a, 0);
      const auto e = tile.e.template times<T, key_side, !weighs>(scale, j, a, 0);
      put(p.k, row + a, bent(e, a, true));
      if constexpr (X.bonus) {
        // The bonus reads before this token's turn, in the frame of q.
        const auto u = tile.u.template times<T, key_side, !weighs>(e, j, a, 0);
        if constexpr (X.early && bends) put(p.own, row + a, u * before_turn(tile, j, a)); else put(p.own, row + a, u);
      }
    }
    for (Index a = p.keys; a < p.key_pitch; ++a) {
      put(p.k, row + a, T(0));
      if constexpr (X.bonus) put(p.own, row + a, T(0));
      if constexpr (X.key_decay) p.key_decay[row + a] = T(0);
    }
  }
  auto before_turn(const Tiles<M, T>& tile, Index j, Index a) const {
    // conj of the turn up to the token before: undo this token's.
    const double angle = key_turns ? angle_[a] - double(tile.o.template phase<T, key_side>(j, a, 0)) : 0.0;
    const T s = key_signs ? factor_only(tile, sign_[a], j, a, 0, std::integral_constant<Axes, key_side>{}) : T(1);
    if constexpr (key_turns) return Complex<T>(s * static_cast<T>(std::cos(angle)), -s * static_cast<T>(std::sin(angle))); else return s;
  }
  // The oscillation's multiplier without signs and phases.
  template <Axes Only> static T magnitude(const Tiles<M, T>& tile, Index j, Index a, Index c) { return tile.o.template magnitude<T, Only>(j, a, c); }

  void channel(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    const Index row = j * p.value_pitch, wide = j * p.column_pitch;
    for (Index c = 0; c < p.columns; ++c) {
      const bool one = c >= p.values;
      const Index value = one ? (X.ones == 2 ? c - p.values : 0) : c;
      if (one && X.ones == 1) put(p.v, wide + c, T(1));
      else if (one) put_written(p, wide + c, tile.e.template times<T, Axes::value, !weighs>(T(1), j, 0, value), value);
      else put_written(p, wide + c, tile.e.template times<T, Axes::value, !weighs>(tile.template input<T>(j, value), j, 0, value), value);
    }
    for (Index c = p.columns; c < p.column_pitch; ++c) put(p.v, wide + c, T(0));
    p.one_decay[j] = X.one_decay && !X.scaled ? magnitude<Axes::one>(tile, j, 0, 0) : T(1);
    if constexpr (X.value_decay && !X.scaled) for (Index c = 0; c < p.values; ++c) p.value_decay[row + c] = magnitude<Axes::value>(tile, j, 0, c);
    if constexpr (X.scaled && !X.channel_scale) {
      p.one_log[j] = tile.o.template log<T>(j, 0, 0), p.one_write[j] = tile.e.template log<T>(j, 0, 0), p.one_own[j] = tile.u.template log<T>(j, 0, 0);
    } else if constexpr (X.scaled) {
      for (Index c = 0; c < p.values; ++c)
        p.value_log[row + c] = tile.o.template log<T>(j, 0, c), p.value_write[row + c] = tile.e.template log<T>(j, 0, c), p.value_own[row + c] = tile.u.template log<T>(j, 0, c);
    }
    if constexpr (X.channel_bonus) for (Index c = 0; c < p.values; ++c) p.own_value[row + c] = real_part(tile.u.template times<T, Axes::value, !weighs>(T(1), j, 0, c));
  }
  template <class F> void put_written(ChunkPlanes<T>& p, Index at, F x, [[maybe_unused]] Index c) const {
    if constexpr (value_bends) put(p.v, at, x * value_bend(c, true)); else put(p.v, at, x);
  }
  void end(ChunkPlanes<T>& p) const {
    if constexpr (bends) for (Index a = 0; a < p.keys; ++a) put(p.turn, a, bend(a, false));
    if constexpr (value_bends) for (Index c = 0; c < p.values; ++c) put(p.value_turn, c, value_bend(c, false));
  }

  double* angle_;
  T* sign_;
  double* value_angle_;
  T* value_sign_;

 public:
  static constexpr bool turns_keys = bends, turns_values = value_bends;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
