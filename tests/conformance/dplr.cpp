// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/dplr.hpp>

namespace lcsm::conformance {
namespace {

void iplr(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.no_op = {{"k", 0}, {"b", 0}};
  p.inputs.add("a", c.in("alpha"), "BHLK", "BLH1K"), p.inputs.add("b", c.in("beta"), "BHLK", "BLH1K");
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BHLV", "BLHV");
  check<Iplr>(c, p, []<class T>(const Source<T>& x) {
    return Iplr::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .a = x("a"), .b = x("b")};
  });
}
void rwkv7(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  p.no_op = {{"k", 0}, {"b", 0}, {"g", 0}};
  for (const char* name : {"q", "k", "v", "a", "b", "g"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BHLV", "BLHV");
  check<Dplr>(c, p, []<class T>(const Source<T>& x) {
    return Dplr::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .a = x("a"), .b = x("b"), .g = x("g")};
  });
}
const bool known = add("iplr", iplr) && add("rwkv7_dplr", rwkv7);

}  // namespace
}  // namespace lcsm::conformance
