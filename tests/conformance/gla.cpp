// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/gla.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.no_op = {{"k", 0}, {"g", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  return p;
}

void gla(Case& c) {
  Problem p = sizes(c);
  p.inputs.add("g", c.in("gk"), "BLHK", "BLH1K");
  check<Gla>(c, p, []<class T>(const Source<T>& x) { return Gla::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g")}; });
}
void simple_gla(Case& c) {
  Problem p = sizes(c);
  p.inputs.add("g", c.in("g"), "BLH", "BLH11");
  check<SimpleGla>(c, p, []<class T>(const Source<T>& x) { return SimpleGla::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g")}; });
}
const bool known = add("gla", gla) && add("simple_gla", simple_gla);

}  // namespace
}  // namespace lcsm::conformance
