// SPDX-License-Identifier: MIT
#pragma once

#include "kinds.hpp"

namespace lcsm::grid {

// Triple n, and the parts that it gets: the first legal ones from a scrambled start on. coverage.cpp proves that every legal pair of kinds, sources
// and parts occurs.
constexpr unsigned scramble(unsigned x) {                   // Wellons' lowbias32
  x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
  return x ^ (x >> 16);
}
inline constexpr int part_combinations = 3 * 3 * 3 * 3 * 3 * 2 * 3 * 2 * 2;

constexpr Choice with_parts(int triple, int parts) {
  std::array<int, factors> x{triple / (oscillations * shrinks), triple / shrinks % oscillations, triple % shrinks};
  for (int f = 3; f < factors; ++f) x[std::size_t(f)] = parts % levels[std::size_t(f)], parts /= levels[std::size_t(f)];
  return choice_of(x);
}
constexpr Choice choice(int triple) {
  const unsigned start = scramble(unsigned(triple) + 1);
  for (int n = 0; n < part_combinations; ++n) {             // 1237 has no factor in common with the number of combinations
    Choice c = with_parts(triple, int((start % unsigned(part_combinations) + unsigned(n) * 1237u) % unsigned(part_combinations)));
    c.detail = scramble(start);
    if (c.detail % 2 == 0) {                                // means fit few triples: half of those that they fit
      Choice mean = c;
      mean.normaliser = Normaliser::mean, mean.readout = Readout::post, mean.running_max = false, mean.projection = Projection(int(c.projection) % 2), mean.complex_input = false;
      if (is_legal(mean)) return mean;
    }
    if (is_legal(c)) return c;
  }
  Choice none = with_parts(triple, 0);
  none.expand = -1;
  return none;
}
constexpr bool is_legal_triple(int triple) { return choice(triple).expand >= 0; }

// Most triples run in double, some in float.
constexpr bool runs_in_float(int triple) { return scramble(unsigned(triple) + 7919) % 8 == 0; }

// About twenty triples in which every expand and shrink, and every structure, turn and coupling of the oscillation occurs.
inline constexpr int samples = 20;
constexpr int sample(int n) {
  constexpr int coupled[] = {16 + 2, 29 + 5, 16 + 8, 29 + 10};
  const int e = n % expands, o = n < 16 ? n : coupled[n - 16], s = n * 4 % shrinks;
  return (e * oscillations + o) * shrinks + s;
}

// Some choices that Mixer refuses.
inline constexpr int refused_choices = 48;
constexpr Choice refused(int n) {
  for (unsigned at = scramble(unsigned(n) + 31);; at = scramble(at)) {
    Choice c = with_parts(int(at % unsigned(triples)), int(scramble(at) % unsigned(part_combinations)));
    c.detail = at;
    if (*why_no_such_type(c) == 0 && *why_illegal(c) != 0) return c;
  }
}

}  // namespace lcsm::grid
