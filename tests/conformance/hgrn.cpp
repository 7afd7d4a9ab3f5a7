// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/hgrn2.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

void hgrn(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("D"), p.prefill = c.size_or("prefill", 0);
  p.inputs.add("x", c.in("x"), "BLD", "BL11D"), p.inputs.add("g", c.in("g"), "BLD", "BL11D");
  p.no_op = {{"x", 0}, {"g", 0}};
  p.state(c, "h", "m", "BD", "BD", "B111D"), p.output(c, "o", "BLD", "BLD");
  check<Hgrn>(c, p, []<class T>(const Source<T>& x) { return Hgrn::In<const T>{.x = x("x"), .g = x("g")}; });
}

void hgrn2(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  const Array f = c.in("f"), bound = c.par("lower_bound");
  p.inputs.add("q", c.in("q"), "BLHK", "BLH1K"), p.inputs.add("f", f, "BLHK", "BLH1K"), p.inputs.add("v", c.in("v"), "BLHV", "BLH1V");
  p.inputs.add("lower_bound", bound, "HK", "11H1K");
  p.no_op = {{"f", 1e4}};
  p.state(c, "S", "m", "BHKV", "BHKV", "B1HKV"), p.output(c, "o", "BLHV", "BLHV");
  // The reference's key is 1 - gate, a subtraction.
  double closed = 1;
  for (std::size_t n = 0; n < f.values.size(); ++n) closed = std::min(closed, (1 - bound[n % bound.values.size()]) / (1 + std::exp(f[n])));
  p.golden_coefficient_slack = 1 / closed;
  check<Hgrn2>(c, p, []<class T>(const Source<T>& x) {
    return Hgrn2::In<const T>{.q = x("q"), .f = x("f"), .v = x("v"), .lower_bound = x("lower_bound")};
  });
}
const bool known = add("hgrn", hgrn) && add("hgrn2", hgrn2);

}  // namespace
}  // namespace lcsm::conformance
