// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/code_chunk.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The modes of mixers whose Expand (and mostly Shrink) is a code: O(D) per token, whatever the number of codes. A call starts from its final
// state in place where that is the initial one; else it copies or clears O(K D) numbers once, or only the rows it needs if there is no final state.
namespace coded {

template <class M, class T> struct Scratch {
  Tiles<M, T> tile;
  CodeRows codes;
  Scratch(Arena& arena, const Extent& n, Index tokens) : tile(arena, n, tokens), codes(arena, tokens) {}

  // visitor(first, count) for the tokens [begin, end) in blocks, each of them filled.
  template <class In, class Visitor> void blocks(const In& in, const Run& run, Index begin, Index end, Index block, Visitor&& visitor) {
    tile.begin(in, run);
    for (Index first = begin; first < end; first += block) {
      const Index count = (std::min)(block, end - first);
      tile.fill(in, run, first, count), codes.template fill<M>(in, run, first, count);
      visitor(first, count);
    }
  }
};
inline Index at_most(Index tokens, const Extent& n) { return (std::min)(tokens, (std::max<Index>)(n.tokens, 1)); }

// All heads, each in one sweep, by blocks of tokens. Each worker makes a Kernel(arena, extent, block) and calls kernel(tile, codes, count, memory, out).
template <class Kernel, class Exec, class M, class T, class In, class S>
void sweep_blocks(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y, Index block) {
  const Extent& n = call.extent;
  const bool has_final = bool(call.options.final);
  struct All {
    Scratch<M, T> scratch;
    CodeHead<M, T> head;
    Kernel kernel;
    All(Arena& arena, const Extent& e, Index tokens, bool final) : scratch(arena, e, tokens), head(arena, e, final), kernel(arena, e, tokens) {}
  };
  Arena counting;
  { All all(counting, n, block, has_final); }
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units())));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(call.units()));
  zero_padding(call, y);
  exec.for_each(call.units(), [&](Index unit, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    All all(arena, n, block, has_final);
    const Run run = call.unit(unit);
    all.head.begin(call.options, run);
    all.scratch.blocks(call.in, run, 0, run.time.length, block, [&](Index first, Index count) {
      all.head.locate(all.scratch.codes, count);
      all.kernel(all.scratch.tile, all.scratch.codes, count, all.head.memory(), OutputRows<S>{y, run, first});
    });
  });
  finish_positions(call);
}

// Token by token.
template <class M, class T> struct ByToken {
  CodeBody<M, T> body;
  ByToken(Arena&, const Extent&, Index) {}
  template <class Out>
  void operator()(const Tiles<M, T>& tile, const CodeRows& codes, Index count, const CodeMemory<M, T>& memory, const Out& out) {
    body.advance(tile, codes, count, memory, out);
  }
};
template <class Exec, class M, class T, class In, class S>
void sweep(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  sweep_blocks<ByToken<M, T>>(function, exec, call, y, at_most(call.options.tuning.rows, call.extent));
}
// By chunks: a whole sequence as one chunk is the matrix [code_j = code_l] decay(l to j) applied row by row.
template <class M, class T> struct ByChunk {
  CodeChunk<M, T> chunk;
  ByChunk(Arena& arena, const Extent&, Index tokens) : chunk(arena, tokens) {}
  template <class Out>
  void operator()(const Tiles<M, T>& tile, const CodeRows& codes, Index count, const CodeMemory<M, T>& memory, const Out& out) {
    chunk.advance(tile, codes, count, memory, out);
  }
};
template <class Exec, class M, class T, class In, class S>
void chunks(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<S>& y, Index chunk) {
  sweep_blocks<ByChunk<M, T>>(function, exec, call, y, at_most(chunk, call.extent));
}

// A stretch of tokens from nothing: the rows it leaves, and its clock. Then the rows it starts from, in the same places.
template <class M, class T> void carry_stretch(const SparseMemory<M, T>& stretch, CodeHead<M, T>& head, const CodeRows& one) {
  constexpr bool quotient = M::normaliser::quotient;
  const Clock passed = stretch.memory.now();
  const Clock start = head.memory().now();
  Clock end = start;
  end.advance(passed.sum), end.advance(passed.rest);
  for (Index place = 0; place < stretch.map.size(); ++place) {
    one.write[0] = one.read[0] = stretch.map.code(place);
    head.locate(one, 1);
    const CodeMemory<M, T>& carry = head.memory();
    const Index a = one.write[0];
    const Clock before{carry.when(a).since(start)};         // of the row that the stretch starts from, on its own clock
    const T kept = carry.owed(a, end), added = stretch.memory.owed(place, passed);
    T *old = carry.row(a), *fresh = stretch.memory.row(place);
    const auto merge = [&](T& was, T& is) { const T x = was; was = is_lazy<M> ? simd::fma(x, kept, is * added) : x + is, is = x; };
    for (Index c = 0; c < carry.values; ++c) merge(old[c], fresh[c]);
    if constexpr (quotient) merge(carry.z[a], stretch.memory.z[place]);
    carry.touch(a, end), stretch.memory.touch(place, before);
  }
  head.memory().now(end), stretch.memory.now(Clock{});
}

