// SPDX-License-Identifier: MIT
// What the grid says of itself: every triple has parts, every legal pair of levels occurs, and the reasons are those of Mixer.
#include "covering.hpp"
#include "named.hpp"

#include <support/catch.hpp>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace {

using namespace lcsm;
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

std::string text_of(const std::string& path) {
  std::ifstream file(LCSM_TEST_DATA_DIR "/" + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
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
// Every map with every structure of the stage, every gate with every structure of the oscillation, and whatever else details() draws.
TEST_CASE("every map, gate, tie and guard occurs with every structure that admits it", "[grid]") {
  using Pair = std::pair<int, unsigned>;
  std::set<Pair> map_e, map_s, log_map, gate, joint;
  std::set<unsigned> tie, guard, start, skip, weight;
  std::set<bool> own_write;
  std::set<std::array<int, 2>> floats;
  for (int n = 0; n < triples; ++n) {
    const Choice c = choice(n);
    const Details d = details(c);
    const EndKind e = expand_kind(c.expand), s = shrink_kind(c.shrink);
    const OscillationKind o = oscillation_kind(c.oscillation);
    const auto plain = [&](Axes a, Source source) { return source != Source::fixed && !(a == Axes::matrix && d.product); };
    if (e.form == Form::real && plain(e.axes, c.source_e)) map_e.insert({int(e.axes), d.map_e});
    if (e.form == Form::log && plain(e.axes, c.source_e)) log_map.insert({int(e.axes), d.map_e});
    const bool by_codebook = s.axes == Axes::key && c.source_s == Source::data && d.extra;
    if (s.form == Form::real && plain(s.axes, c.source_s) && !by_codebook) map_s.insert({int(s.axes), d.map_s});
    if (d.joint_gate) joint.insert({int(o.structure), d.gate});
    else if (o.structure != Structure::identity && c.source_o != Source::fixed && !(o.structure == Structure::elementwise && d.product)) gate.insert({int(o.structure), d.gate});
    if (e.form == Form::tie) tie.insert(d.tie);
    if (c.normaliser == Normaliser::quotient) guard.insert(d.guard);
    if (c.running_max) start.insert(d.start);
    if (c.skip) skip.insert(d.skip);
    if (c.readout == Readout::bonus) weight.insert(d.weight);
    if (is_coupled(c) && e.form == Form::real && (e.axes == Axes::one || e.axes == Axes::key)) own_write.insert(d.own_write);
    if (runs_in_float(n))
      for (int f = 0; f < factors; ++f) floats.insert({f, levels_of(c)[std::size_t(f)]});
  }
  const std::size_t ends = 2 * any_maps + 2 * factor_maps;
  CHECK(map_e.size() == ends);
  CHECK(map_s.size() == ends);
  CHECK(log_map.size() == 4 * log_maps);
  CHECK(gate.size() == 5 * gates);
  CHECK(joint.size() == 5 * joint_gates);
  CHECK(tie.size() == ties);
  CHECK(guard.size() == 4);
  CHECK((start.size() == 2 && skip.size() == 3 && weight.size() == 3 && own_write.size() == 2));
  std::size_t all = 0;
  for (const int n : levels) all += std::size_t(n);
  CHECK(floats.size() == all);
}
// A map that the library gets is a map that the grid must get.
TEST_CASE("no map of the library is forgotten", "[grid]") {
  const std::string grid = text_of("grid/composition.hpp");
  for (const char* header : {"maps", "row_maps"}) {
    const std::string text = text_of(std::string("../include/lcsm/stage/") + header + ".hpp");
    int found = 0;
    const std::regex line("(^|\n)(template <[^\n]*> )?struct (\\w+) \\{[^\n]*\n  static constexpr const char\\* name");
    for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at, ++found) {
      INFO((*at)[3].str());
      CHECK(grid.find("map::" + (*at)[3].str()) != std::string::npos);
    }
    CHECK(found >= 9);
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
  const std::string text = text_of("../include/lcsm/mixer.hpp");
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
