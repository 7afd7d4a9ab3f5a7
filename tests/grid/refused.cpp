// SPDX-License-Identifier: MIT
// Compiles wrong on purpose: refused.cmake compares what the compiler says of these mixers with what kinds.hpp says of them. With
// -DLCSM_GRID_EXPECTED it is the program that says the latter: all that is wrong with each, or the first thing where an argument is given.
#ifdef LCSM_GRID_EXPECTED
#include "covering.hpp"

#include <cstdio>

int main(int arguments, char**) {
  using namespace lcsm::grid;
  for (int n = 0; n < refused_choices; ++n)
    for (int rule = 0; rule < rules; ++rule) {
      const char* reason = refusal(refused(n), rule);
      if (*reason == 0) continue;
      std::printf("%s\n", reason);
      if (arguments > 1) break;
    }
}
#else
#include "composition.hpp"

namespace lcsm::grid {
template <int N> using Refused = typename Build<refused(N), details(refused(N))>::type;
template <int N> std::size_t size() { return sizeof(Refused<N>); }
// One after the other, in the order of their numbers.
#define LCSM_GRID_REFUSED(n) template std::size_t size<(n)>();
#define LCSM_GRID_REFUSED_4(n) LCSM_GRID_REFUSED(n) LCSM_GRID_REFUSED(n + 1) LCSM_GRID_REFUSED(n + 2) LCSM_GRID_REFUSED(n + 3)
#define LCSM_GRID_REFUSED_16(n) LCSM_GRID_REFUSED_4(n) LCSM_GRID_REFUSED_4(n + 4) LCSM_GRID_REFUSED_4(n + 8) LCSM_GRID_REFUSED_4(n + 12)
static_assert(refused_choices == 48);
LCSM_GRID_REFUSED_16(0) LCSM_GRID_REFUSED_16(16) LCSM_GRID_REFUSED_16(32)
}
#endif
