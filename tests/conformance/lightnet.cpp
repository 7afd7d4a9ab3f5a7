// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/lightnet.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

void lightnet(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.no_op = {{"k", minus_infinity}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.state(c, "z", "z", "BHK", "BHK", "B1H1K"), p.output(c, "o", "BLHV", "BLHV");
  check<LightNet>(c, p, []<class T>(const Source<T>& x) { return LightNet::In<const T>{.q = x("q"), .k = x("k"), .v = x("v")}; });
}
const bool known = add("lightnet", lightnet);

}  // namespace
}  // namespace lcsm::conformance
