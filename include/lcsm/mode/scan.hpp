// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/stretches.hpp>
#include <lcsm/kernel/carry.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/coupled_scan.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// A scan split over time, in three passes: summarise every stretch from nothing, carry, run every stretch from its carried memory.
template <class M, class T> struct ScanScratch {
  Tiles<M, T> tile;
  Diagonal<M, T> body;
  Summary<M, double> carry;
  Memory<M, T> before;
  ScanScratch(Arena& arena, const Extent& n, const Tuning& tuning)
      : tile(arena, n, (std::min)(tuning.rows, std::max<Index>(n.tokens, 1))), body(arena, n), carry(arena, n.keys, n.values),
        before(Memory<M, T>::in(arena, n.keys, n.values)) {}
};

// visitor(run, first, count) for the tokens of a stretch in blocks, each of them filled.
template <class M, class T, class In, class Visitor> void over_stretch(const Call<M, T, In>& call, const Stretches& all, Index s, ScanScratch<M, T>& scratch, Visitor&& visitor) {
  const Run run = call.unit(all.unit(s));
  const Index end = all.end(s, run), rows = call.options.tuning.rows;
  scratch.tile.begin(call.in, run);
  for (Index j = all.begin(s); j < end; j += rows) {
    const Index count = (std::min)(rows, end - j);
    scratch.tile.fill(call.in, run, j, count);
    visitor(run, j, count);
  }
}
// The first two passes: afterwards the memory of every summary is that before its stretch. final: of sequences without tokens, or of all.
template <class Exec, class M, class T, class In>
void summarise(const Exec& exec, const Call<M, T, In>& call, const Stretches& all, const Workspace& workspace, std::vector<Summary<M, T>>& summary, const StateView<T>& final, bool of_all = false) {
  const Extent& n = call.extent;
  exec.for_each(all.count(), [&](Index s, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    ScanScratch<M, T> scratch(arena, n, call.options.tuning);
    summary[to_size(s)].clear();
    over_stretch(call, all, s, scratch, [&](const Run&, Index, Index count) { summary[to_size(s)].append(scratch.tile, scratch.body, count); });
  });
  exec.for_each(call.units(), [&](Index u, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    ScanScratch<M, T> scratch(arena, n, call.options.tuning);
    const Run run = call.unit(u);
    scratch.carry.clear();
    start_from(scratch.carry.memory, call.options.initial, run);
    for (Index s = all.first(u); s < all.first(u + 1); ++s) {
      scratch.before.copy_from(scratch.carry.memory);
      join(scratch.carry, summary[to_size(s)]);
      summary[to_size(s)].memory.copy_from(scratch.before);
    }
    if ((run.time.length == 0 || of_all) && final) Memory<M, T>::of(final, run).copy_from(scratch.carry.memory);
  });
}

// What all workers see: a summary for every stretch.
template <class M, class T> std::vector<Summary<M, T>> summaries(Arena& arena, const Extent& n, Index stretches) {
  std::vector<Summary<M, T>> out;
  for (Index s = 0; s < stretches; ++s) out.emplace_back(arena, n.keys, n.values);
  return out;
}

template <class Exec, class M, class T, class In, class S> void scan_over_time(const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  const Extent& n = call.extent;
  const Stretches all(call, call.options.tuning.scan_chunk);
  const Index stretches = all.count();
  Arena counting, counting_shared;
  { ScanScratch<M, T> scratch(counting, n, call.options.tuning); }
  summaries<M, T>(counting_shared, n, stretches);
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers((std::max)(stretches, call.units())), counting_shared.used()));
  const Workspace workspace("scan", call.options.workspace, counting.used(), exec.workers((std::max)(stretches, call.units())), counting_shared.used());
  zero_padding(call, y);
  Arena shared = workspace.shared();
  std::vector<Summary<M, T>> summary = summaries<M, T>(shared, n, stretches);
  summarise(exec, call, all, workspace, summary, call.options.final);
  exec.for_each(stretches, [&](Index s, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    ScanScratch<M, T> scratch(arena, n, call.options.tuning);
    const Memory<M, T>& memory = summary[to_size(s)].memory;
    over_stretch(call, all, s, scratch, [&](const Run& run, Index j, Index count) {
      scratch.body.advance(scratch.tile, count, memory, OutputRows<S>{y, run, j});
    });
    if (call.options.final && all.is_last(s)) Memory<M, T>::of(call.options.final, call.unit(all.unit(s))).copy_from(memory);
  });
  finish_positions(call);
}

// The associative scan (earlier, later) -> (decay_later decay_earlier, decay_later memory_earlier + memory_later). With enough heads, or blocks of 128
// channels that share nothing, every head is one sweep, as channels and heads already fill the processor; with few, time is split into stretches of tuning.scan_chunk tokens, whose
// carry is kept in double. Which of the two depends on shapes alone; neither does the number of threads change a bit.
// Saved memories are those of one sweep. A coupling's summary is a K x K transition; its stretches run by chunks. Same arguments, aliasing and errors as `recurrent`.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void scan(const Exec& exec, M, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>, scannable = is_scannable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::scan: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!scannable) static_assert(scannable, "lcsm::scan: a coupling (delta rule) under an elementwise (K x D) stage has a transition for every channel: use lcsm::recurrent");
  else {
    const auto call = checked_call<M, T>("scan", in, y, options);
    const bool by_channels = call.units() * divide_up(call.extent.values, ChannelBlocks::wide) >= options.tuning.scan_units && channels_are_apart<M>(in);
    const bool whole = is_one_sweep(call) || by_channels || (M::shifts && call.extent.keys > call.options.tuning.scan_chunk);   // a summary would be longer than its stretch
    if constexpr (is_code_write<M>) coded::sweep("scan", exec, call, y);    // each token reads every row: summaries would cost as much again
    else if constexpr (is_code_kernel<M>) {
      if (whole) coded::sweep("scan", exec, call, y); else coded::scan_over_time(exec, call, y);
    } else if constexpr (M::coupled) {
      if constexpr (!outer_kernel<M>) sweep("scan", exec, call, y);
      else if (whole) sweep("scan", exec, call, y);
      else coupled::scan_over_time(exec, call, y);
    } else if (whole) sweep("scan", exec, call, y);
    else scan_over_time(exec, call, y);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
