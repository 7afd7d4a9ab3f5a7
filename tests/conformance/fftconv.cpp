// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/long_convolution.hpp>

#include <numbers>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) { return LongConvolution::In<const T>{.x = x("x"), .kernel = x("kernel"), .D = x("D")}; };

template <bool S> NumberOf<S> gelu(const NumberOf<S>& a) {
  const double cdf = 0.5 * std::erfc(-a.x / std::numbers::sqrt2), density = std::exp(-a.x * a.x / 2) / std::sqrt(2 * std::numbers::pi);
  return function(a, a.x * cdf, cdf + a.x * density, (2 - a.x * a.x) * density);
}

void fftconv(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("H"), p.keys = c.par("k").shape.back();
  if (p.keys > 1) p.no_op = {{"x", 0}}, p.no_op_first = true;   // a single tap remembers nothing: any padding will do
  const bool both = c.flag("bidirectional");
  const Array x = rearranged(c.in("u"), "BDL", "BLD");
  p.inputs.add("x", x, "BLD", "BL11D"), p.inputs.add("kernel", c.par("k"), "DK", "111KD"), p.inputs.add("D", c.par("D"), "D", "1111D");
  p.output(c, "y", "BDL", "BLD");
  const auto by_lag = [&](const char* name) { return rearranged(c.par(name), "DK", "KD").values; };
  std::vector<double> own = convolution_error(by_lag("k"), x.values, p.batch, p.tokens, p.values);
  if (both) {
    const std::vector<double> other = convolution_error(by_lag("k_rev"), x.values, p.batch, p.tokens, p.values);
    for (std::size_t n = 0; n < own.size(); ++n) own[n] += other[n];
  }
  const bool activated = c.flag("gelu");
  for (Expected& y : p.outputs) {
    y.own = own;
    if (activated) for (double& e : y.own) e *= 1.13;       // the steepest slope
  }
  if (activated) p.after([]<class X>(std::vector<X>& y) { for (X& v : y) v = gelu(v); });
  if (!both) return check<LongConvolution>(c, p, bind);
  // The other direction has the present token, too, and no skip.
  Problem q;
  q.batch = p.batch, q.tokens = p.tokens, q.values = p.values, q.keys = p.keys, q.direction = Direction::reverse;
  q.inputs.add("x", x, "BLD", "BL11D"), q.inputs.add("kernel", c.par("k_rev"), "DK", "111KD"), q.inputs.add("D", constant({p.values}, 0), "D", "1111D");
  p.whole = true;
  check_both<LongConvolution>(c, p, q, Both::Join::sum, bind);
}
const bool known = add("fftconv", fftconv);

}  // namespace
}  // namespace lcsm::conformance
