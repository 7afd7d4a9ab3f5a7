// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/gradients.hpp>
#include <lcsm/call/stretches.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/code_vjp.hpp>
#include <lcsm/kernel/diagonal_vjp.hpp>
#include <lcsm/kernel/save_points.hpp>
#include <lcsm/kernel/trail.hpp>
#include <lcsm/mode/differentiable.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A row of y_bar, read in lanes of T from whatever it is stored in.
template <class M, class T, class Y> struct OutputBar {
  const Y* data;
  Index stride, values;
  template <class V> std::pair<V, V> output(Index c) const {
    if constexpr (M::projection::parts == 2) return {load<V>(c), load<V>(values + c)}; else return {load<V>(c), map::constant<V>(0)};
  }

 private:
  template <class V> V load(Index c) const {
    if constexpr (std::is_same_v<std::remove_const_t<Y>, T>) if (stride == 1) return simd::load<V>(data + c);
    T lanes[simd::width<V>];
    for (Index n = 0; n < simd::width<V>; ++n) lanes[n] = stage::convert<T>(data[(c + n) * stride]);
    return simd::load<V>(lanes);
  }
};

// row(j): that of token j of a run.
template <class M, class T, class Y> auto output_bars(const View<Y>& y_bar, const Run& run) {
  return [y_bar, run](Index j) { return OutputBar<M, T, Y>{y_bar.data + y_bar.offset(run.batch, run.time.token(j), run.head, 0, 0), y_bar.stride[4], run.extent.values}; };
}

// The adjoint of a stretch of tokens: memories are kept at the start of every block, and those of one block are computed again when time comes back to
// it. Nothing is divided by a decay to find an earlier memory.
template <class M, class T> struct StretchVjp {
  Index block;
  Tiles<M, T> tile;
  Cotangents<M, T> bars;
  Diagonal<M, T> body;
  DiagonalVjp<M, T> adjoint;
  Trail<M, T> starts, within;
  Memory<M, T> memory, bar;
  SavePoints<M, T> points;             // the starts of the blocks, where a forward call has kept them

  // block: tokens between two starts; kept: of how many tokens in all.
  StretchVjp(Arena& arena, const Extent& n, Index size, Index tokens, Index kept)
      : block((std::min)(size, std::max<Index>(tokens, 1))), tile(arena, n, block), bars(arena, n, block), body(arena, n), adjoint(arena, n),
        starts(arena, divide_up(std::max<Index>(kept, 1), block), n.keys, n.values), within(arena, block + 1, n.keys, n.values), memory(Memory<M, T>::in(arena, n.keys, n.values)),
        bar(Memory<M, T>::in(arena, n.keys, n.values)) {}

  // From `memory`, the memory before the tokens [begin, end), to that after them.
  template <class In> void forward(const In& in, const Run& run, Index begin, Index end) {
    for (Index first = begin; first < end; first += block) {
      const Index count = (std::min)(block, end - first);
      starts.at((first - begin) / block).copy_from(memory);
      tile.fill(in, run, first, count);
      body.advance(tile, count, memory, Nowhere{});
    }
  }
  // And back: `bar` goes from the cotangents of the memory after the tokens to those of the memory before them.
  template <bool Pulls, class In, class To, class RowOf> void backward(const In& in, const Run& run, Index begin, Index end, RowOf&& row, To& to) {
    for (Index first = begin + round_up(end - begin, block) - block; first >= begin; first -= block) {
      const Index count = (std::min)(block, end - first);
      tile.fill(in, run, first, count);
      within.at(0).copy_from(start_of(first, begin));
      for (Index j = 0; j < count; ++j) within.at(j + 1).copy_from(within.at(j)), body.advance_one(tile, j, within.at(j + 1), Nowhere{});
      if constexpr (Pulls) bars.start(count);
      for (Index j = count - 1; j >= 0; --j) {
        const Memory<M, T> before = within.at(j), after = within.at(j + 1);
        adjoint.template token<Pulls>({tile, bars, j, before, after, bar}, row(first + j));
      }
      if constexpr (Pulls) bars.flush(tile, in, to, run, first, count);
    }
  }
  // A whole head, forwards and back.
  template <class In, class To, class RowOf>
  void head(const In& in, const Run& run, RowOf&& row, const StateView<const T>& initial, const StateCotangents<T>& states, To& to) {
    start_from(memory, initial, run);
    tile.begin(in, run), bars.begin();
    if (!points) forward(in, run, 0, run.time.length);
    else if (M::stabiliser::scaled && run.time.length > 0) {         // only scales look at the final memory
      const Index last = round_up(run.time.length, block) - block;
      memory.copy_from(points.at(last)), forward(in, run, last, run.time.length);
    }
    load_bar(states.final, run);
    backward<true>(in, run, 0, run.time.length, row, to);
    bars.end(tile, in, to, run);
    if (run.time.length == 0) start_from(memory, initial, run); else memory.copy_from(start_of(0, 0));
    store_bar(states.initial, memory, run);
  }
  Memory<M, T> start_of(Index first, Index begin) const { return points ? points.at(first) : starts.at((first - begin) / block); }
  // The cotangents of a final state, whose memory is stored times exp(-p): those of p are with the true memory held fixed.
  void load_bar(const StateView<const T>& final, const Run& run) const {
    bar.zero();
    if (final) bar.copy_from(Memory<M, const T>::of(final, run)), shift_scale(memory, -1);
  }
  void store_bar(const StateView<T>& initial, const Memory<M, T>& start, const Run& run) const {
    if (!initial) return;
    shift_scale(start, 1), Memory<M, T>::of(initial, run).copy_from(bar);
  }

 private:
  void shift_scale([[maybe_unused]] const Memory<M, T>& of, [[maybe_unused]] int sign) const {
    if constexpr (M::stabiliser::scaled) {
      const auto add = [&](Index c, double x) { bar.p[M::scale_per_channel ? c : 0] = static_cast<T>(double(bar.p[M::scale_per_channel ? c : 0]) + sign * x); };
      const auto along = [](auto x, auto y) { return double(real_part(stage::conjugate<false>(x) * y)); };
      for (Index a = 0; a < bar.keys; ++a) {
        for (Index c = 0; c < bar.values; ++c) add(c, along(of.template load_m<T>(a, c), bar.template load_m<T>(a, c)));
        if constexpr (StateShape<M>::z_per_channel) for (Index c = 0; c < bar.values; ++c) add(c, along(of.template load_z<T>(a, c), bar.template load_z<T>(a, c)));
        else add(0, along(of.template load_z<T>(0, a), bar.template load_z<T>(0, a)));
      }
    }
  }
};

