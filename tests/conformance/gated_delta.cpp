// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/gated_delta.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  const Index group = std::max<Index>(1, c.size_or("R", 1));               // value heads for each head of q and k
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H") * group, p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  for (const char* name : {"g", "beta"}) p.inputs.add(name, c.in(name), "BLH", "BLH11");
  p.no_op = {{"beta", 0}, {"g", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  return p;
}

void gated_delta_rule(Case& c) {
  const Problem p = sizes(c);
  check<GatedDeltaRule>(c, p, []<class T>(const Source<T>& x) {
    return GatedDeltaRule::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g"), .beta = x("beta")};
  });
}
void qwen3next(Case& c) {
  const Problem p = sizes(c);
  check<GatedDeltaRuleNorm>(c, p, []<class T>(const Source<T>& x) {
    return GatedDeltaRuleNorm::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g"), .beta = x("beta")};
  });
}
const bool known = add("gated_delta_rule", gated_delta_rule) && add("gated_delta_rule_qwen3next", qwen3next);

}  // namespace
}  // namespace lcsm::conformance
