// SPDX-License-Identifier: MIT
// What the grid says of itself: every triple has parts, every legal pair of levels occurs, and the reasons are those of Mixer.
#include "covering.hpp"
#include "named.hpp"

#include <support/catch.hpp>

#include <fstream>
#include <iterator>
#include <set>

namespace {

using namespace lcsm::grid;

// Some legal choice with level i of factor f and level j of factor g.
bool is_legal_pair(int f, int i, int g, int j) {
  std::array<int, factors> x{};
  x[std::size_t(f)] = i, x[std::size_t(g)] = j;
  for (;;) {
    if (is_legal(choice_of(x))) return true;
    int at = 0;
    for (; at < factors; ++at) {
      if (at == f || at == g) continue;
      if (++x[std::size_t(at)] < levels[std::size_t(at)]) break;
      x[std::size_t(at)] = 0;
    }
    if (at == factors) return false;
  }
}

}  // namespace

TEST_CASE("every triple is a mixer with some parts", "[grid]") {
  static_assert(triples == 5292 && named::count == 35, "tests/grid/CMakeLists.txt has these numbers");
  for (int n = 0; n < triples; ++n) REQUIRE(is_legal_triple(n));
}
TEST_CASE("every legal pair of levels occurs", "[grid]") {
  std::set<std::array<int, 4>> seen;
  for (int n = 0; n < triples; ++n) {
    const auto x = levels_of(choice(n));
    for (int f = 0; f < factors; ++f)
      for (int g = f + 1; g < factors; ++g) seen.insert({f, x[std::size_t(f)], g, x[std::size_t(g)]});
  }
  for (int f = 0; f < factors; ++f)
    for (int g = f + 1; g < factors; ++g)
      for (int i = 0; i < levels[std::size_t(f)]; ++i)
        for (int j = 0; j < levels[std::size_t(g)]; ++j)
          if (!seen.count({f, i, g, j})) {
            INFO(factor_names[f] << ": " << level_name(f, i) << ", " << factor_names[g] << ": " << level_name(g, j));
            CHECK_FALSE(is_legal_pair(f, i, g, j));
          }
}
TEST_CASE("the sample has every expand and shrink, structure, turn and coupling", "[grid]") {
  std::set<int> e, s, structures, turns, couplings, uncoupled;
  for (int n = 0; n < samples; ++n) {
    const Choice c = choice(sample(n));
    const OscillationKind o = oscillation_kind(c.oscillation);
    e.insert(c.expand), s.insert(c.shrink), structures.insert(int(o.structure)), turns.insert(int(o.turn)), couplings.insert(int(o.coupling));
    if (o.coupling == Coupling::none) uncoupled.insert(c.oscillation);
  }
  CHECK(e.size() == expands);
  CHECK(s.size() == shrinks);
  CHECK((structures.size() == 6 && turns.size() == 3 && couplings.size() == 3));
  CHECK(uncoupled.size() == 16);
}
TEST_CASE("reasons are Mixer's words", "[grid]") {
  std::ifstream file(LCSM_TEST_DATA_DIR "/../include/lcsm/mixer.hpp");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::set<std::string> reasons;
  for (int triple = 0; triple < triples; ++triple)
    for (int parts = 0; parts < part_combinations; parts += 7) reasons.insert(why_illegal(with_parts(triple, parts)));
  reasons.erase("");
  CHECK(reasons.size() == 5);
  for (const std::string& reason : reasons) {
    INFO(reason);
    CHECK(text.find("lcsm::Mixer: " + reason) != std::string::npos);
  }
}
