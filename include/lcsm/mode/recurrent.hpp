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
  Tiles<M, T> tile;
  Diagonal<M, T> body;
  Memory<M, T> memory;
  RecurrentScratch(Arena& arena, const Extent& n, const Tuning& tuning)
      : tile(arena, n, (std::min)(tuning.rows, std::max<Index>(n.tokens, 1))), body(arena, n), memory(Memory<M, T>::in(arena, n.keys, n.values)) {}
};

template <class M, class T, class In, class S>
void recurrent_head(RecurrentScratch<M, T>& scratch, const Call<M, T, In>& call, const Run& run, const View<S>& y) {
  const Options<T>& options = call.options;
  const Memory<M, T> memory = options.final ? Memory<M, T>::of(options.final, run) : scratch.memory;
  start_from(memory, options.initial, run);
  scratch.tile.begin(call.in, run);
  const SavePoints<M, T> points(options.saved, run);
  for (Index first = 0, count = 0; first < run.time.length; first += count) {
    count = (std::min)({options.tuning.rows, run.time.length - first, points.until_next(first)});
    if (points.is_at(first)) points.at(first).copy_from(memory);
    scratch.tile.fill(call.in, run, first, count);
    scratch.body.advance(scratch.tile, count, memory, OutputRows<S>{y, run, first});
  }
}

// All heads, each in one sweep.
template <class Exec, class M, class T, class In, class S> void sweep(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  Arena counting;
  { RecurrentScratch<M, T> scratch(counting, call.extent, call.options.tuning); }
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units())));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(call.units()));
  zero_padding(call, y);
  exec.for_each(call.units(), [&](Index unit, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    RecurrentScratch<M, T> scratch(arena, call.extent, call.options.tuning);
    recurrent_head(scratch, call, call.unit(unit), y);
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
