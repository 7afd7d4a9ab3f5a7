// SPDX-License-Identifier: MIT
#pragma once

// The adjoint of the definition of every published mixer against central differences, for every input and parameter as callers have them.
#include "support/gradients.hpp"

namespace lcsm::docs {
template <class M> void published(const char* name, std::uint64_t seed) {
  INFO(name);
  test::check_gradients<M>(seed, 6, 3);
}
}
#define LCSM_SLICES 10
#include "support/published_slices.hpp"

TEST_CASE("published mixers: gradients against central differences", "[property]") {
  lcsm::docs::recurrences(), lcsm::docs::systems();
}
