// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/gateloop.hpp>

namespace lcsm::conformance {
namespace {

// Heads are folded into the batch; the transition is given by its two parts.
template <class M> void operator_of(Case& c, Problem& p, const char* axes) {
  const Array a = c.in("a"), re = part(a, 0), im = part(a, 1);
  std::vector<Number> g, phase;
  for (std::size_t n = 0; n < re.values.size(); ++n) g.push_back(log_modulus(re.number(n), im.number(n))), phase.push_back(angle(re.number(n), im.number(n)));
  p.inputs.add("g", array_of(re.shape, g), "BLK1", axes), p.inputs.add("phase", array_of(re.shape, phase), "BLK1", axes);
  check<M>(c, p, []<class T>(const Source<T>& x) {
    return typename M::template In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g"), .phase = x("phase")};
  });
}
void gateloop(Case& c) {
  Problem p;
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLF", "BL11F");
  p.batch = p.inputs.shape("v")[0], p.tokens = c.size("L"), p.keys = c.size("K"), p.values = c.size("V");
  p.no_op = {{"k", 0}, {"g", 0}, {"phase", 0}};
  p.output(c, "o", "BLV", "BLV");
  if (c.flag("gate_per_key_channel")) operator_of<GateLoopOperator>(c, p, "BL11K"); else operator_of<GateLoopOperatorScalar>(c, p, "BL11K");
}

void gateloop_simple(Case& c) {
  Problem p;
  p.inputs.add("q", c.in("q"), "BLD", "BL11D"), p.inputs.add("v", c.in("kv"), "BLD", "BL11D"), p.inputs.add("a", c.in("a"), "BLD", "BL11D");
  p.batch = c.size("B"), p.tokens = c.size("L"), p.prefill = c.size_or("prefill", 0);
  p.no_op = {{"v", 0}, {"a", 1}};
  p.state(c, "h", "m", "BD", "BD", "B111D"), p.output(c, "o", "BLD", "BLD");
  check<GateLoopSimple>(c, p, []<class T>(const Source<T>& x) { return GateLoopSimple::In<const T>{.q = x("q"), .v = x("v"), .a = x("a")}; });
}

void scan_first_order(Case& c) {
  Problem p;
  p.inputs.add("a", c.in("gates"), "BCT", "BT11C"), p.inputs.add("b", c.in("tokens"), "BCT", "BT11C");
  p.batch = c.size("B"), p.tokens = c.size("T"), p.values = c.size("C"),
  p.direction = c.flag("reverse") ? Direction::reverse : Direction::forward;
  p.no_op = {{"a", 1}, {"b", 0}};
  p.output(c, "x", "BCT", "BTC");
  check<FirstOrder>(c, p, []<class T>(const Source<T>& x) { return FirstOrder::In<const T>{.a = x("a"), .b = x("b")}; });
}
const bool known = add("gateloop", gateloop) && add("gateloop_simple", gateloop_simple) && add("scan_first_order", scan_first_order);

}  // namespace
}  // namespace lcsm::conformance
