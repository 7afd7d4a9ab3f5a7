// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/tuning.hpp>
#include <lcsm/mixer.hpp>

namespace lcsm {

// What a mixer can do, by its types alone. A mode that does not fit fails with one line that names the function, the reason and the way out.

// Coefficients are a key side times a channel side: matrix products within a chunk.
template <class M> inline constexpr bool is_chunkable = M::factors && !M::shifts;
// An associative scan, over a diagonal oscillation or over a coupling's K x K transition that all value channels share.
template <class M> inline constexpr bool is_scannable = !M::coupled || M::factors;
// The memory has a fixed size.
template <class M> inline constexpr bool has_finite_state = true;
// Shifting the input in time shifts the output.
template <class M> inline constexpr bool is_time_invariant = M::time_invariant;

// One kernel for all times, and a read that is linear in the input: a convolution.
template <class M> inline constexpr bool is_convolvable = M::time_invariant && !M::coded && !M::normaliser::quotient && !M::normaliser::mean && !M::stabiliser::scaled;

template <class M> concept Chunkable = is_chunkable<M>;
template <class M> concept Scannable = is_scannable<M>;
template <class M> concept FiniteState = has_finite_state<M>;
template <class M> concept TimeInvariant = is_time_invariant<M>;
template <class M> concept Convolvable = is_convolvable<M>;

template <class M> constexpr bool has_mode(Mode mode) {
  switch (mode) {
    case Mode::scan: return is_scannable<M>;
    case Mode::chunkwise: return is_chunkable<M>;
    case Mode::convolution: return is_convolvable<M>;
    default: return true;
  }
}
// The reason why a mode is missing; empty if it is not.
template <class M> constexpr const char* why_not(Mode mode) {
  if (has_mode<M>(mode)) return "";
  if (mode == Mode::scan) return "a coupling (delta rule) under an elementwise (K x D) stage has a transition for every channel";
  if (mode == Mode::convolution) return M::time_invariant ? "a denominator, a mean or a code is no convolution" : "coefficients change from token to token";
  if (M::shifts) return "a shift moves memories from key to key: a chunk would be the convolution itself";
  return "an elementwise (K x D) stage does not factor into matrix products";
}

// Matrices, or kernels, per head: one, or one per value channel where coefficients vary over the value axis; twice that (real, then imaginary parts) where
// the memory is complex and its input or output is too.
template <class M> inline constexpr Index matrix_planes = M::complex && (M::input::domain == Domain::complex || M::projection::parts == 2) ? 2 : 1;
template <class M> constexpr Index attention_rows(Index values) { return matrix_planes<M> * (M::per_channel ? values : 1); }

}  // namespace lcsm
