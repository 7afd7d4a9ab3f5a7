// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/cotangents.hpp>
#include <lcsm/kernel/chunk_runner.hpp>
#include <lcsm/kernel/outer_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Terms that a cotangent is of no use to: rules, which have no input.
template <class Term> inline constexpr bool reads_input = true;
template <Plane P, class Rule, Axes X, bool IsSign> inline constexpr bool reads_input<LeafTerm<P, Fixed<Rule, X>, IsSign>> = false;

template <class M> constexpr Gates gates_of() {
  Gates found = Gates::none;
  M::oscillation::for_each_term([&]<class Each>(std::type_identity<Each>) {
    constexpr bool turns = Each::plane == Plane::phase && within(Each::axes, Axes::one | Axes::key) && reads_input<Each>;
    if (turns || (Each::plane == Plane::log && Each::axes == Axes::key)) found = Gates::keys;
    else if (Each::plane == Plane::log && Each::axes == Axes::one && reads_input<Each> && found == Gates::none) found = M::coupled ? Gates::keys : Gates::head;
  });
  return found;
}
template <class M> constexpr bool value_phase_reads() {
  bool found = false;
  M::oscillation::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::plane == Plane::phase && Each::axes == Axes::value && reads_input<Each>); });
  return found;
}

// The adjoint of ChunkRunner: from the cotangents of a chunk's outputs and of the memory after it to those of everything that a mixer's stages have told
// it, and of the memory before it.
template <class M, class T> class ChunkVjp {
  using Runner = ChunkRunner<M, T>;
  using Packer = typename Runner::Packer;
  static constexpr OuterClass X = Runner::X;
  static constexpr Gates gates = gates_of<M>();
  static constexpr Axes key_side = Axes::one | Axes::key;
  static constexpr int KP = Runner::Kernel::KP, VP = Runner::Kernel::VP, MP = Runner::MP, YP = Runner::needs_imag ? 2 : 1, NP = X.coupled ? MP : YP;
  static constexpr bool quotient = M::normaliser::quotient, shrinks_values = has_within<typename M::shrink>(Axes::value);
  static constexpr bool needs_rows = quotient || shrinks_values;

 public:
  Runner runner;
  Cotangents<M, T> bars;

  ChunkVjp(Arena& arena, const Extent& n, Index chunk)
      : runner(arena, n, chunk), bars(arena, n, chunk), kernel_(arena, runner.planes, chunk), mu_(arena, n.keys, runner.planes.columns, runner.planes.column_pitch),
        chunk_(chunk), size_(n.keys * runner.planes.column_pitch), starts_(arena.take<T>(MP * size_ * divide_up(std::max<Index>(n.tokens, 1), chunk))) {
    for (int part = 0; part < VP; ++part) out_bar_[part] = arena.take<T>(shrinks_values ? chunk * runner.planes.value_pitch : 0);
  }

  template <class In> void begin(const In& in, const Run& run, const StateView<const T>& initial) { runner.begin(in, run, initial), bars.begin(); }
  // The memory before every chunk.
  template <class In> void forward(const In& in, const Run& run) {
    for (Index first = 0; first < run.time.length; first += chunk_) {
      T* const* before = runner.rounded();
      for (int part = 0; part < MP; ++part) std::copy_n(before[part], size_, start(first / chunk_, part));
      pack(in, run, first, (std::min)(chunk_, run.time.length - first));
      if constexpr (X.coupled) runner.kernel.inside(runner.planes, runner.p_start, runner.ends, runner.y);
      else runner.kernel.ends_only(runner.planes, runner.p_start, runner.ends);
      runner.update_memory();
    }
  }
  // row(j): the cotangents of token j's outputs.
  template <class In, class To, class RowOf> void backward(const In& in, const Run& run, To& to, RowOf&& row) {
    for (Index first = round_up(run.time.length, chunk_) - chunk_; first >= 0; first -= chunk_) {
      const Index count = (std::min)(chunk_, run.time.length - first);
      const auto row_of = [&](Index j) { return row(first + j); };
      pack(in, run, first, count);
      bars.start(count);
      T* const before[2] = {start(first / chunk_, 0), start(first / chunk_, MP - 1)};
      one_chunk(before, row_of);
      bars.flush(runner.tile, in, to, run, first, count);
    }
  }
  void load_bar(const StateView<const T>& final, const Run& run) {
    mu_.clear();
    if (final) Runner::take(runner.planes, mu_, Memory<M, const T>::of(final, run));
  }
  void store_bar(const StateView<T>& initial, const Run& run) const {
    if (initial) Runner::give(runner.planes, mu_, Memory<M, T>::of(initial, run));
  }

 private:
  T* start(Index n, int part) const { return starts_ + (n * MP + part) * size_; }
  Index value_of(Index column) const { return column < runner.planes.values ? column : X.ones == 2 ? column - runner.planes.values : 0; }
  template <class In> void pack(const In& in, const Run& run, Index first, Index count) {
    runner.tile.fill(in, run, first, count), runner.packer.pack(runner.tile, count, runner.planes, runner.weight);
  }

  template <class RowOf> void one_chunk(T* const before[2], RowOf&& row_of) {
    auto& kernel = runner.kernel;
    const ChunkPlanes<T>& p = runner.planes;
    kernel_.prepare(kernel, p, runner.p_start, runner.ends, before);
    if constexpr (needs_rows) kernel_.read(kernel, p, runner.ends, before, runner.scratch, runner.y);
    for (Index j = 0; j < p.tokens; ++j) {
      T* const n[2] = {kernel_.bars().n[0] + j * p.column_pitch, NP == 2 ? kernel_.bars().n[1] + j * p.column_pitch : nullptr};
      for (int part = 0; part < NP; ++part) std::fill_n(n[part] + p.values, p.column_pitch - p.values, T(0));
      const auto row = row_of(j);
      for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { read<V>(row, j, c, n); });
    }
    // Into the frame of the chunk's start, where the planes are.
    each_number([&](Index a, Index c) {
      if constexpr (Packer::turns_keys) mu_.turn(a, c, p.turn, a, true);
      if constexpr (Packer::turns_values) mu_.turn(a, c, p.value_turn, value_of(c), true);
    });
    mu_.round();
    kernel_(kernel, p, runner.ends, before, mu_.rounded, mu_.delta);
    each_number([&](Index a, Index c) { mu_.advance(a, c, double(runner.ends.key_total[a]) * double(runner.ends.total[0])); });
    unpack(row_of);
  }
  template <class F> void each_number(F&& f) const {
    for (Index a = 0; a < runner.planes.keys; ++a)
      for (Index c = 0; c < runner.planes.columns; ++c) f(a, c);
  }

  // A complex number where there are two planes.
  template <class V, int Planes> LCSM_INLINE static auto at(T* const planes[2], Index n) {
    if constexpr (Planes == 2) return Complex<V>(simd::load<V>(planes[0] + n), simd::load<V>(planes[1] + n)); else return simd::load<V>(planes[0] + n);
  }
  template <class V> LCSM_INLINE static auto conjugate(V x) { return stage::conjugate<false>(x); }
  template <int Planes, class F> LCSM_INLINE static void put(T* const planes[2], Index n, F x) {
    simd::store(planes[0] + n, real_part(x));
    if constexpr (Planes == 2) simd::store(planes[1] + n, imag_part(x));
  }

  // From the outputs' cotangents to those of the rows, through projection, quotient and the channel side of the read.
  template <class V, class Row> LCSM_INLINE void read(const Row& row, Index j, Index c, T* const n[2]) {
    const ChunkPlanes<T>& p = runner.planes;
    const auto [y_re, y_im] = row.template output<V>(c);
    const V projected = y_re * map::constant<V>(M::projection::scale);
    field_t<NP == 2, V> bar;
    if constexpr (NP == 2) bar = {projected, y_im}; else bar = projected;
    [[maybe_unused]] V d_bar = map::constant<V>(0);
    if constexpr (quotient) {
      const V d = real_part(runner.template denominator<V>(j, c)), zero = map::constant<V>(0), inverse = map::constant<V>(1) / M::normaliser::guard::apply(d, zero);
      bar = bar * inverse;
      d_bar = -(real_part(conjugate(runner.template numerator<V>(j, c)) * bar) * inverse) * M::normaliser::guard::slopes(d, zero).d;
    }
    const Index ones = X.ones == 2 ? p.values + c : p.values;
    if constexpr (!Packer::has_out) {
      put<NP>(n, c, bar);
      if constexpr (X.ones == 1) n[0][ones] += simd::sum(d_bar);
      if constexpr (X.ones == 2) simd::store(n[0] + ones, d_bar);
    } else {
      const auto out = conjugate(at<V, VP>(p.out, j * p.value_pitch + c));
      put<NP>(n, c, out * bar);
      if constexpr (X.ones == 2) put<NP>(n, ones, out * d_bar);
      if constexpr (X.ones == 1) {
        const auto to = out * d_bar;
        n[0][ones] += simd::sum(real_part(to));
        if constexpr (NP == 2) n[1][ones] += simd::sum(imag_part(to));
      }
      if constexpr (shrinks_values) {
        const Index from = j * p.column_pitch;
        auto sum = conjugate(at<V, YP>(runner.y, from + c)) * bar;
        if constexpr (X.ones == 2) sum = sum + conjugate(at<V, YP>(runner.y, from + ones)) * d_bar;
        if constexpr (X.ones == 1) {
          if constexpr (YP == 2) sum = sum + Complex<V>(V(runner.y[0][from + ones]), V(-runner.y[1][from + ones])) * d_bar; else sum = sum + V(runner.y[0][from + ones]) * d_bar;
        }
        put<VP>(out_bar_, j * p.value_pitch + c, sum);
      }
    }
  }

  // The dual of ChunkPacker: the planes' cotangents to the stages, token by token.
  template <class RowOf> void unpack(RowOf&& row_of) {
    const ChunkPlanes<T>& p = runner.planes;
    const Packer& packer = runner.packer;
    packer.start(p);
    for (Index j = 0; j < p.tokens; ++j) {
      if constexpr (X.early) reads(j);
      if constexpr (X.coupled && X.erase_early) couplings(j, runner.tile.o.coupling().erase, bars.o.coupling().erase, kernel_.bars().erase, true);
      packer.turn(runner.tile, j, p);
      if constexpr (!X.early) reads(j);
      if constexpr (X.coupled && !X.erase_early) couplings(j, runner.tile.o.coupling().erase, bars.o.coupling().erase, kernel_.bars().erase, true);
      if constexpr (X.coupled && !X.one_write) couplings(j, runner.tile.o.coupling().write, bars.o.coupling().write, kernel_.bars().couple, false);
      writes(j);
      const auto row = row_of(j);
      if constexpr (Packer::turns_values) for (Index c = 0; c < p.values; ++c) channel<T>(row, j, c);
      else for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { channel<V>(row, j, c); });
    }
  }
  template <class F> LCSM_INLINE auto bent(F x, Index a, bool back) const {
    if constexpr (Packer::turns_keys) return x * runner.packer.bend(a, back); else return x;
  }
  template <class F> LCSM_INLINE auto value_bent(F x, Index c, bool back) const {
    if constexpr (Packer::turns_values) return x * runner.packer.value_bend(c, back); else return x;
  }
  void reads(Index j) {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    for (Index a = 0; a < p.keys; ++a) bars.s.template add<T, key_side>(tile.s, j, a, 0, bent(at<T, KP>(kernel_.bars().q, j * p.key_pitch + a), a, true));
    if constexpr (shrinks_values) {
      if constexpr (Packer::turns_values)
        for (Index c = 0; c < p.values; ++c) bars.s.template add<T, Axes::value>(tile.s, j, 0, c, value_bent(at<T, VP>(out_bar_, j * p.value_pitch + c), c, true));
      else for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) { bars.s.template add<V, Axes::value>(tile.s, j, 0, c, at<V, VP>(out_bar_, j * p.value_pitch + c)); });
    }
  }
  template <class Stage, class To> void couplings(Index j, const Stage& stage, To& to, T* const bar[2], bool back) const {
    for (Index a = 0; a < runner.planes.keys; ++a) to.template add<T, key_side>(stage, j, a, 0, bent(at<T, KP>(bar, j * runner.planes.key_pitch + a), a, back));
  }
  void writes(Index j) {
    const ChunkPlanes<T>& p = runner.planes;
    const ChunkBars<T>& bar = kernel_.bars();
    const auto& tile = runner.tile;
    for (Index a = 0; a < p.keys; ++a) {
      const Index at_a = j * p.key_pitch + a;
      bars.e.template add<T, key_side>(tile.e, j, a, 0, bent(at<T, KP>(bar.k, at_a), a, false));
      if constexpr (X.bonus) {
        const auto own = [&] {
          if constexpr (Packer::turns_keys) return conjugate(runner.packer.before_turn(tile, j, a)) * at<T, KP>(bar.own, at_a); else return at<T, KP>(bar.own, at_a);
        }();
        const auto e = tile.e.template times<T, key_side>(T(1), j, a, 0);
        const auto u = tile.u.template times<T, key_side>(T(1), j, a, 0);
        bars.e.template add<T, key_side>(tile.e, j, a, 0, conjugate(u) * own), bars.u.template add<T, key_side>(tile.u, j, a, 0, conjugate(e) * own);
      }
      // The oscillation is its magnitude times its turn: the cotangent of the whole.
      if constexpr (gates == Gates::keys) bars.o.template add<T, key_side>(tile.o, j, a, 0, tile.o.template times<T, key_side, false>(at<T, KP>(bar.gate, at_a), j, a, 0));
    }
    if constexpr (gates == Gates::head)
      if (p.keys > 0) bars.o.template add<T, key_side>(tile.o, j, 0, 0, tile.o.template times<T, key_side, false>(bar.gate[0][j], j, 0, 0));
  }
  template <class V, class Row> LCSM_INLINE void channel(const Row& row, Index j, Index c) {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    using F = field_t<M::complex, V>;
    const auto v = value_bent(at<V, VP>(kernel_.bars().v, j * p.column_pitch + c), c, false);
    const auto i = tile.template input<V>(j, c);
    const auto e = tile.e.template times<V, Axes::value>(map::constant<V>(1), j, 0, c);
    bars.e.template add<V, Axes::value>(tile.e, j, 0, c, conjugate(i) * v);
    if constexpr (X.ones == 2) bars.e.template add<V, Axes::value>(tile.e, j, 0, c, value_bent(at<V, VP>(kernel_.bars().v, j * p.column_pitch + p.values + c), c, false));
    auto i_bar = as<F>(conjugate(e) * v);
    if constexpr (M::skip::present) {
      const V y = row.template output<V>(c).first;
      bars.d.add(j, 0, c, y * tile.i_re.template load<V>(j, 0, c)), i_bar = i_bar + widen<F>(y * tile.d.template load<V>(j, 0, c));
    }
    bars.template add_input<V>(j, c, i_bar);
  }
  template <class F, class X1> LCSM_INLINE static F as(X1 x) {
    if constexpr (std::is_same_v<F, X1>) return x; else return F(x);
  }

  OuterVjp<T, X, gates, NP> kernel_;
  Carried<T, MP> mu_;
  Index chunk_, size_;
  T *starts_, *out_bar_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
