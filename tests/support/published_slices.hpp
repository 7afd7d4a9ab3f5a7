// SPDX-License-Identifier: MIT
#pragma once

// Every published mixer of the registry (tests/docs), so that several files compile beside each other: one of LCSM_SLICES takes the mixers of LCSM_SLICE. Whoever includes this has
// said what to do with one: template <class M> void lcsm::docs::published(const char* name, std::uint64_t seed).
#include <docs/row.hpp>

#include <cstdint>

namespace lcsm::docs {

template <int N, class M> Row in_slice(const char* name) {
  if constexpr (N % LCSM_SLICES == LCSM_SLICE) published<M>(name, std::uint64_t(N) + 1);
  return {};
}

}  // namespace lcsm::docs
#undef LCSM_ROW
#define LCSM_ROW(Mixer, golden, source, elsewhere) in_slice<__COUNTER__, Mixer>(#Mixer)

#include <docs/recurrences.cpp>
#include <docs/systems.cpp>
