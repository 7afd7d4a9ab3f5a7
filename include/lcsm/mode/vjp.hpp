// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/chunkwise_vjp.hpp>
#include <lcsm/mode/convolve_vjp.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/reference_vjp.hpp>
#include <lcsm/mode/scan_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of `mix`: that of the mode which `mix` takes, by type and shape alone. Arguments, gradients and errors are those of reference_vjp
// (mode/reference_vjp.hpp); T is the type that the call computes in. No thread count changes a bit.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void vjp(const Exec& exec, M mixer, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else {
    Extent n;
    n.tokens = y_bar.time(), n.keys = door::key_width<M>(in, options.initial ? options.initial.m.row() : -1);
    if constexpr (window::is_window<M>) if (mix_mode<M>(n) == Mode::convolution && !options.saved) return convolve_vjp(exec, mixer, in, y_bar, grads, options, states);
    if constexpr (is_chunkable<M>) if (mix_mode<M>(n) == Mode::chunkwise) return chunkwise_vjp(exec, mixer, in, y_bar, grads, options, states);
    if constexpr (is_scannable<M>) scan_vjp(exec, mixer, in, y_bar, grads, options, states); else recurrent_vjp(exec, mixer, in, y_bar, grads, options, states);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
