// SPDX-License-Identifier: MIT
#pragma once

// The coefficients of every published mixer by impulses and from its row.
#include "impulses.hpp"

namespace lcsm::docs {
template <class M> void published(const char* name, std::uint64_t seed) { test::check_impulses<M>(name, seed); }
}
#define LCSM_SLICES 4
#include "support/published_slices.hpp"

TEST_CASE("published mixers: coefficients by impulses and from the row agree", "[analysis]") {
  lcsm::docs::recurrences(), lcsm::docs::systems();
}
