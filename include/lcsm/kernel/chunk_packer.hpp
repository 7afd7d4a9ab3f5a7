// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/finish.hpp>
#include <lcsm/kernel/chunk.hpp>

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

  ChunkPacker(Arena& arena, const Extent& n)
      : angle_(arena.take<double>(key_turns ? n.keys : 0)), sign_(arena.take<T>(key_signs ? n.keys : 0)), value_angle_(arena.take<double>(value_turns ? n.values : 0)),
        value_sign_(arena.take<T>(value_signs ? n.values : 0)) {}

  // weight: the log weights of a Mean before the chunk, carried on; else unused.
  void pack(const Tiles<M, T>& tile, Index count, ChunkPlanes<T>& p, double* weight) const {
    p.tokens = count;
    start(p);
    for (Index j = 0; j < count; ++j) {
      // An early read, or erase, sees the memory before this token's turn.
      if constexpr (X.early) read(tile, j, p);
      if constexpr (X.coupled && X.erase_early) row_of<coupling_erase<O>>(tile.o.coupling().erase, j, p, p.erase, false);
      turn(tile, j, p);
      if constexpr (!X.early) read(tile, j, p);
      if constexpr (X.coupled && !X.erase_early) row_of<coupling_erase<O>>(tile.o.coupling().erase, j, p, p.erase, false);
      if constexpr (X.coupled && !X.one_write) row_of<coupling_write<O>>(tile.o.coupling().write, j, p, p.couple, true);
      write(tile, j, p, weight);
      channel(tile, j, p);
    }
    end(p);
  }

  // The walk over a chunk's tokens: the turns of keys and value channels so far.
  void start(const ChunkPlanes<T>& p) const {
    if constexpr (key_turns) std::fill_n(angle_, p.keys, 0.0);
    if constexpr (key_signs) std::fill_n(sign_, p.keys, T(1));
    if constexpr (value_turns) std::fill_n(value_angle_, p.values, 0.0);
    if constexpr (value_signs) std::fill_n(value_sign_, p.values, T(1));
  }
  void turn(const Tiles<M, T>& tile, Index j, const ChunkPlanes<T>& p) const {
    if constexpr (key_turns) for (Index a = 0; a < p.keys; ++a) angle_[a] += double(tile.o.template phase<T, key_side>(j, a, 0));
    if constexpr (key_signs) for (Index a = 0; a < p.keys; ++a) sign_[a] = factor_only(tile, sign_[a], j, a, 0, std::integral_constant<Axes, key_side>{});
    if constexpr (value_turns) for (Index c = 0; c < p.values; ++c) value_angle_[c] += double(tile.o.template phase<T, Axes::value>(j, 0, c));
    if constexpr (value_signs) for (Index c = 0; c < p.values; ++c) value_sign_[c] = factor_only(tile, value_sign_[c], j, 0, c, std::integral_constant<Axes, Axes::value>{});
  }
  // The turn so far as a unit number (conjugate for writes).
  auto bend(Index a, bool conjugate) const { return unit_of<key_turns, key_signs>(angle_, sign_, a, conjugate); }
  auto value_bend(Index c, bool conjugate) const { return unit_of<value_turns, value_signs>(value_angle_, value_sign_, c, conjugate); }
  auto before_turn(const Tiles<M, T>& tile, Index j, Index a) const {
    // conj of the turn up to the token before: undo this token's.
    const double angle = key_turns ? angle_[a] - double(tile.o.template phase<T, key_side>(j, a, 0)) : 0.0;
    const T s = key_signs ? factor_only(tile, sign_[a], j, a, 0, std::integral_constant<Axes, key_side>{}) : T(1);
    if constexpr (key_turns) return Complex<T>(s * static_cast<T>(std::cos(angle)), -s * static_cast<T>(std::sin(angle))); else return s;
  }

 private:
  // x times the signs of the oscillation alone: its factors are +-1.
  template <Axes Only> static T factor_only(const Tiles<M, T>& tile, T x, Index j, Index a, Index c, std::integral_constant<Axes, Only>) {
    const auto y = tile.o.template signs<T, Only>(x, j, a, c);
    return y;
  }
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
    using V = std::remove_cvref_t<decltype(real_part(x))>;
    simd::store(planes[0] + at, V(real_part(x)));
    if (planes[1]) simd::store(planes[1] + at, V(imag_part(x)));
  }
  // f(std::type_identity<V>, a, at): in lanes along the keys if Lanes, a their first and `at` what tiles are asked for; else key by key.
  template <bool Lanes, class F> static void for_keys(Index keys, F&& f) {
    if constexpr (Lanes) for_lanes<T>(keys, [&]<class V>(std::type_identity<V> type, Index a) { f(type, a, KeyLanes{a}); });
    else for (Index a = 0; a < keys; ++a) f(std::type_identity<T>{}, a, a);
  }
  // f(std::type_identity<V>, c) in lanes along the value channels, or one by one.
  template <bool Lanes, class F> static void for_values(Index values, F&& f) {
    if constexpr (Lanes) for_lanes<T>(values, f); else for (Index c = 0; c < values; ++c) f(std::type_identity<T>{}, c);
  }
  template <class F> auto bent(F x, Index a, bool conjugate) const {
    if constexpr (bends) return x * bend(a, conjugate); else return x;
  }

  // The key side of one token of a stage, in the frame of the chunk's start.
  template <class S, class Stage> void row_of(const Stage& stage, Index j, ChunkPlanes<T>& p, T* const to[2], bool conjugate) const {
    for_keys<!bends && has_key_lanes<S>(key_side)>(p.keys, [&]<class V>(std::type_identity<V>, Index a, auto at) {
      const auto x = stage.template times<V, key_side>(map::constant<V>(1), j, at, 0);
      if constexpr (bends) put(to, j * p.key_pitch + a, bent(x, a, conjugate)); else put(to, j * p.key_pitch + a, x);
    });
    for (Index a = p.keys; a < p.key_pitch; ++a) put(to, j * p.key_pitch + a, T(0));
  }
  void read(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    row_of<typename M::shrink>(tile.s, j, p, p.q, false);
    if constexpr (has_out)
      for_values<!value_bends>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
        const auto s = tile.s.template times<V, Axes::value>(map::constant<V>(1), j, 0, c);
        if constexpr (value_bends) put(p.out, j * p.value_pitch + c, s * value_bend(c, false)); else put(p.out, j * p.value_pitch + c, s);
      });
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
      if constexpr (bends) put(p.k, row + a, bent(e, a, true)); else put(p.k, row + a, e);
      if constexpr (X.bonus) {
        // The bonus reads before this token's turn, in the frame of q.
        const auto u = tile.u.template times<V, key_side, !weighs>(e, j, at, 0);
        if constexpr (X.early && bends) put(p.own, row + a, u * before_turn(tile, j, a)); else put(p.own, row + a, u);
      }
    });
    for (Index a = p.keys; a < p.key_pitch; ++a) {
      put(p.k, row + a, T(0));
      if constexpr (X.bonus) put(p.own, row + a, T(0));
      if constexpr (X.key_decay) p.key_decay[row + a] = T(1);
    }
  }
  static constexpr bool write_lanes = !bends && !M::normaliser::mean && has_key_lanes<typename M::expand>(key_side) && has_key_lanes<O>(Axes::key) && has_key_lanes<typename M::weight>(key_side);

  void channel(const Tiles<M, T>& tile, Index j, ChunkPlanes<T>& p) const {
    const Index row = j * p.value_pitch, wide = j * p.column_pitch;
    for_values<!value_bends>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      put_written(p, wide + c, tile.e.template times<V, Axes::value, !weighs>(tile.template input<V>(j, c), j, 0, c), c);
      if constexpr (X.ones == 2) put_written(p, wide + p.values + c, tile.e.template times<V, Axes::value, !weighs>(map::constant<V>(1), j, 0, c), c);
    });
    if constexpr (X.ones == 1) put(p.v, wide + p.values, T(1));
    for (Index c = p.columns; c < p.column_pitch; ++c) put(p.v, wide + c, T(0));
    if constexpr (X.one_decay && !X.scaled) p.one_decay[j] = tile.o.template magnitude<T, Axes::one>(j, 0, 0); else p.one_decay[j] = T(1);
    if constexpr (X.scaled && !X.channel_scale) p.one_log[j] = tile.o.template log<T>(j, 0, 0), p.one_write[j] = tile.e.template log<T>(j, 0, 0), p.one_own[j] = tile.u.template log<T>(j, 0, 0);
    for_values<true>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      if constexpr (X.value_decay && !X.scaled) simd::store(p.value_decay + row + c, V(tile.o.template magnitude<V, Axes::value>(j, 0, c)));
      if constexpr (X.scaled && X.channel_scale)
        simd::store(p.value_log + row + c, V(tile.o.template log<V>(j, 0, c))), simd::store(p.value_write + row + c, V(tile.e.template log<V>(j, 0, c))), simd::store(p.value_own + row + c, V(tile.u.template log<V>(j, 0, c)));
      if constexpr (X.channel_bonus) simd::store(p.own_value + row + c, V(real_part(tile.u.template times<V, Axes::value, !weighs>(map::constant<V>(1), j, 0, c))));
    });
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
