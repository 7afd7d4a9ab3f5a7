// SPDX-License-Identifier: MIT
#pragma once

// The adjoint of the definition of every published mixer against central differences, for every input and parameter as callers have them. The mixers are
// those of the registry (tests/docs); LCSM_SLICE says which of them a file takes, so that several compile beside each other.
#include "support/gradients.hpp"

#include <docs/row.hpp>

namespace lcsm::docs {

inline constexpr int slices = 10;
template <int N, class M> Row gradients_of(const char* name) {
  if constexpr (N % slices == LCSM_SLICE) {
    INFO(name);
    test::check_gradients<M>(std::uint64_t(N) + 1, 6, 3);
  }
  return {};
}

}  // namespace lcsm::docs
#undef LCSM_ROW
#define LCSM_ROW(Mixer, golden, source, elsewhere) gradients_of<__COUNTER__, Mixer>(#Mixer)

#include <docs/recurrences.cpp>
#include <docs/systems.cpp>

TEST_CASE("published mixers: gradients against central differences", "[property]") {
  lcsm::docs::recurrences(), lcsm::docs::systems();
}
