// SPDX-License-Identifier: MIT
#pragma once

#include "subject.hpp"

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#if __has_include(<lcsm/mode/chunkwise.hpp>)
#include <lcsm/mode/chunkwise.hpp>
#define LCSM_CONFORMANCE_CHUNKWISE 1
#endif
#if __has_include(<lcsm/mode/attention.hpp>)
#include <lcsm/mode/attention.hpp>
#define LCSM_CONFORMANCE_ATTENTION 1
#endif
#if __has_include(<lcsm/mode/mix.hpp>)
#include <lcsm/mode/mix.hpp>
#define LCSM_CONFORMANCE_MIX 1
#endif

namespace lcsm::conformance {

constexpr Mode mode_of(Way w) {
  switch (w) {
    case Way::reference: return Mode::reference;
    case Way::scan: return Mode::scan;
    case Way::chunkwise: case Way::small_chunks: return Mode::chunkwise;
    case Way::attend: case Way::matrix: return Mode::attention;
    default: return Mode::recurrent;
  }
}
// Modes that the library has so far.
constexpr bool exists(Way w) {
  switch (w) {
#if !defined(LCSM_CONFORMANCE_CHUNKWISE)
    case Way::chunkwise: case Way::small_chunks: return false;
#endif
#if !defined(LCSM_CONFORMANCE_ATTENTION)
    case Way::attend: case Way::matrix: return false;
#endif
#if !defined(LCSM_CONFORMANCE_MIX)
    case Way::mix: return false;
#endif
    default: return true;
  }
}

// The modes that a structure owes, by the design's table: a diagonal oscillation scans and has a matrix, and chunks unless a stage varies
// over the matrix axis; a low-rank coupling has all of them. Stated apart from abilities.hpp, which is what it checks.
template <class M> constexpr bool owes(Way w) {
  constexpr Axes all = M::oscillation::axes | M::expand::axes | M::shrink::axes | M::weight::axes;
  if (mode_of(w) == Mode::chunkwise) return M::coupled || !overlaps(all, Axes::matrix);
  return true;
}

}  // namespace lcsm::conformance
