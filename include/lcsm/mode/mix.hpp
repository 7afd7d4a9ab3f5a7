// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/scan.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Which mode `mix` takes, by type and shape alone. Matrix products pay once the memory is wider than a few keys and there are tokens to fill a
// chunk; a memory of the last inputs is a convolution; weights that differ by value channel cost C x C x D in a chunk and go to the scan, as do mixers that do not factor.
template <class M> constexpr Mode mix_mode(const Extent& n) {
  if constexpr (!is_scannable<M> || is_code_kernel<M>) return Mode::recurrent;   // a code costs O(D) per token: nothing to gain
  else if constexpr (window::is_window<M>) return n.tokens > 1 ? Mode::convolution : Mode::scan;
  else if constexpr (!is_chunkable<M> || !outer_kernel<M>) return Mode::scan;
  else if constexpr (M::coded || outer_class<M>().per_channel()) return Mode::scan;
  else return n.keys >= 16 && n.tokens >= 16 ? Mode::chunkwise : Mode::scan;
}

// The fastest mode, by type and shape alone. Same arguments, options, aliasing and errors as the mode it takes; results are that mode's, bit
// for bit.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void mix(const Exec& exec, M mixer, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::mix: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    Extent n;
    n.tokens = y.time(), n.keys = door::key_width<M>(in, options.initial ? options.initial.m.row() : -1);
    if constexpr (window::is_window<M>) if (mix_mode<M>(n) == Mode::convolution && !options.saved) return convolve(exec, mixer, in, y, options);
    if constexpr (is_chunkable<M> && !is_code_kernel<M>) if (mix_mode<M>(n) == Mode::chunkwise) return chunkwise(exec, mixer, in, y, options);
    if constexpr (is_scannable<M> && !is_code_kernel<M>) scan(exec, mixer, in, y, options); else recurrent(exec, mixer, in, y, options);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
