// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/channel_vjp.hpp>
#include <lcsm/kernel/log_weights_vjp.hpp>
#include <lcsm/kernel/save_points.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of ChunkRunner: from the cotangents of a chunk's outputs and of the memory after it to those of everything that a mixer's stages have told
// it, and of the memory before it.
template <class M, class T> class ChunkVjp {
  using Runner = ChunkRunner<M, T>;
  using Packer = typename Runner::Packer;
  static constexpr OuterClass X = Runner::X;
  static constexpr Gates gates = gates_of<M>();
  static constexpr int VP = Runner::Kernel::VP, MP = Runner::MP, YP = Runner::needs_imag ? 2 : 1, NP = X.coupled ? MP : YP;
  static constexpr bool scaled = X.scaled, mean = M::normaliser::mean;
  static constexpr bool quotient = M::normaliser::quotient, shrinks_values = has_within<typename M::shrink>(Axes::value);
  static constexpr bool needs_rows = quotient || shrinks_values;

 public:
  Runner runner;
  Cotangents<M, T> bars;

  ChunkVjp(Arena& arena, const Extent& n, Index chunk)
      : runner(arena, n, chunk, 1, true), bars(arena, n, chunk), kernel_(arena, runner.planes, chunk), mu_(arena, n.keys, runner.planes.columns, runner.planes.column_pitch),
        chunk_(chunk), size_(n.keys * runner.planes.column_pitch), starts_(arena.take<T>(MP * size_ * chunks(n, chunk))), logs_(arena, n, chunk, chunks(n, chunk)) {
    for (int part = 0; part < VP; ++part) out_bar_[part] = arena.take<T>(shrinks_values ? chunk * runner.planes.value_pitch : 0);
  }

  template <class In> void begin(const In& in, const Run& run, const StateView<const T>& initial) { runner.begin(in, run, initial), bars.begin(); }
  // The memory before every chunk: of a forward call that has saved them, else found on a way forwards.
  template <class In> void forward(const In& in, const Run& run, const SavePoints<M, T>& points) {
    for (Index first = 0; first < run.time.length; first += chunk_) {
      if (points) runner.load(points.states(), points.run_at(first));
      T* const* before = runner.rounded();
      for (int part = 0; part < MP; ++part) std::copy_n(before[part], size_, start(first / chunk_, part));
      logs_.keep(runner, first / chunk_);
      if (points && !(scaled && first + chunk_ >= run.time.length)) continue;        // only scales look at the final memory
      pack(in, run, first, (std::min)(chunk_, run.time.length - first));
      if constexpr (X.coupled || X.per_channel()) runner.kernel.inside(runner.planes, runner.p_start, runner.ends, runner.y);
      else runner.kernel.ends_only(runner.planes, runner.p_start, runner.ends);
      runner.update_memory();
    }
  }
  // row(j): the cotangents of token j's outputs.
  template <class In, class To, class RowOf> void backward(const In& in, const Run& run, To& to, RowOf&& row) {
    for (Index first = round_up(run.time.length, chunk_) - chunk_; first >= 0; first -= chunk_) {
      const Index count = (std::min)(chunk_, run.time.length - first);
      const auto row_of = [&](Index j) { return row(first + j); };
      logs_.restore(runner, first / chunk_);
      pack(in, run, first, count);
      if constexpr (mean) logs_.restore(runner, first / chunk_);   // packing carries the weights on
      bars.start(count);
      T* const before[2] = {start(first / chunk_, 0), start(first / chunk_, MP - 1)};
      one_chunk(before, row_of);
      bars.flush(runner.tile, in, to, run, first, count);
    }
  }
  void load_bar(const StateView<const T>& final, const Run& run) {
    mu_.clear();
    if (!final) return logs_.load(nullptr, runner.planes.keys, 0);
    const auto m = Memory<M, const T>::of(final, run);
    Runner::take(runner.planes, mu_, m);
    logs_.load(&m, runner.planes.keys, along([&](int part, Index n) { return runner.carried().memory[part][n]; }));
  }
  void store_bar(const StateView<T>& initial, const Run& run) const {
    if (!initial) return;
    const auto m = Memory<M, T>::of(initial, run);
    Runner::give(runner.planes, mu_, m);
    logs_.store(m, along([&](int part, Index n) { return run.time.length > 0 ? double(start(0, part)[n]) : runner.carried().memory[part][n]; }));
  }

 private:
  static Index chunks(const Extent& n, Index chunk) { return divide_up(std::max<Index>(n.tokens, 1), chunk); }
  template <class F> double along([[maybe_unused]] F&& memory) const {
    double sum = 0;
    if constexpr (!scaled) return sum;
    each_number([&](Index a, Index c) {
      const Index n = a * runner.planes.column_pitch + c;
      for (int part = 0; part < MP; ++part) sum += memory(part, n) * mu_.memory[part][n];
    });
    return sum;
  }
  T* start(Index n, int part) const { return starts_ + (n * MP + part) * size_; }
  Index value_of(Index column) const { return column < runner.planes.values ? column : X.ones == 2 ? column - runner.planes.values : 0; }
  template <class In> void pack(const In& in, const Run& run, Index first, Index count) {
    runner.tile.fill(in, run, first, count), runner.packer.pack(runner.tile, count, runner.planes, runner.weight);
  }

  template <class RowOf> void one_chunk(T* const before[2], RowOf&& row_of) {
    auto& kernel = runner.kernel;
    const ChunkPlanes<T>& p = runner.planes;
    kernel_.prepare(kernel, p, runner.p_start, runner.ends, before, runner.y);
    if constexpr (needs_rows) kernel_.read(kernel, p, runner.ends, before, runner.scratch, runner.y);
    if constexpr (scaled) std::fill_n(logs_.row_bar, p.tokens, 0.0);
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
    each_number([&](Index a, Index c) { mu_.advance(a, c, double(runner.ends.key_total[a]) * double(runner.ends.total[X.per_channel() ? value_of(c) : 0])); });
    if constexpr (mean) logs_.shares(runner), logs_.weights(runner, kernel_.bars(), bars);
    if constexpr (scaled) logs_.logs(runner, kernel_.head(), bars);
    ChunkUnpacker<M, T>{runner, bars, kernel_.bars(), head_bar(), out_bar_, logs_.added}(row_of);
  }
  const T* head_bar() const {
    if constexpr (gates == Gates::head && !X.value_decay) return kernel_.head().decay; else return nullptr;
  }
  template <class F> void each_number(F&& f) const {
    for (Index a = 0; a < runner.planes.keys; ++a)
      for (Index c = 0; c < runner.planes.columns; ++c) f(a, c);
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
      const V d = real_part(runner.template denominator<V>(j, c)), scale = runner.template row_scale<V>(j, c), inverse = map::constant<V>(1) / M::normaliser::guard::apply(d, scale);
      bar = bar * inverse;
      const V along_y = real_part(stage::conjugate<false>(runner.template numerator<V>(j, c)) * bar);
      const auto slopes = M::normaliser::guard::slopes(d, scale);
      d_bar = simd::minus(along_y * inverse) * slopes.d;
      if constexpr (scaled) logs_.row_bar[j] += double(simd::sum(V(along_y * ((d * slopes.d - slopes.p) * inverse - map::constant<V>(1)))));
    }
    const Index ones = X.ones == 2 ? p.values + c : p.values;
    if constexpr (!Packer::has_out) {
      put_planes<NP>(n, c, bar);
      if constexpr (X.ones == 1) n[0][ones] += simd::sum(d_bar);
      if constexpr (X.ones == 2) simd::store(n[0] + ones, d_bar);
    } else {
      const auto out = stage::conjugate<false>(planes_at<V, VP>(p.out, j * p.value_pitch + c));
      put_planes<NP>(n, c, out * bar);
      if constexpr (X.ones == 2) put_planes<NP>(n, ones, out * d_bar);
      if constexpr (X.ones == 1) {
        const auto to = out * d_bar;
        n[0][ones] += simd::sum(real_part(to));
        if constexpr (NP == 2) n[1][ones] += simd::sum(imag_part(to));
      }
      if constexpr (shrinks_values) {
        const Index from = j * p.column_pitch;
        auto sum = stage::conjugate<false>(planes_at<V, YP>(runner.y, from + c)) * bar;
        if constexpr (X.ones == 2) sum = sum + stage::conjugate<false>(planes_at<V, YP>(runner.y, from + ones)) * d_bar;
        if constexpr (X.ones == 1) {
          if constexpr (YP == 2) sum = sum + Complex<V>(V(runner.y[0][from + ones]), V(-runner.y[1][from + ones])) * d_bar; else sum = sum + V(runner.y[0][from + ones]) * d_bar;
        }
        put_planes<VP>(out_bar_, j * p.value_pitch + c, sum);
      }
    }
  }

  std::conditional_t<X.value_decay, ChannelVjp<T, X>, OuterVjp<T, X, gates, NP>> kernel_;
  Carried<T, MP> mu_;
  Index chunk_, size_;
  T *starts_, *out_bar_[2] = {};
  LogWeightsVjp<M, T> logs_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
