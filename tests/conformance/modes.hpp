// SPDX-License-Identifier: MIT
#pragma once

#include "subject.hpp"

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/mode/reference_vjp.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#ifdef LCSM_LONG_TESTS
#include <lcsm/mode/attend_vjp.hpp>
#include <lcsm/mode/chunkwise_vjp.hpp>
#include <lcsm/mode/convolve_vjp.hpp>
#include <lcsm/mode/recurrent_vjp.hpp>
#include <lcsm/mode/scan_vjp.hpp>
#include <lcsm/mode/vjp.hpp>
#endif

namespace lcsm::conformance {

constexpr Mode mode_of(Way w) {
  switch (w) {
    case Way::reference: return Mode::reference;
    case Way::scan: return Mode::scan;
    case Way::chunkwise: case Way::small_chunks: return Mode::chunkwise;
    case Way::attend: case Way::matrix: return Mode::attention;
    case Way::convolve: case Way::fourier: return Mode::convolution;
    default: return Mode::recurrent;
  }
}
// The modes that a structure owes, by the design's table: a diagonal oscillation scans and has a matrix, and chunks unless a stage varies
// over the matrix axis; a low-rank coupling has all of them; what is time-invariant and linear in its input is a convolution. Stated apart from abilities.hpp, which is what it checks.
template <class M> constexpr bool owes(Way w) {
  constexpr Axes all = M::oscillation::axes | M::expand::axes | M::shrink::axes | M::weight::axes;
  if (mode_of(w) == Mode::convolution)
    return M::time_invariant && !M::coded && !M::normaliser::quotient && !M::normaliser::mean && !M::stabiliser::scaled;
  if (mode_of(w) == Mode::chunkwise) return M::coupled || !overlaps(all, Axes::matrix);
  return true;
}

}  // namespace lcsm::conformance
