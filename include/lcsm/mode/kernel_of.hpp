// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/abilities.hpp>
#include <lcsm/stage/rules.hpp>

namespace lcsm {

// The mixer with an impulse for its input: its outputs are the taps. A complex kernel that is read whole has its imaginary part behind the real one.
template <class M> struct KernelOf : M {
  using input = Input<Fixed<rule::Impulse>>;
  using skip = NoSkip;
  using projection = std::conditional_t<matrix_planes<M> == 2, project::Complex, typename M::projection>;
  template <class In> static constexpr bool bound = M::expand::template bound<In> && M::oscillation::template bound<In> && M::shrink::template bound<In> && M::weight::template bound<In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { M::expand::visit(visitor), M::oscillation::visit(visitor), M::shrink::visit(visitor), M::weight::visit(visitor); }
};
// The mixer without an input: its outputs are what the initial memory contributes.
template <class M> struct FreeOf : KernelOf<M> {
  using input = Input<Fixed<rule::Constant<0>>>;
  using projection = typename M::projection;
};

}  // namespace lcsm