// A scan split over time: stretches are summarised from nothing, each as the rows it wrote; carried in order; and run from the rows they need.
// About 32 stretches are worked on at a time, so that the summaries of a long sequence need not all be there at once: of all heads together if
// the memories that are carried are those of the final state, else of one head after the other.
template <class Exec, class M, class T, class In, class S> void scan_over_time(const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  const Extent& n = call.extent;
  const Index length = at_most(call.options.tuning.scan_chunk, n), rows = at_most(call.options.tuning.rows, n),
              most = SparseMemory<M, T>::rows_for(n, length);
  const bool has_final = bool(call.options.final);
  const Index together = has_final ? (std::max<Index>)(call.units(), 1) : 1,
              group = (std::min)((std::max<Index>)(32 / together, 1), divide_up(n.tokens, length));
  struct Shared {
    std::vector<SparseMemory<M, T>> stretch;
    std::vector<CodeHead<M, T>> head;
    std::vector<CodeRows> one;
    Shared(Arena& arena, const Extent& e, Index heads, Index stretches, Index summary_rows, bool final) {
      for (Index s = 0; s < heads * stretches; ++s) stretch.emplace_back(arena, summary_rows, e.values);
      for (Index h = 0; h < heads; ++h) head.emplace_back(arena, e, final), one.emplace_back(arena, 1);
    }
  };
  Arena counting, counting_shared;
  { Scratch<M, T> scratch(counting, n, rows); }
  { Shared shared(counting_shared, n, together, group, most, has_final); }
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(together * group), counting_shared.used()));
  const Workspace workspace("scan", call.options.workspace, counting.used(), exec.workers(together * group), counting_shared.used());
  zero_padding(call, y);
  Arena shared_arena = workspace.shared();
  Shared shared(shared_arena, n, together, group, most, has_final);
  const CodeBody<M, T> body;

  for (Index unit = 0; unit < call.units(); unit += together) {
    for (Index h = 0; h < together; ++h) shared.head[to_size(h)].begin(call.options, call.unit(unit + h));
    for (Index begin = 0; begin < n.tokens; begin += group * length) {
      // Tokens of stretch `item`; both passes see the same places, as the codes come in the same order.
      const auto over_stretch = [&](Index item, Index worker, auto&& load, auto&& out) {
        const simd::FlushDenormals flush;
        Arena arena = workspace.arena(worker);
        Scratch<M, T> scratch(arena, n, rows);
        SparseMemory<M, T>& stretch = shared.stretch[to_size(item)];
        const Run run = call.unit(unit + item / group);
        const Index from = begin + item % group * length;
        scratch.blocks(call.in, run, from, (std::min)(from + length, run.time.length), rows, [&](Index first, Index tokens) {
          stretch.locate(scratch.codes, tokens, load);
          body.advance(scratch.tile, scratch.codes, tokens, stretch.memory, out(run, first));
        });
      };
      exec.for_each(together * group, [&](Index item, Index worker) {
        SparseMemory<M, T>& stretch = shared.stretch[to_size(item)];
        stretch.clear();
        over_stretch(item, worker, [&](Index place) { stretch.memory.clear_row(place); }, [](const Run&, Index) { return Nowhere{}; });
      });
      exec.for_each(together, [&](Index h, Index) {
        const simd::FlushDenormals flush;
        for (Index s = 0; s < group; ++s) carry_stretch(shared.stretch[to_size(h * group + s)], shared.head[to_size(h)], shared.one[to_size(h)]);
      });
      exec.for_each(together * group, [&](Index item, Index worker) {
        over_stretch(
            item, worker, [](Index) {}, [&](const Run& run, Index first) { return OutputRows<S>{y, run, first}; });
      });
    }
  }
  finish_positions(call);
}

// One token of one head of a state, in place.
template <class M, class T, class In, class S>
void step(const In& in, const View<S>& y, const Tiles<M, T>& tile, const CodeRows& codes, const StateView<T>& state, const Run& run) {
  codes.fill<M>(in, run, 0, 1);
  CodeBody<M, T>{}.advance(tile, codes, 1, CodeMemory<M, T>::of(state, run), OutputRows<S>{y, run, 0});
}

}  // namespace coded
}  // namespace LCSM_ARCH
}  // namespace lcsm
