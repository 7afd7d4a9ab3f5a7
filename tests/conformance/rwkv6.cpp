// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/rwkv6.hpp>

namespace lcsm::conformance {
namespace {

void rwkv6(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v", "w"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.inputs.add("u", c.par("u"), "HK", "11H1K");
  p.no_op = {{"k", 0}, {"w", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BHLV", "BLHV");
  check<Rwkv6>(c, p, []<class T>(const Source<T>& x) {
    return Rwkv6::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .w = x("w"), .u = x("u")};
  });
}
const bool known = add("rwkv6", rwkv6);

}  // namespace
}  // namespace lcsm::conformance
