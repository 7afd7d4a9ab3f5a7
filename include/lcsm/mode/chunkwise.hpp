// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/head_groups.hpp>
#include <lcsm/call/prefetch.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/chunk_runner.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Matrix products within chunks of tuning.chunk tokens (saved.every, where memories are saved), the memory carried in double from chunk to chunk: for mixers whose coefficients factor
// into a key side and a channel side, couplings by a triangular solve. Any gate is safe: decays are multiplied from the write onward, so a closed one is exact. The error does
// not grow with the number of chunks beyond the memory of the decay. Parallel over sequences and heads; no thread count changes a bit.
// Same arguments, aliasing and errors as `recurrent`.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void chunkwise(const Exec& exec, M, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>, factors = M::factors;
  if constexpr (!inputs) static_assert(inputs, "lcsm::chunkwise: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!factors) static_assert(factors, "lcsm::chunkwise: an elementwise (K x D) stage does not factor into matrix products: use lcsm::scan");
  else {
    const auto call = checked_call<M, T>("chunkwise", in, y, options);
    if constexpr (is_code_kernel<M>) coded::chunks("chunkwise", exec, call, y, options.tuning.chunk);
    else if constexpr (!outer_kernel<M>) sweep("chunkwise", exec, call, y);       // no common scale for the rows of a chunk
    else {
      const Index chunk = (std::min)(options.block(), std::max<Index>(call.extent.tokens, 1));
      const HeadGroups groups(call.extent, exec.workers(call.units()));
      Arena counting;
      { ChunkRunner<M, T> runner(counting, call.extent, chunk, groups.size); }
      if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(groups.items())));
      const Workspace workspace("chunkwise", options.workspace, counting.used(), exec.workers(groups.items()));
      zero_padding(call, y);
      exec.for_each(groups.items(), [&](Index item, Index worker) {
        const simd::FlushDenormals flush;
        Arena arena = workspace.arena(worker);
        ChunkRunner<M, T> runner(arena, call.extent, chunk, groups.size);
        const Index first_unit = groups.first(item), heads = groups.first(item + 1) - first_unit, length = heads > 0 ? call.unit(first_unit).time.length : 0;
        for (Index h = 0; h < heads; ++h) runner.use(h), runner.begin(in, call.unit(first_unit + h), options.initial);
        for (Index first = 0; first < length; first += chunk)
          for (Index h = 0; h < heads; ++h) {
            const Run run = call.unit(first_unit + h);
            if (heads > 1) runner.use(h), runner.resume(in, run);
            if (const SavePoints<M, T> points(options.saved, run); points) runner.store(options.saved.states, points.run_at(first));
            const Index next = h + 1 < heads ? h + 1 : 0, from = next > 0 ? first : first + chunk;
            if (const Run ahead = call.unit(first_unit + next); from < length) prefetch<M>(in, ahead, from, chunk), prefetch_rows<true>(y, ahead, from, chunk);
            runner.inside(in, run, first, (std::min)(chunk, length - first));
            runner.read_memory();
            runner.finish_rows(y, run, first);
            runner.update_memory();
          }
        for (Index h = 0; h < heads; ++h) runner.use(h), runner.store(options.final, call.unit(first_unit + h));
      });
      finish_positions(call);
    }
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
