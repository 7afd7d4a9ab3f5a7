// SPDX-License-Identifier: MIT
#pragma once

#include "check.hpp"

#include <support/gradients.hpp>

namespace lcsm::grid {

// The adjoint of the definition of a composition against central differences: two numbers of every input and of the initial state, with everything that
// random calls have.
template <int N> void check_gradient() {
  INFO(names_of(N));
  check_gradients<Composition<N>>(std::uint64_t(N) + 1, 2, 2);
}

}  // namespace lcsm::grid
