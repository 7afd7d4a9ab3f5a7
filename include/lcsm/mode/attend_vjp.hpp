// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/chunkwise_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of `attend`: the sequence as one chunk, whose T x T scores are the attention matrix; its cotangent is y_bar times the inputs, from which those
// of reads, writes and decays are matrix products. O(T^2) operations and memory per head. Mixers with a matrix per value channel, which `attend` computes by
// impulse responses, go token by token (the adjoint of a sum does not depend on how it was taken), and so do classes that chunk_vjp_kernel leaves out.
// Parallel over sequences and heads; no thread count changes a bit. Arguments, gradients and errors are those of reference_vjp (mode/reference_vjp.hpp); T is
// the type that the call computes in.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void attend_vjp(const Exec& exec, M, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::attend_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::attend_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else {
    const auto call = checked_adjoint<M, T>("attend_vjp", in, y_bar, grads, options, states);
    door::nothing_saved("attend_vjp", options);
    if constexpr (chunk_vjp_kernel<M> && attends_in_blocks<M>) chunks_vjp("attend_vjp", exec, call, y_bar, grads, states, std::max<Index>(call.extent.tokens, 1));
    else sweep_vjp("attend_vjp", exec, call, y_bar, grads, states);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
