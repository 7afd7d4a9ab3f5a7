// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/comba.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v", "p"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  for (const char* name : {"g", "beta"}) p.inputs.add(name, c.in(name), "BLH", "BLH11");
  p.no_op = {{"beta", 0}, {"g", 0}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  return p;
}
template <class M> void run(Case& c) {
  const Problem p = sizes(c);
  check<M>(c, p, []<class T>(const Source<T>& x) {
    return typename M::template In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .p = x("p"), .g = x("g"), .beta = x("beta")};
  });
}
// A case may say itself what the erase reads.
bool previous(const Case& c) { return c.text("erase") == "previous"; }
void comba(Case& c) { previous(c) ? run<Comba>(c) : run<CombaDecayed>(c); }
const bool known = add("comba", comba) && add("comba_previous", run<Comba>);

}  // namespace
}  // namespace lcsm::conformance
