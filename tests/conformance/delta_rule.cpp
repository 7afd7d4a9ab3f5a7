// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/delta_rule.hpp>

namespace lcsm::conformance {
namespace {

void delta_rule(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.inputs.add("beta", c.in("beta"), "BHL", "BLH11");
  p.no_op = {{"beta", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BHLV", "BLHV");
  check<DeltaRule>(c, p, []<class T>(const Source<T>& x) {
    return DeltaRule::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .beta = x("beta")};
  });
}
const bool known = add("delta_rule", delta_rule);

}  // namespace
}  // namespace lcsm::conformance
