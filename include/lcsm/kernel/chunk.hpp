// SPDX-License-Identifier: MIT
#pragma once

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
  bool coupled = false;           // erases along one key and writes along another
  bool erase_early = false;       // erases from the memory before its decay
  bool one_write = false;         // and what it writes is along the write of the input

  // What the scores of reads (or erases: `early`) against writes depend on.
  constexpr OuterClass key_side(bool reads_early, bool with_bonus) const {
    OuterClass x;
    x.key_complex = key_complex, x.key_decay = key_decay, x.early = reads_early, x.bonus = with_bonus;
    return x;
  }

  constexpr bool per_channel() const { return value_decay || channel_scale || channel_bonus; }   // weights within a chunk differ by channel
  constexpr bool memory_complex() const { return key_complex || value_complex; }
  friend constexpr bool operator==(const OuterClass&, const OuterClass&) = default;
};

template <class S> constexpr bool has_term(Plane plane, Axes only) {
  bool found = false;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::plane == plane && within(Each::axes, only)); });
  return found;
}
// The write and the erase of an oscillation's coupling, as stages.
template <class O> struct coupling_of;
template <class... Terms> struct coupling_of<Stage<Terms...>> {
  template <class... More> struct first { using write = Stage<>; using erase = Stage<>; };
  template <class Term, class... More> struct first<Term, More...> : std::conditional_t<Term::plane == Plane::coupling, std::type_identity<Term>, std::type_identity<first<More...>>>::type {};
  using term = first<Terms...>;
};
template <class O> using coupling_write = typename coupling_of<O>::term::write;
template <class O> using coupling_erase = typename coupling_of<O>::term::erase;

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
  O::for_each_term([&]<class Each>(std::type_identity<Each>) {
    if constexpr (Each::plane == Plane::coupling)
      x.coupled = true, x.erase_early = Each::order == Order::before_decay, x.one_write = std::is_same_v<typename Each::write, typename M::expand> && !x.bonus;
  });
  return x;
}
// A running maximum over logs of the key axis has no common scale for the rows of a chunk, a bonus under turning value channels sees two frames
// at once, and a coupling under weights that differ by channel has a triangular system for each: such mixers run their chunks token by token.
template <class M> inline constexpr bool outer_kernel = M::factors && !M::shifts && !(M::coupled && overlaps(M::oscillation::axes | M::weight::axes, axes::valued)) && !(M::stabiliser::scaled && overlaps(M::log_axes, Axes::key)) &&
    !(M::readout::bonus && (has_term<typename M::oscillation>(Plane::phase, Axes::value) || has_term<typename M::oscillation>(Plane::factor, Axes::value)));

// The planes of a chunk of one head: plain numbers, rows padded to whole vectors (padding is 0).
template <class T> struct ChunkPlanes {
  Index tokens = 0, keys = 0, values = 0, columns = 0;      // columns: values, then the denominators' ones
  Index key_pitch = 0, value_pitch = 0, column_pitch = 0;
  T *q[2] = {}, *k[2] = {};                                 // reads and writes, turned into the frame of the chunk's start
  T* own[2] = {};                                           // writes as the bonus sees them
  T *erase[2] = {}, *couple[2] = {};                        // coupled: along what is erased, and what is written for it
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
      p.erase[part] = arena.take<T>(X.coupled ? keys : 0), p.couple[part] = X.one_write ? p.k[part] : arena.take<T>(X.coupled ? keys : 0);
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
  T *erased[2] = {}, *coupled[2] = {};  // coupled: the memory loses coupled^T (erased memory) over the chunk, beside its decay
  T* key_total = nullptr;       // the chunk's whole decay per key
  T* row_weight = nullptr;      // what a row makes of what was before the chunk: one per row, or a row of value channels
  T* total = nullptr;           // the chunk's weight for what was before it: one number, or a row of value channels
  T* scale = nullptr;           // RunningMax: log scale of each row, and in row `tokens` of the chunk's end, relative to the scale before it

  template <OuterClass X> static ChunkEnds make(Arena& arena, const ChunkPlanes<T>& p, Index tokens) {
    ChunkEnds e;
    for (int part = 0; part < (X.key_complex ? 2 : 1); ++part) {
      e.reads[part] = arena.take<T>(tokens * p.key_pitch), e.writes[part] = arena.take<T>(tokens * p.key_pitch);
      e.erased[part] = arena.take<T>(X.coupled ? tokens * p.key_pitch : 0), e.coupled[part] = arena.take<T>(X.coupled ? tokens * p.key_pitch : 0);
    }
    for (int part = 0; part < (X.value_complex ? 2 : 1); ++part) e.inputs[part] = arena.take<T>(tokens * p.column_pitch);
    e.key_total = arena.take<T>(p.key_pitch);
    e.row_weight = arena.take<T>(tokens * (X.per_channel() ? p.value_pitch : 1)), e.total = arena.take<T>(X.per_channel() ? p.value_pitch : 1);
    e.scale = arena.take<T>(X.scaled ? (tokens + 1) * (X.channel_scale ? p.value_pitch : 1) : 0);
    return e;
  }
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
