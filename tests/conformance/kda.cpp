// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/kda.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  const Index group = std::max<Index>(1, c.size_or("R", 1));               // value heads for each head of q and k
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H") * group, p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  return p;
}

void kda(Case& c) {
  Problem p = sizes(c);
  p.no_op = {{"beta", 0}, {"g", 0}};
  p.inputs.add("g", c.in("g"), "BLHK", "BLH1K");
  p.inputs.add("beta", c.in("beta"), "BLH", "BLH11");
  check<Kda>(c, p, []<class T>(const Source<T>& x) {
    return Kda::In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .g = x("g"), .beta = x("beta")};
  });
}
void kimi(Case& c) {
  Problem p = sizes(c);
  p.no_op = {{"b", -1e4}, {"f", -1e4}};
  p.inputs.add("f", c.in("f"), "BLHK", "BLH1K");
  p.inputs.add("b", c.in("b"), "BLH", "BLH11");
  const Array bias = c.par("dt_bias");
  p.inputs.add("dt_bias", reshaped(bias, {Index(bias.values.size()) / p.keys, p.keys}), "HK", "11H1K");
  p.inputs.add("A_log", c.par("A_log"), "H", "11H11");
  check<KdaLayer>(c, p, []<class T>(const Source<T>& x) {
    return KdaLayer::In<const T>{
        .q = x("q"), .k = x("k"), .v = x("v"), .f = x("f"), .b = x("b"), .A_log = x("A_log"), .dt_bias = x("dt_bias")};
  });
}
const bool known = add("kda", kda) && add("kda_kimi", kimi);

}  // namespace
}  // namespace lcsm::conformance
