// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/kernel/diagonal.hpp>
#include <lcsm/kernel/save_points.hpp>
#include <lcsm/mode/coded.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A head from its initial to its final memory, token by token.
template <class M, class T> struct RecurrentScratch {
  Index rows;
  Tiles<M, T> tile;
  Diagonal<M, T> body;
  Memory<M, T> memory;
  RecurrentScratch(Arena& arena, const Extent& n, const Tuning& tuning)
      : rows(rows_of(n, tuning)), tile(arena, n, rows), body(arena, n), memory(Memory<M, T>::in(arena, n.keys, n.values)) {}

 private:
  // Tokens whose rows stay in the first cache.
  static Index rows_of(const Extent& n, const Tuning& tuning) {
    return (std::max<Index>)((std::min)({tuning.rows, n.tokens, 4096 / (std::max<Index>)(n.values, 1)}), 1);
  }
};

template <class M, class T, class In, class S>
void recurrent_head(RecurrentScratch<M, T>& scratch, const In& in, const Options<T>& options, const Run& run, const View<S>& y) {
  const Memory<M, T> memory = options.final ? Memory<M, T>::of(options.final, run) : scratch.memory;
  start_from(memory, options.initial, run);
  scratch.tile.begin(in, run);
  const SavePoints<M, T> points(options.saved, run);
  for (Index first = 0, count = 0; first < run.time.length; first += count) {
    count = (std::min)({scratch.rows, run.time.length - first, points.until_next(first)});
    if (points.is_at(first)) points.at(first).copy_from(memory);
    scratch.tile.fill(in, run, first, count);
    scratch.body.advance(scratch.tile, count, memory, OutputRows<S>{y, run, first});
  }
}

// All heads, each in one sweep, in blocks of value channels where these are apart.
template <class Exec, class M, class T, class In, class S> void sweep(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  const Index D = call.extent.values;
  const ChannelBlocks blocks = ChannelBlocks::make(call.extent, exec.workers(call.units() * (std::max<Index>)(D, 1)), channels_are_apart<M>(call.in));
  const Index items = call.units() * blocks.per_unit();
  Extent block = call.extent;
  block.values = blocks.width();
  Arena counting;
  { RecurrentScratch<M, T> scratch(counting, block, call.options.tuning); }
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(items)));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(items));
  zero_padding(call, y);
  exec.for_each(items, [&](Index item, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    Run run = call.unit(item / blocks.per_unit());
    const Index first = blocks.first(item % blocks.per_unit()), width = blocks.width(item % blocks.per_unit());
    if (width == D) {
      RecurrentScratch<M, T> scratch(arena, run.extent, call.options.tuning);
      return recurrent_head(scratch, call.in, call.options, run, y);
    }
    if constexpr (splits_channels<M, In>) {
      run.extent.values = width;
      RecurrentScratch<M, T> scratch(arena, run.extent, call.options.tuning);
      recurrent_head(scratch, of_channels<M>(call.in, D, first, width), of_channels<M>(call.options, D, first, width), run, y.features(first, width));
    }
  });
  finish_positions(call);
}

// The recurrence, token by token: O(K D) per token and head, the state in and out. Each step rounds its decay and its sum once, so the error
// of a float state grows with the memory of the decay (docs/accuracy.md); Options<double> keeps a double state. Splitting a call anywhere and
// carrying the state changes no bit, nor does the number of threads, nor `step` instead. Parallel over sequences and heads.
// Inputs and y must not overlap; options.initial and options.final may be one state. Throws before anything is written.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void recurrent(const Exec& exec, M, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::recurrent: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    const auto call = checked_call<M, T>("recurrent", in, y, options);
    if constexpr (is_code_kernel<M> || is_code_write<M>) coded::sweep("recurrent", exec, call, y); else sweep("recurrent", exec, call, y);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