// All heads, each in one sweep forwards and one back. Codes touch single rows.
template <class Exec, class M, class T, class In, class Y, class G>
void sweep_vjp(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads, const StateCotangents<T>& states) {
  const Extent& n = call.extent;
  const auto over = [&](Arena& arena) {
    if constexpr (is_code_kernel<M>) return CodeVjp<M, T>(arena, n, call.options.tuning, states.final || states.initial);
    else return StretchVjp<M, T>(arena, n, call.options.block(), n.tokens, call.options.saved ? 1 : n.tokens);
  };
  Arena counting, counting_shared;
  { [[maybe_unused]] const auto work = over(counting); }
  Gradients<M, G, T>(grads, call, y_bar.batch(), counting_shared);
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units()), counting_shared.used()));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(call.units()), counting_shared.used());
  Arena shared = workspace.shared();
  const Gradients<M, G, T> gradients(grads, call, y_bar.batch(), shared);
  exec.for_each(call.units(), [&](Index unit, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    auto work = over(arena);
    auto to = gradients.unit(unit);
    const Run run = call.unit(unit);
    if constexpr (!is_code_kernel<M>) work.points = {call.options.saved, run};
    work.head(call.in, run, output_bars<M, T>(y_bar, run), call.options.initial, states, to);
  });
  gradients.store();
}

// The adjoint of `recurrent`, token by token backwards: O(K D) per token and head, and a memory for every tuning.chunk tokens (unless a
// forward call has saved them); where both ends are codes O(D + log T), and a row of the memory for every token. Arguments, gradients and errors are those of
// reference_vjp (mode/reference_vjp.hpp); T is the type that the call computes in. No thread count changes a bit.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void recurrent_vjp(const Exec& exec, M, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::recurrent_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::recurrent_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else sweep_vjp("recurrent_vjp", exec, checked_adjoint<M, T>("recurrent_vjp", in, y_bar, grads, options, states), y_bar, grads, states);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
