// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/attention.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The surrogate attention matrix of every sequence and head, a[b, t, h, r, s] = A_ts of matrix r: [B, T, H, attention_rows<M>(D), T]. With an empty
// memory y = A i, after normalisation and projection and before the skip. Entries between different packed sequences, above the diagonal and
// at masked tokens are 0. Options as for `attend`; initial and final states do not apply (an initial state is an error).
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void attention_matrix(const Exec& exec, M, const In& in, const View<S>& a, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::attention_matrix: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    constexpr const char* function = "attention_matrix";
    constexpr Index planes = matrix_planes<M>;
    const Index said = door::value_width<M>(in), D = said >= 0 ? said : M::per_channel ? a.row() / planes : 1;
    door::data(function, "a", a), door::output_axes(function, "a", a);
    door::axis(function, "a", a, 3, attention_rows<M>(D), false), door::axis(function, "a", a, 4, a.time(), false);
    if (options.initial) raise<OptionError>(function, "initial", "no state: the matrix is that of an empty memory", "one");
    if (options.final) raise<OptionError>(function, "final", "no state: the matrix has none", "one");
    door::nothing_saved(function, options);
    const Call<M, T, In> call(function, in, options, a.batch(), a.time(), a.head(), D);
    const Index chunk = (std::min)(options.tuning.chunk, std::max<Index>(call.extent.tokens, 1));
    Arena counting;
    if constexpr (attends_in_blocks<M>) BlockAttention<M, T>(counting, call.extent, chunk); else ImpulseScratch<M, T>(counting, call.extent, options.tuning);
    if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units())));
    const Workspace workspace(function, options.workspace, counting.used(), exec.workers(call.units()));
    for (Index b = 0; b < a.batch(); ++b)
      for (Index t = 0; t < a.time(); ++t)
        for (Index h = 0; h < a.head(); ++h)
          for (Index r = 0; r < a.row(); ++r)
            for (Index s = 0; s < a.feature(); ++s) a.at(b, t, h, r, s) = static_cast<S>(0.0f);
    exec.for_each(call.units(), [&](Index unit, Index worker) {
      const simd::FlushDenormals flush;
      Arena arena = workspace.arena(worker);
      const Run run = call.unit(unit);
      const auto put = [&](Index t, Index s, Index r, T x) { a.at(run.batch, run.time.token(t), run.head, r, run.time.token(s)) = static_cast<S>(x); };
      if constexpr (!attends_in_blocks<M>) {
        ImpulseScratch<M, T> scratch(arena, call.extent, options.tuning);
        for (Index s = 0; s < run.time.length; ++s)
          scratch.response(in, run, options.initial, s, [&](Index t, const T* row) {
            for (Index plane = 0; plane < planes; ++plane)
              for (Index c = 0; c < (M::per_channel ? D : (std::min)(D, Index(1))); ++c)
                put(t, s, plane * (M::per_channel ? D : 1) + c, T(M::projection::scale) * row[plane * D + c]);
          });
      } else {
        using Runner = ChunkRunner<M, T>;
        BlockAttention<M, T> attention(arena, call.extent, chunk);
        Runner& runner = attention.runner;
        attention.begin(in, run, options.initial);
        for (Index first = 0, block = 0; first < run.time.length; first += chunk, ++block) {
          runner.inside(in, run, first, (std::min)(chunk, run.time.length - first));
          const Index count = runner.planes.tokens;
          for (Index plane = 0; plane < (std::min)(planes, Index(Runner::Kernel::KP)); ++plane)
            for (Index j = 0; j < count; ++j)
              for (Index l = 0; l <= j; ++l) put(first + j, first + l, plane, T(M::projection::scale) * runner.kernel.scores().plane(int(plane))[j * runner.kernel.scores().pitch() + l]);
          attention.backwards(block, [&](Index earlier, const auto& ends) {
            attention.score(ends);
            for (Index plane = 0; plane < (std::min)(planes, Index(Runner::Kernel::KP)); ++plane)
              for (Index j = 0; j < count; ++j)
                for (Index l = 0; l < chunk; ++l)
                  put(first + j, earlier * chunk + l, plane, T(M::projection::scale) * attention.coefficient(int(plane), j, l, earlier));
          });
          if constexpr (M::normaliser::quotient) {
            runner.read_memory();                           // the rows' denominators
            for (Index j = 0; j < count; ++j) {
              const T divisor = M::normaliser::guard::apply(real_part(runner.template denominator<T>(j, 0)), runner.template row_scale<T>(j, 0));
              for (Index r = 0; r < planes; ++r)
                for (Index s = 0; s <= first + j; ++s) {
                  S& x = a.at(run.batch, run.time.token(first + j), run.head, r, run.time.token(s));
                  x = static_cast<S>(stage::convert<T>(x) / divisor);
                }
            }
          }
          attention.keep(block);
          runner.update_memory();
        }
      }
    });
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
