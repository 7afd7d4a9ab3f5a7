// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk_vjp.hpp>
#include <lcsm/mode/coded.hpp>
#include <lcsm/mode/recurrent_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Mixers whose chunks are walked back by matrix products; those of all others token by token. Beside what the forward kernel leaves to the recurrence
// (outer_kernel), these are scales, bonuses and angles that differ by value channel, decays that do where the memory is complex, scaled or without keys,
// and angles under a running maximum.
template <class M> constexpr bool has_chunk_vjp_kernel() {
  constexpr OuterClass X = outer_class<M>();
  constexpr bool scaled = M::stabiliser::scaled, mean = M::normaliser::mean, keyed = overlaps(M::expand::axes | M::oscillation::axes | M::shrink::axes, Axes::key);
  if (!outer_kernel<M> || is_code_kernel<M> || phase_reads<M>(Axes::value) || X.channel_scale || X.channel_bonus) return false;
  if (X.value_decay && (X.memory_complex() || scaled || mean || !keyed)) return false;
  return !(scaled && phase_reads<M>(axes::all));
}
template <class M> inline constexpr bool chunk_vjp_kernel = has_chunk_vjp_kernel<M>();

// All heads, each chunk by chunk forwards and back, in chunks of at most `size` tokens.
template <class Exec, class M, class T, class In, class Y, class G>
void chunks_vjp(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads, const StateCotangents<T>& states, Index size) {
  const Extent& n = call.extent;
  const Index chunk = (std::min)(size, std::max<Index>(n.tokens, 1));
  Arena counting, counting_shared;
  { ChunkVjp<M, T> scratch(counting, n, chunk); }
  Gradients<M, G, T>(grads, call, y_bar.batch(), counting_shared);
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units()), counting_shared.used()));
  const Workspace workspace(function, call.options.workspace, counting.used(), exec.workers(call.units()), counting_shared.used());
  Arena shared = workspace.shared();
  const Gradients<M, G, T> gradients(grads, call, y_bar.batch(), shared);
  exec.for_each(call.units(), [&](Index unit, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    ChunkVjp<M, T> work(arena, n, chunk);
    const Run run = call.unit(unit);
    auto to = gradients.unit(unit);
    work.begin(call.in, run, call.options.initial);
    work.forward(call.in, run, {call.options.saved, run});
    work.load_bar(states.final, run);
    work.backward(call.in, run, to, output_bars<M, T>(y_bar, run));
    work.bars.end(work.runner.tile, call.in, to, run);
    work.store_bar(states.initial, run);
  });
  gradients.store();
}

// The adjoint of `chunkwise`: matrix products within chunks of tuning.chunk tokens, the memory kept at the start of every chunk on the way forwards, its
// cotangent carried in double on the way back. Any gate is safe: nothing is divided by a decay, and the cotangent of a gate is a sum of products without
// that gate, so a closed one has its slope. Mixers without such a kernel (chunk_vjp_kernel) go token by token. Parallel over sequences and heads; no thread
// count changes a bit. Arguments, gradients and errors are those of reference_vjp (mode/reference_vjp.hpp); T is the type that the call computes in.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void chunkwise_vjp(const Exec& exec, M, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>, factors = M::factors;
  if constexpr (!inputs) static_assert(inputs, "lcsm::chunkwise_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::chunkwise_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else if constexpr (!factors) static_assert(factors, "lcsm::chunkwise_vjp: an elementwise (K x D) stage does not factor into matrix products: use lcsm::recurrent_vjp");
  else {
    const auto call = checked_adjoint<M, T>("chunkwise_vjp", in, y_bar, grads, options, states);
    if constexpr (chunk_vjp_kernel<M>) chunks_vjp("chunkwise_vjp", exec, call, y_bar, grads, states, options.block()); else sweep_vjp("chunkwise_vjp", exec, call, y_bar, grads, states);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
