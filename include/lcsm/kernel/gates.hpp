// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What of an oscillation a cotangent is wanted for: nothing that decays or turns by key, one gate of the head (or logs under a running maximum), gates or
// angles of the keys.
enum class Gates { none, head, keys };

// Terms that a cotangent is of no use to: rules, which have no input.
template <class Term> inline constexpr bool reads_input = true;
template <Plane P, class Rule, Axes X, bool IsSign> inline constexpr bool reads_input<LeafTerm<P, Fixed<Rule, X>, IsSign>> = false;

template <class M> constexpr Gates gates_of() {
  Gates found = Gates::none;
  M::oscillation::for_each_term([&]<class Each>(std::type_identity<Each>) {
    constexpr bool turns = Each::plane == Plane::phase && within(Each::axes, Axes::one | Axes::key) && reads_input<Each>;
    if (turns || (Each::plane == Plane::log && Each::axes == Axes::key)) found = Gates::keys;
    else if (Each::plane == Plane::log && Each::axes == Axes::one && reads_input<Each> && found == Gates::none) found = M::coupled ? Gates::keys : Gates::head;
  });
  if (M::normaliser::mean) return Gates::keys;              // shares of the keys' weights
  return M::stabiliser::scaled ? Gates::head : found;
}
template <class M> constexpr bool phase_reads(Axes on) {
  bool found = false;
  M::oscillation::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::plane == Plane::phase && within(Each::axes, on) && reads_input<Each>); });
  return found;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
