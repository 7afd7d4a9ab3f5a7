// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/finish.hpp>
#include <lcsm/kernel/chunk.hpp>
#include <lcsm/kernel/turns.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

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

  ChunkPacker(Arena& arena, const Extent& n) : keys_(arena, n.keys, X.early && X.bonus), values_(arena, n.values) {}

  // weight: the log weights of a Mean before the chunk, carried on; else unused.
  void pack(const Tiles<M, T>& tile, Index count, ChunkPlanes<T>& p, double* weight) const {
    p.tokens = count;
    start();
    for (Index j = 0; j < count; ++j) {
      // An early read, or erase, sees the memory before this token's turn.
      if constexpr (X.early) read(tile, j, p);
      if constexpr (X.coupled && X.erase_early) row_of<coupling_erase<O>>(tile.o.coupling().erase, j, p, p.erase, false);
      turn(tile, j);
      if constexpr (!X.early) read(tile, j, p);
      if constexpr (X.coupled && !X.erase_early) row_of<coupling_erase<O>>(tile.o.coupling().erase, j, p, p.erase, false);
      if constexpr (X.coupled && !X.one_write) row_of<coupling_write<O>>(tile.o.coupling().write, j, p, p.couple, true);
      write(tile, j, p, weight);
      channel(tile, j, p);
    }
    end(p);
  }

  // The walk over a chunk's tokens: the turns of keys and value channels so far.
  void start() const { keys_.start(), values_.start(); }
  void turn(const Tiles<M, T>& tile, Index j) const {
    keys_.template turn<turn_lanes, true>([&]<class V>(std::type_identity<V>, auto at) { return tile.o.template phase<V, key_side>(j, at, 0); },
                                          [&]<class V>(V x, auto at) { return tile.o.template signs<V, key_side>(x, j, at, 0); });
    values_.template turn<true, false>([&]<class V>(std::type_identity<V>, Index c) { return tile.o.template phase<V, Axes::value>(j, 0, c); },
                                       [&]<class V>(V x, Index c) { return tile.o.template signs<V, Axes::value>(x, j, 0, c); });
  }
  // The turn so far as a unit number (conjugate for writes); before_turn: conj of the turn up to the token before.
  auto bend(Index a, bool conjugate) const { return keys_.template unit<T>(a, conjugate); }
  auto value_bend(Index c, bool conjugate) const { return values_.template unit<T>(c, conjugate); }
  auto before_turn(Index a) const { return keys_.template before<T>(a, true); }

 private:
  template <class F> static void put(T* const planes[2], Index at, F x) {
    using V = std::remove_cvref_t<decltype(real_part(x))>;
    simd::store(planes[0] + at, V(real_part(x)));
    if (planes[1]) simd::store(planes[1] + at, V(imag_part(x)));
  }
  // f(std::type_identity<V>, a, at): in lanes along the keys if Lanes, a their first and `at` what tiles are asked for; else key by key.
  template <bool Lanes, class F> static void for_keys(Index keys, F&& f) {
    if constexpr (Lanes) for_lanes<T>(keys, [&]<class V>(std::type_identity<V> type, Index a) { f(type, a, KeyLanes{a}); });
    else for (Index a = 0; a < keys; ++a) f(std::type_identity<T>{}, a, a);
  }
  template <class V, class F> LCSM_INLINE auto bent(F x, Index a, bool conjugate) const {
    if constexpr (bends) return x * keys_.template unit<V>(a, conjugate); else return x;
  }
  template <class V, class F> LCSM_INLINE auto value_bent(F x, Index c, bool conjugate) const {
    if constexpr (value_bends) return x * values_.template unit<V>(c, conjugate); else return x;
  }

  // The key side of one token of a stage, in the frame of the chunk's start.
  template <class S, class Stage> void row_of(const Stage& stage, Index j, ChunkPlanes<T>& p, T* const to[2], bool conjugate) const {
    for_keys<has_key_lanes<S>(key_side)>(p.keys, [&]<class V>(std::type_identity<V>, Index a, auto at) {
      put(to, j * p.key_pitch + a, bent<V>(stage.template times<V, key_side>(map::constant<V>(1), j, at, 0), a, conjugate));
    });
    for (Index a = p.keys; a < p.key_pitch; ++a) put(to, j * p.key_pitch + a, T(0));
  }
  void read(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    row_of<typename M::shrink>(tile.s, j, p, p.q, false);
    if constexpr (has_out)
      for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { put(p.out, j * p.value_pitch + c, value_bent<V>(tile.s.template times<V, Axes::value>(map::constant<V>(1), j, 0, c), c, false)); });
  }
  void write(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p, [[maybe_unused]] double* weight) const {
    const Index row = j * p.key_pitch;
    for_keys<write_lanes>(p.keys, [&]<class V>(std::type_identity<V>, Index a, auto at) {
      V scale = map::constant<V>(1);
      if constexpr (M::normaliser::mean) {                  // the decay and write of a memory of means
        const double old = weight[a] + double(tile.o.template log<T>(j, a, 0)), log_e = double(tile.e.template log<T>(j, a, 0));
        const double top = (std::max)({old, log_e, FromNothing::value}), kept = std::exp(old - top), added = std::exp(log_e - top), sum = kept + added;
        p.key_decay[row + a] = static_cast<T>(kept / sum), scale = static_cast<T>(added / sum), weight[a] = top + std::log(sum);
      } else if constexpr (X.key_decay) simd::store(p.key_decay + row + a, V(tile.o.template magnitude<V, Axes::key>(j, at, 0)));
      const auto e = tile.e.template times<V, key_side, !weighs>(scale, j, at, 0);
      put(p.k, row + a, bent<V>(e, a, true));
      if constexpr (X.bonus) {
        // The bonus reads before this token's turn, in the frame of q.
        const auto u = tile.u.template times<V, key_side, !weighs>(e, j, at, 0);
        if constexpr (X.early && bends) put(p.own, row + a, u * keys_.template before<V>(a, true)); else put(p.own, row + a, u);
      }
    });
    for (Index a = p.keys; a < p.key_pitch; ++a) {
      put(p.k, row + a, T(0));
      if constexpr (X.bonus) put(p.own, row + a, T(0));
      if constexpr (X.key_decay) p.key_decay[row + a] = T(1);
    }
  }
  static constexpr bool turn_lanes = has_key_lanes<O>(key_side);
  static constexpr bool write_lanes = !M::normaliser::mean && has_key_lanes<typename M::expand>(key_side) && has_key_lanes<O>(Axes::key) && has_key_lanes<typename M::weight>(key_side);

  void channel(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    const Index row = j * p.value_pitch, wide = j * p.column_pitch;
    for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      put_written<V>(p, wide + c, tile.e.template times<V, Axes::value, !weighs>(tile.template input<V>(j, c), j, 0, c), c);
      if constexpr (X.ones == 2) put_written<V>(p, wide + p.values + c, tile.e.template times<V, Axes::value, !weighs>(map::constant<V>(1), j, 0, c), c);
    });
    if constexpr (X.ones == 1) put(p.v, wide + p.values, T(1));
    for (Index c = p.columns; c < p.column_pitch; ++c) put(p.v, wide + c, T(0));
    if constexpr (X.one_decay && !X.scaled) p.one_decay[j] = tile.o.template magnitude<T, Axes::one>(j, 0, 0); else p.one_decay[j] = T(1);
    if constexpr (X.scaled && !X.channel_scale) p.one_log[j] = tile.o.template log<T>(j, 0, 0), p.one_write[j] = tile.e.template log<T>(j, 0, 0), p.one_own[j] = tile.u.template log<T>(j, 0, 0);
    for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      if constexpr (X.value_decay && !X.scaled) simd::store(p.value_decay + row + c, V(tile.o.template magnitude<V, Axes::value>(j, 0, c)));
      if constexpr (X.scaled && X.channel_scale)
        simd::store(p.value_log + row + c, V(tile.o.template log<V>(j, 0, c))), simd::store(p.value_write + row + c, V(tile.e.template log<V>(j, 0, c))), simd::store(p.value_own + row + c, V(tile.u.template log<V>(j, 0, c)));
      if constexpr (X.channel_bonus) simd::store(p.own_value + row + c, V(real_part(tile.u.template times<V, Axes::value, !weighs>(map::constant<V>(1), j, 0, c))));
    });
  }
  template <class V, class F> void put_written(ChunkPlanes<T>& p, Index at, F x, Index c) const { put(p.v, at, value_bent<V>(x, c, true)); }
  void end(ChunkPlanes<T>& p) const {
    if constexpr (bends) for (Index a = 0; a < p.keys; ++a) put(p.turn, a, bend(a, false));
    if constexpr (value_bends) for (Index c = 0; c < p.values; ++c) put(p.value_turn, c, value_bend(c, false));
  }

  Turns<T, key_turns, key_signs> keys_;
  Turns<T, value_turns, value_signs> values_;

 public:
  static constexpr bool turns_keys = bends, turns_values = value_bends;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
