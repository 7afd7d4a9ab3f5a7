// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/retnet.hpp>

namespace lcsm::conformance {
namespace {

Problem sizes(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  p.no_op = {{"k", 0}};
  return p;
}
template <class M>
auto attention = []<class T>(const Source<T>& x) { return typename M::template In<const T>{.q = x("q"), .k = x("k"), .v = x("v")}; };

void linear_attn(Case& c) {
  Problem p = sizes(c);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  check<LinearAttention>(c, p, attention<LinearAttention>);
}
void linear_attn_norm(Case& c) {
  Problem p = sizes(c);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BLHF", "BLH1F");
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.state(c, "z", "z", "B1HK", "B1HK", "B1H1K"), p.output(c, "o", "BLHV", "BLHV");
  check<LinearAttentionNormalised>(c, p, attention<LinearAttentionNormalised>);
}
void retention(Case& c) {
  Problem p = sizes(c);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.by_head = p.no_op_first = true;
  p.output(c, "o", "BHLV", "BLHV");
  check<Retention>(c, p, attention<Retention>);
}
const bool known = add("linear_attn", linear_attn) && add("linear_attn_norm", linear_attn_norm) && add("retention", retention);

}  // namespace
}  // namespace lcsm::conformance
