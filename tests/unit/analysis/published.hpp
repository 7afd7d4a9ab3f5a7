// SPDX-License-Identifier: MIT
#pragma once

// The coefficients of every published mixer by impulses and from its row. The mixers are those of the registry (tests/docs); LCSM_SLICE says which of them a file takes, so that
// several compile beside each other.
#include "impulses.hpp"

#include <docs/row.hpp>

namespace lcsm::docs {

inline constexpr int slices = 4;
template <int N, class M> Row impulses_of(const char* name) {
  if constexpr (N % slices == LCSM_SLICE) test::check_impulses<M>(name, std::uint64_t(N) + 1);
  return {};
}

}  // namespace lcsm::docs
#undef LCSM_ROW
#define LCSM_ROW(Mixer, golden, source, elsewhere) impulses_of<__COUNTER__, Mixer>(#Mixer)

#include <docs/recurrences.cpp>
#include <docs/systems.cpp>

TEST_CASE("published mixers: coefficients by impulses and from the row agree", "[analysis]") {
  lcsm::docs::recurrences(), lcsm::docs::systems();
}
