// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/cotangents.hpp>
#include <lcsm/kernel/chunk_runner.hpp>
#include <lcsm/kernel/outer_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Number (or lanes) n of one plane or of two.
template <class V, int Planes> LCSM_INLINE auto planes_at(simd::scalar_t<V>* const planes[2], Index n) {
  if constexpr (Planes == 2) return Complex<V>(simd::load<V>(planes[0] + n), simd::load<V>(planes[1] + n)); else return simd::load<V>(planes[0] + n);
}
template <int Planes, class T, class F> LCSM_INLINE void put_planes(T* const planes[2], Index n, F x) {
  simd::store(planes[0] + n, real_part(x));
  if constexpr (Planes == 2) simd::store(planes[1] + n, imag_part(x));
}

// The dual of ChunkPacker: the cotangents of a chunk's planes to the stages, token by token, out of the frame of the chunk's start.
template <class M, class T> struct ChunkUnpacker {
  using Packer = typename ChunkRunner<M, T>::Packer;
  static constexpr OuterClass X = outer_class<M>();
  static constexpr Gates gates = gates_of<M>();
  static constexpr Axes key_side = Axes::one | Axes::key;
  static constexpr int KP = X.key_complex ? 2 : 1, VP = X.value_complex ? 2 : 1;
  static constexpr bool scaled = X.scaled, mean = M::normaliser::mean, weighs = scaled || mean, shrinks_values = has_within<typename M::shrink>(Axes::value);

  const ChunkRunner<M, T>& runner;     // holds the chunk's tiles
  Cotangents<M, T>& bars;
  const ChunkBars<T>& bar;
  const T* head_bar;                   // of the gate of a head
  T* const* out_bar;                   // of the channel side of the read
  const T* added;                      // Mean: what of a key's weight its write is

  // row_of(j): the cotangents of the outputs.
  template <class RowOf> void operator()(RowOf&& row_of) const {
    const ChunkPlanes<T>& p = runner.planes;
    const Packer& packer = runner.packer;
    packer.start();
    for (Index j = 0; j < p.tokens; ++j) {
      if constexpr (X.early) reads(j);
      if constexpr (X.coupled && X.erase_early) couplings(j, runner.tile.o.coupling().erase, bars.o.coupling().erase, bar.erase, true);
      packer.turn(runner.tile, j);
      if constexpr (!X.early) reads(j);
      if constexpr (X.coupled && !X.erase_early) couplings(j, runner.tile.o.coupling().erase, bars.o.coupling().erase, bar.erase, true);
      if constexpr (X.coupled && !X.one_write) couplings(j, runner.tile.o.coupling().write, bars.o.coupling().write, bar.couple, false);
      writes(j);
      const auto row = row_of(j);
      if constexpr (Packer::turns_values) for (Index c = 0; c < p.values; ++c) channel<T>(row, j, c);
      else for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { channel<V>(row, j, c); });
    }
  }

 private:
  template <class F> LCSM_INLINE auto bent(F x, Index a, bool back) const {
    if constexpr (Packer::turns_keys) return x * runner.packer.bend(a, back); else return x;
  }
  template <class F> LCSM_INLINE auto value_bent(F x, Index c, bool back) const {
    if constexpr (Packer::turns_values) return x * runner.packer.value_bend(c, back); else return x;
  }
  void reads(Index j) const {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    for (Index a = 0; a < p.keys; ++a) bars.s.template add<T, key_side>(tile.s, j, a, 0, bent(planes_at<T, KP>(bar.q, j * p.key_pitch + a), a, true));
    if constexpr (shrinks_values) {
      if constexpr (Packer::turns_values)
        for (Index c = 0; c < p.values; ++c) bars.s.template add<T, Axes::value>(tile.s, j, 0, c, value_bent(planes_at<T, VP>(out_bar, j * p.value_pitch + c), c, true));
      else for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { bars.s.template add<V, Axes::value>(tile.s, j, 0, c, planes_at<V, VP>(out_bar, j * p.value_pitch + c)); });
    }
  }
  template <class Stage, class To> void couplings(Index j, const Stage& stage, To& to, T* const of[2], bool back) const {
    for (Index a = 0; a < runner.planes.keys; ++a) to.template add<T, key_side>(stage, j, a, 0, bent(planes_at<T, KP>(of, j * runner.planes.key_pitch + a), a, back));
  }
  void writes(Index j) const {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    for (Index a = 0; a < p.keys; ++a) {
      const Index at_a = j * p.key_pitch + a;
      const auto k_bar = bent(planes_at<T, KP>(bar.k, at_a), a, false);
      if constexpr (mean) bars.e.template add<T, key_side, false>(tile.e, j, a, 0, k_bar * added[j * p.keys + a]);
      else bars.e.template add<T, key_side, !weighs>(tile.e, j, a, 0, k_bar);
      if constexpr (X.bonus) {
        const auto own = [&] {
          if constexpr (Packer::turns_keys) return stage::conjugate<false>(runner.packer.before_turn(a)) * planes_at<T, KP>(bar.own, at_a); else return planes_at<T, KP>(bar.own, at_a);
        }();
        const auto e = tile.e.template times<T, key_side, !weighs>(T(1), j, a, 0);
        const auto u = tile.u.template times<T, key_side, !weighs>(T(1), j, a, 0);
        bars.e.template add<T, key_side, !weighs>(tile.e, j, a, 0, stage::conjugate<false>(u) * own), bars.u.template add<T, key_side, !weighs>(tile.u, j, a, 0, stage::conjugate<false>(e) * own);
      }
      // The oscillation is its magnitude times its turn: the cotangent of the whole.
      if constexpr (X.value_decay && X.key_decay) bars.o.template add<T, Axes::key>(tile.o, j, a, 0, tile.o.template times<T, Axes::key, false>(bar.gate[0][at_a], j, a, 0));
      else if constexpr (gates == Gates::keys && !mean) bars.o.template add<T, key_side>(tile.o, j, a, 0, tile.o.template times<T, key_side, false>(planes_at<T, KP>(bar.gate, at_a), j, a, 0));
    }
    if constexpr (gates == Gates::head && !scaled && !X.value_decay)
      if (p.keys > 0) bars.o.template add<T, key_side>(tile.o, j, 0, 0, tile.o.template times<T, key_side, false>(head_bar[j], j, 0, 0));
  }
  template <class V, class Row> LCSM_INLINE void channel(const Row& row, Index j, Index c) const {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    using F = field_t<M::complex, V>;
    const auto v = value_bent(planes_at<V, VP>(bar.v, j * p.column_pitch + c), c, false);
    const auto i = tile.template input<V>(j, c);
    const auto e = tile.e.template times<V, Axes::value, !weighs>(map::constant<V>(1), j, 0, c);
    bars.e.template add<V, Axes::value, !weighs>(tile.e, j, 0, c, stage::conjugate<false>(i) * v);
    if constexpr (X.ones == 2) bars.e.template add<V, Axes::value, !weighs>(tile.e, j, 0, c, value_bent(planes_at<V, VP>(bar.v, j * p.column_pitch + p.values + c), c, false));
    if constexpr (X.value_decay) {
      V gate = simd::load<V>(bar.channel + j * p.column_pitch + c);
      if constexpr (X.ones == 2) gate = gate + simd::load<V>(bar.channel + j * p.column_pitch + p.values + c);
      bars.o.template add<V, axes::channel>(tile.o, j, 0, c, tile.o.template times<V, axes::channel, false>(gate, j, 0, c));
    }
    auto i_bar = as<F>(stage::conjugate<false>(e) * v);
    if constexpr (M::skip::present) {
      const V y = row.template output<V>(c).first;
      bars.d.add(j, 0, c, y * tile.i_re.template load<V>(j, 0, c)), i_bar = i_bar + widen<F>(y * tile.d.template load<V>(j, 0, c));
    }
    bars.template add_input<V>(j, c, i_bar);
  }

  template <class F, class Y> LCSM_INLINE static F as(Y x) {
    if constexpr (std::is_same_v<F, Y>) return x; else return F(x);
  }
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
