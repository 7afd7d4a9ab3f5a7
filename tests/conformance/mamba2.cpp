// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/mamba2.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("N"), p.values = c.size("P");
  for (const char* name : {"B", "C"}) p.inputs.add(name, c.in(name), "BLGN", "BLG1N");
  return p;
}

void ssd_minimal(Case& c) {
  Problem p = sizes(c);
  p.inputs.add("x", c.in("X"), "BLHP", "BLH1P"), p.inputs.add("g", c.in("A"), "BLH", "BLH11");
  p.no_op = {{"x", 0}, {"g", 0}};
  p.state(c, "S", "m", "B1HPN", "BHPN", "B1HNP"), p.output(c, "Y", "BLHP", "BLHP");
  check<Mamba2Discrete>(
      c, p, []<class T>(const Source<T>& x) { return Mamba2Discrete::In<const T>{.x = x("x"), .g = x("g"), .B = x("B"), .C = x("C")}; });
}

void ssd_combined(Case& c) {
  Problem p = sizes(c);
  const Array d = c.par("D");
  p.inputs.add("x", c.in("x"), "BLHP", "BLH1P"), p.inputs.add("delta", c.in("dt"), "BLH", "BLH11"), p.inputs.add("A", c.par("A"), "H", "11H11");
  p.inputs.add("delta_bias", c.par("dt_bias"), "H", "11H11");
  if (d.shape.size() == 2) p.inputs.add("D", d, "HP", "11H1P"); else p.inputs.add("D", d, "H", "11H11");
  p.no_op = {{"delta", -1e4}};
  p.after(gated(rearranged(c.in("z"), "BLHP", "BLHP")));
  p.output(c, "o", "BLHP", "BLHP");
  check<Mamba2>(c, p, []<class T>(const Source<T>& x) {
    return Mamba2::In<const T>{
        .x = x("x"), .delta = x("delta"), .B = x("B"), .C = x("C"), .A = x("A"), .D = x("D"), .delta_bias = x("delta_bias")};
  });
}
const bool known = add("mamba2_ssd_minimal", ssd_minimal) && add("mamba2_ssd_combined", ssd_combined);

}  // namespace
}  // namespace lcsm::conformance
