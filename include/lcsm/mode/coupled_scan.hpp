// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/stretches.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/transition.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace coupled {

// What a stretch leaves, and what it does to the memory before it; then the memory it starts from. In double.
template <class M, class T> struct Summary {
  static constexpr OuterClass X = outer_class<M>();
  static constexpr int KP = X.key_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;
  Index keys, columns, pitch, square;
  double *memory[2] = {}, *transition[2] = {};

  Summary(Arena& arena, const Extent& n, Index width)
      : keys(n.keys), columns(width), pitch(round_up(width, simd::width<Batch<T>>)), square(round_up(n.keys, simd::width<Batch<T>>)) {
    for (int part = 0; part < MP; ++part) memory[part] = arena.take<double>(keys * pitch);
    for (int part = 0; part < KP; ++part) transition[part] = arena.take<double>(keys * square);
  }
  void take(const ChunkRunner<M, T>& runner, const Transition<M, T>& p) const {
    for (int part = 0; part < MP; ++part) std::copy_n(runner.carried().memory[part], keys * pitch, memory[part]);
    for (int part = 0; part < KP; ++part) std::copy_n(p.plane(part), keys * square, transition[part]);
  }
  // The memory before the stretch goes in, the memory after it comes out in its place, and the summary keeps the one before. row: scratch.
  void carry(double* const before[2], double* const after[2]) const {
    for (int part = 0; part < MP; ++part) std::copy_n(memory[part], keys * pitch, after[part]);
    for (Index a = 0; a < keys; ++a)
      for (Index b = 0; b < keys; ++b)
        for_plane_products<KP, MP>([&](int l, int r, int out, int sign) {
          const double x = sign * transition[l][a * square + b];
          for (Index c = 0; c < columns; ++c) after[out][a * pitch + c] += x * before[r][b * pitch + c];
        });
    for (int part = 0; part < MP; ++part) std::copy_n(before[part], keys * pitch, memory[part]), std::copy_n(after[part], keys * pitch, before[part]);
  }
};

// A scan split over time: stretches are summarised from nothing, carried in order, and run from the memory they start from, all by chunks.
template <class Exec, class M, class T, class In, class S> void scan_over_time(const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  const Extent& n = call.extent;
  const Tuning& tuning = call.options.tuning;
  const Index chunk = (std::min)({tuning.chunk, tuning.scan_chunk, (std::max<Index>)(n.tokens, 1)});
  const Stretches all(call, tuning.scan_chunk);
  struct Scratch {
    ChunkRunner<M, T> runner;
    Transition<M, T> transition;
    double *after[2] = {};
    Scratch(Arena& arena, const Extent& e, Index tokens) : runner(arena, e, tokens), transition(arena, e, tokens) {
      for (double*& plane : after) plane = arena.take<double>(e.keys * runner.planes.column_pitch);
    }
  };
  Arena counting, counting_shared;
  Index width;
  {
    Scratch scratch(counting, n, chunk);
    width = scratch.runner.planes.columns;
    for (Index s = 0; s < all.count(); ++s) Summary<M, T>(counting_shared, n, width);
  }
  const Index workers = exec.workers((std::max)(all.count(), call.units()));
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), workers, counting_shared.used()));
  const Workspace workspace("scan", call.options.workspace, counting.used(), workers, counting_shared.used());
  zero_padding(call, y);
  Arena shared = workspace.shared();
  std::vector<Summary<M, T>> summary;
  for (Index s = 0; s < all.count(); ++s) summary.emplace_back(shared, n, width);

  const auto over_chunks = [&](Index s, ChunkRunner<M, T>& runner, auto&& use) {
    const Run run = call.unit(all.unit(s));
    const Index end = all.end(s, run);
    for (Index first = all.begin(s); first < end; first += chunk) {
      runner.inside(call.in, run, first, (std::min)(chunk, end - first));
      use(run, first);
      runner.update_memory();
    }
  };
  exec.for_each(all.count(), [&](Index s, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    Scratch scratch(arena, n, chunk);
    scratch.runner.begin(call.in, call.unit(all.unit(s)), {});
    scratch.transition.clear();
    over_chunks(s, scratch.runner, [&](const Run&, Index) { scratch.transition.append(scratch.runner); });
    summary[to_size(s)].take(scratch.runner, scratch.transition);
  });
  exec.for_each(call.units(), [&](Index u, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    Scratch scratch(arena, n, chunk);
    scratch.runner.begin(call.in, call.unit(u), call.options.initial);
    for (Index s = all.first(u); s < all.first(u + 1); ++s) summary[to_size(s)].carry(scratch.runner.carried().memory, scratch.after);
    if (all.first(u) == all.first(u + 1)) scratch.runner.store(call.options.final, call.unit(u));
  });
  exec.for_each(all.count(), [&](Index s, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    Scratch scratch(arena, n, chunk);
    const Run stretch = call.unit(all.unit(s));
    scratch.runner.begin(call.in, stretch, {});
    for (int part = 0; part < Summary<M, T>::MP; ++part)
      std::copy_n(summary[to_size(s)].memory[part], n.keys * scratch.runner.planes.column_pitch, scratch.runner.carried().memory[part]);
    over_chunks(s, scratch.runner, [&](const Run& run, Index first) { scratch.runner.read_memory(), scratch.runner.finish_rows(y, run, first); });
    if (all.is_last(s)) scratch.runner.store(call.options.final, stretch);
  });
  finish_positions(call);
}

}  // namespace coupled
}  // namespace LCSM_ARCH
}  // namespace lcsm
