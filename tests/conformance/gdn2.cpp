// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/gdn2.hpp>

namespace lcsm::conformance {
namespace {

void gdn2(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v", "g", "b", "w"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.no_op = {{"b", 0}, {"w", 0}, {"g", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  check<Gdn2>(c, p, []<class T>(const Source<T>& x) {
    return Gdn2::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g"), .b = x("b"), .w = x("w")};
  });
}
const bool known = add("gdn2", gdn2);

}  // namespace
}  // namespace lcsm::conformance
