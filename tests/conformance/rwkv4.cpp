// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/rwkv4.hpp>

namespace lcsm::conformance {
namespace {

void rwkv4_wkv(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("D"), p.prefill = c.size_or("prefill", 0);
  p.inputs.add("k", c.in("k"), "BLD", "BL11D"), p.inputs.add("v", c.in("v"), "BLD", "BL11D");
  p.inputs.add("w", c.par("time_decay"), "D", "1111D"), p.inputs.add("u", c.par("u"), "D", "1111D");
  for (const auto& [theirs, ours] : {std::pair{"num", "m"}, {"den", "z"}, {"max", "p"}}) p.state(c, theirs, ours, "BD", "BD", "B111D");
  p.no_op = {{"k", minus_infinity}}, p.no_op_first = true;
  p.output(c, "o", "BLD", "BLD");
  check<Rwkv4>(c, p, []<class T>(const Source<T>& x) { return Rwkv4::In<const T>{.k = x("k"), .v = x("v"), .w = x("w"), .u = x("u")}; });
}
const bool known = add("rwkv4_wkv", rwkv4_wkv);

}  // namespace
}  // namespace lcsm::conformance
