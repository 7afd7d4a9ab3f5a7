// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/kernel/carried.hpp>
#include <lcsm/kernel/chunk_packer.hpp>
#include <lcsm/kernel/outer.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Between a mixer and the outer kernel: packs chunks of a head, keeps the memory in the kernel's layout (value channels, then the
// denominators' columns; double, so that the carry's rounding does not grow with the number of chunks), and finishes rows. It can keep the memories of
// several heads: a chunk of one head after the other walks the caller's rows as they lie.
template <class M, class T> class ChunkRunner {
 public:
  static constexpr OuterClass X = outer_class<M>();
  using Kernel = OuterKernel<T, X>;
  using Packer = ChunkPacker<M, T>;
  using Shape = StateShape<M>;
  static constexpr int MP = Kernel::MP;
  // The imaginary plane of the rows: only if something looks at it.
  static constexpr bool needs_imag = MP == 2 && (X.value_complex || M::projection::parts == 2);

  Tiles<M, T> tile;
  Packer packer;
  ChunkPlanes<T> planes;
  Kernel kernel;
  typename Kernel::Ends ends;
  T* y[2] = {};
  T* scratch[2] = {};
  double* p_start;                                          // RunningMax: the scale before the chunk
  double* weight;                                           // Mean: log weights before the chunk

  // adjoint: multiplies by what single tokens turn, too.
  ChunkRunner(Arena& arena, const Extent& n, Index tokens, Index heads = 1, bool adjoint = false)
      : tile(arena, n, tokens, true, adjoint), packer(arena, n), planes(ChunkPlanes<T>::template make<M>(arena, n, tokens)), kernel(arena, planes, tokens),
        ends(Kernel::Ends::template make<X>(arena, planes, tokens)), p_start(arena.take<double>(heads * (X.scaled ? scales(n) : 0))), weight(arena.take<double>(heads * (M::normaliser::mean ? n.keys : 0))),
        carried_(arena, n.keys, planes.columns, planes.column_pitch, heads), is_rounded_(arena.take<bool>(heads)) {
    for (int part = 0; part < (needs_imag ? 2 : 1); ++part) y[part] = arena.take<T>(tokens * planes.column_pitch), scratch[part] = arena.take<T>(tokens * planes.column_pitch);
    for (int part = 0; part < MP; ++part) sum_[part] = X.coupled ? arena.take<T>(tokens * planes.column_pitch) : nullptr;
  }

  // Goes on with another of its heads; `begin` or `resume` comes next.
  void use(Index head) {
    const Index by = head - head_;
    if constexpr (X.scaled) p_start += by * (X.channel_scale ? (std::max<Index>)(planes.values, 1) : 1);
    if constexpr (M::normaliser::mean) weight += by * planes.keys;
    carried_.move(by), is_rounded_ += by, head_ = head;
  }
  template <class In> void resume(const In& in, const Run& run) { tile.begin(in, run); }
  template <class In> void begin(const In& in, const Run& run, const StateView<const T>& initial) {
    tile.begin(in, run);
    load(initial, run);
  }
  // Packs the tokens [first, first + count) and computes what happens inside the chunk. Log scales and means are carried on.
  template <class In> void inside(const In& in, const Run& run, Index first, Index count) {
    tile.fill(in, run, first, count);
    packer.pack(tile, count, planes, weight);
    kernel.inside(planes, p_start, ends, y);
  }

  // The rows' share of the memory before the chunk.
  void read_memory() {
    kernel.from_memory(planes, ends.reads, rounded(), planes.column_pitch, ends.row_weight, scratch, y);
  }
  T* const* rounded() {
    if (!*is_rounded_) carried_.round(), *is_rounded_ = true;
    return carried_.rounded;
  }
  const Carried<T, MP>& carried() const { return carried_; }
  // memory <- decayed memory + what the chunk wrote, turned to the chunk's end.
  void update_memory() {
    kernel.to_memory(planes, ends, carried_.delta);
    if constexpr (X.coupled) kernel.template erase<MP>(planes, ends, rounded(), planes.column_pitch, sum_, carried_.delta);
    constexpr bool by_rows = !Kernel::channel_weights && !Packer::turns_keys && !Packer::turns_values;
    if constexpr (by_rows) for (Index a = 0; a < planes.keys; ++a) carried_.advance_row(a, double(ends.key_total[a]) * double(ends.total[0]));
    else for (Index a = 0; a < planes.keys; ++a)
      for (Index c = 0; c < planes.columns; ++c) {
        carried_.advance(a, c, double(ends.key_total[a]) * double(ends.total[Kernel::channel_weights ? value_of(c) : 0]));
        if constexpr (Packer::turns_keys) carried_.turn(a, c, planes.turn, a);
        if constexpr (Packer::turns_values) carried_.turn(a, c, planes.value_turn, value_of(c));
      }
    *is_rounded_ = by_rows;
    advance_scale();
  }
  void advance_scale() {
    if constexpr (X.scaled) {
      const T* end = ends.scale + planes.tokens * (X.channel_scale ? planes.value_pitch : 1);
      for (Index c = 0; c < (X.channel_scale ? planes.values : 1); ++c) p_start[c] = (std::max)(ChannelWeights<T, X>::base(p_start[c]) + double(end[c]), FromNothing::value);
    }
  }

  // y (planes) onto the caller's rows.
  template <class S> void finish_rows(const View<S>& out, const Run& run, Index first) const {
    const Index D = planes.values;
    for (Index j = 0; j < planes.tokens; ++j) {
      const Row<S> row = output_row(out, run, first + j);
      for_lanes<T>(D, [&]<class V>(std::type_identity<V>, Index c) {
        V p = map::constant<V>(0);
        if constexpr (X.scaled) p = row_scale<V>(j, c);
        finish(tile, j, row, c, numerator<V>(j, c), denominator<V>(j, c), p);
      });
    }
  }
  template <class V> LCSM_INLINE auto numerator(Index j, Index c) const { return read<V, false>(j, c, c); }
  template <class V> LCSM_INLINE auto denominator(Index j, Index c) const {
    if constexpr (X.ones == 0) return map::constant<V>(1);
    else return read<V, X.ones == 1>(j, c, X.ones == 2 ? planes.values + c : planes.values);
  }
  template <class V> LCSM_INLINE V row_scale(Index j, Index c) const {
    if constexpr (!X.scaled) return map::constant<V>(0);
    else if constexpr (!X.channel_scale) return V(static_cast<T>(ChannelWeights<T, X>::base(p_start[0]) + double(ends.scale[j])));
    else {
      alignas(64) T lanes[simd::width<V>];
      for (Index n = 0; n < simd::width<V>; ++n) lanes[n] = static_cast<T>(ChannelWeights<T, X>::base(p_start[c + n]) + double(ends.scale[j * planes.value_pitch + c + n]));
      return simd::load<V>(lanes);
    }
  }

  void store(const StateView<T>& final, const Run& run) const {
    if (!final) return;
    const Memory<M, T> m = Memory<M, T>::of(final, run);
    give(planes, carried_, m);
    if constexpr (M::normaliser::mean) for (Index a = 0; a < planes.keys; ++a) m.z[a] = static_cast<T>(weight[a]);
    if constexpr (X.scaled) for (Index c = 0; c < m.scales(); ++c) m.p[c] = static_cast<T>(p_start[c]);
  }
  void load(const StateView<const T>& initial, const Run& run) {
    carried_.clear(), *is_rounded_ = false;
    if constexpr (X.scaled) std::fill_n(p_start, scales(run.extent), M::stabiliser::start);
    if constexpr (M::normaliser::mean) std::fill_n(weight, planes.keys, FromNothing::value);
    if (!initial) return;
    const Memory<M, const T> m = Memory<M, const T>::of(initial, run);
    take(planes, carried_, m);
    if constexpr (M::normaliser::mean) for (Index a = 0; a < planes.keys; ++a) weight[a] = double(m.z[a]);
    if constexpr (X.scaled) for (Index c = 0; c < m.scales(); ++c) p_start[c] = double(m.p[c]);
  }
  // Between the planes that chunks carry and the memory of a state.
  static void give(const ChunkPlanes<T>& planes, const Carried<T, MP>& carried, const Memory<M, T>& m) {
    const Index pitch = planes.column_pitch, values = planes.values;
    for (Index a = 0; a < planes.keys; ++a) {
      for (Index c = 0; c < values; ++c) {
        m.m[a * m.row + c] = static_cast<T>(carried.memory[0][a * pitch + c]);
        if constexpr (Shape::has_imag) m.m_imag[a * m.row_imag + c] = MP == 2 ? static_cast<T>(carried.memory[MP - 1][a * pitch + c]) : T(0);
      }
      if constexpr (X.ones == 1) {
        m.z[a] = static_cast<T>(carried.memory[0][a * pitch + values]);
        if constexpr (Shape::z_imag) m.z_imag[a] = MP == 2 ? static_cast<T>(carried.memory[MP - 1][a * pitch + values]) : T(0);
      } else if constexpr (X.ones == 2) {
        for (Index c = 0; c < values; ++c) {
          m.z[a * m.z_row + c] = static_cast<T>(carried.memory[0][a * pitch + values + c]);
          if constexpr (Shape::z_imag) m.z_imag[a * m.z_row_imag + c] = MP == 2 ? static_cast<T>(carried.memory[MP - 1][a * pitch + values + c]) : T(0);
        }
      }
    }
  }
  static void take(const ChunkPlanes<T>& planes, const Carried<T, MP>& carried, const Memory<M, const T>& m) {
    const Index pitch = planes.column_pitch, values = planes.values;
    for (Index a = 0; a < planes.keys; ++a) {
      for (Index c = 0; c < values; ++c) {
        carried.memory[0][a * pitch + c] = double(m.m[a * m.row + c]);
        if constexpr (Shape::has_imag && MP == 2) carried.memory[1][a * pitch + c] = double(m.m_imag[a * m.row_imag + c]);
      }
      if constexpr (X.ones == 1) {
        carried.memory[0][a * pitch + values] = double(m.z[a]);
        if constexpr (Shape::z_imag && MP == 2) carried.memory[1][a * pitch + values] = double(m.z_imag[a]);
      } else if constexpr (X.ones == 2) {
        for (Index c = 0; c < values; ++c) {
          carried.memory[0][a * pitch + values + c] = double(m.z[a * m.z_row + c]);
          if constexpr (Shape::z_imag && MP == 2) carried.memory[1][a * pitch + values + c] = double(m.z_imag[a * m.z_row_imag + c]);
        }
      }
    }
  }

 private:
  static Index scales(const Extent& n) { return X.channel_scale ? std::max<Index>(n.values, 1) : 1; }
  Index value_of(Index column) const { return column < planes.values ? column : X.ones == 2 ? column - planes.values : 0; }

  // One number of a row, through the channel side of the read.
  template <class V, bool Shared> LCSM_INLINE auto read(Index j, Index c, Index column) const {
    const Index at = j * planes.column_pitch + column;
    const auto lanes = [&](const T* row) { if constexpr (Shared) return V(row[at]); else return simd::load<V>(row + at); };
    const V re = lanes(y[0]);
    if constexpr (needs_imag) return through<V>(Complex<V>(re, lanes(y[1])), j, c); else return through<V>(re, j, c);
  }
  template <class V, class F> LCSM_INLINE auto through(F x, Index j, Index c) const {
    if constexpr (!Packer::has_out) return x;
    else {
      const Index at = j * planes.value_pitch + c;
      if constexpr (X.value_complex) return x * Complex<V>(simd::load<V>(planes.out[0] + at), simd::load<V>(planes.out[1] + at));
      else return x * simd::load<V>(planes.out[0] + at);
    }
  }

  Carried<T, MP> carried_;
  bool* is_rounded_;                                        // the rounded planes are those of the memory
  Index head_ = 0;
  T* sum_[2] = {};                                          // coupled: what a chunk's rows erase
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
