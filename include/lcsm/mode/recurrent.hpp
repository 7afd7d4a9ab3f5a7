// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/channel_blocks.hpp>
#include <lcsm/call/door.hpp>
#include <lcsm/call/head_groups.hpp>
#include <lcsm/call/prefetch.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/kernel/diagonal.hpp>
#include <lcsm/kernel/save_points.hpp>
#include <lcsm/mode/coded.hpp>
#include <lcsm/simd/denormals.hpp>

#include <memory>

namespace lcsm {
inline namespace LCSM_ARCH {

// What a head needs beside its inputs.
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

// A block of value channels of a head on its way from its initial to its final memory.
template <class M, class T, class In, class S> class SweepPart {
 public:
  SweepPart(Arena& arena, const Call<M, T, In>& call, const Run& run, const View<S>& y, Index first, Index width)
      : in_(held(call, first, width)), options_(of_channels<M>(call.options, call.extent.values, first, width)), run_(of_width(run, width)), y_(from_channel(y, first)),
        scratch_(arena, run_.extent, options_.tuning), memory_(options_.final ? Memory<M, T>::of(options_.final, run_) : scratch_.memory), points_(options_.saved, run_) {
    start_from(memory_, options_.initial, run_);
    scratch_.tile.begin(in(), run_);
  }
  SweepPart(const SweepPart&) = delete;

  // The tokens that are run at once from `first` on: 0 at the end.
  Index tokens(Index first) const { return (std::min)({scratch_.rows, run_.time.length - first, points_.until_next(first)}); }
  void advance(Index first, Index count, bool streamed) {
    if (points_.is_at(first)) points_.at(first).copy_from(memory_);
    scratch_.tile.fill(in(), run_, first, count);
    prefetch<M>(in(), run_, first + count, scratch_.rows);
    scratch_.body.advance(scratch_.tile, count, memory_, OutputRows<S>{y_, run_, first, streamed});
  }

 private:
  // Narrower views need a copy of the inputs.
  using Held = std::conditional_t<splits_channels<M, In>, In, const In*>;
  static Held held(const Call<M, T, In>& call, [[maybe_unused]] Index first, [[maybe_unused]] Index width) {
    if constexpr (splits_channels<M, In>) return of_channels<M>(call.in, call.extent.values, first, width); else return &call.in;
  }
  // Only its beginning moves: rows of two parts are as far apart as before.
  static View<S> from_channel(View<S> y, Index first) {
    y.data += first * y.stride[4];
    return y;
  }
  static Run of_width(Run run, Index width) {
    run.extent.values = width;
    return run;
  }
  const In& in() const {
    if constexpr (splits_channels<M, In>) return in_; else return *in_;
  }
  Held in_;
  Options<T> options_;
  Run run_;
  View<S> y_;
  RecurrentScratch<M, T> scratch_;
  Memory<M, T> memory_;
  SavePoints<M, T> points_;
};

// All heads, in blocks of value channels where these are apart. A worker walks several of them, some tokens of each in turn, as their rows lie side by side: read one after the other from
// end to end, they would need all pages of the inputs anew each time.
template <class Exec, class M, class T, class In, class S> void sweep(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  using Part = SweepPart<M, T, In, S>;
  Extent block = call.extent, parts = call.extent;
  const ChannelBlocks blocks = ChannelBlocks::make(call.extent, exec.workers(call.units() * (std::max<Index>)(call.extent.values, 1)), channels_are_apart<M>(call.in));
  block.values = blocks.width(), parts.heads *= blocks.per_unit();
  const HeadGroups groups(parts, exec.workers(call.units() * blocks.per_unit()));
  const bool streamed = streams(y, call.options.tuning, M::projection::parts);
  Arena counting;
  counting.take<Part>(groups.size);
  for (Index n = 0; n < groups.size; ++n) RecurrentScratch<M, T> scratch(counting, block, call.options.tuning);
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(groups.items())));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(groups.items()));
  zero_padding(call, y);
  exec.for_each(groups.items(), [&](Index item, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    const Index first = groups.first(item), count = groups.first(item + 1) - first;
    Part* const part = arena.take<Part>(groups.size);
    for (Index n = 0; n < count; ++n) {
      const Index unit = (first + n) / blocks.per_unit(), of_unit = (first + n) % blocks.per_unit();
      std::construct_at(part + n, arena, call, call.unit(unit), y, blocks.first(of_unit), blocks.width(of_unit));
    }
    for (Index token = 0, tokens = 0; count > 0 && (tokens = part->tokens(token)) > 0; token += tokens)
      for (Index n = 0; n < count; ++n) part[n].advance(token, tokens, streamed);
    std::destroy_n(part, count);
    if (streamed) simd::stream_fence();
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
