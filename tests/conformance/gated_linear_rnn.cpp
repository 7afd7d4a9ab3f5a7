// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/gateloop.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

void gated_linear_rnn(Case& c) {
  Problem p;
  const bool tied = c.flag("tied");
  const Index D = c.size("D");
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = D, p.prefill = c.size_or("prefill", 0);
  const Array x = c.in("x"), out = channels(x, tied ? 2 * D : 3 * D, D);
  p.inputs.add("x", channels(x, 0, D), "BLD", "BL11D"), p.inputs.add("i", channels(x, D, D), "BLD", "BL11D");
  p.no_op = {{"i", -1e4}, {"f", 1e4}};
  p.state(c, "h", "m", "BD", "BD", "B111D"), p.output(c, "y", "BLD", "BLD");
  // The layer's part: tanh(h) times the output gate.
  p.after([out]<class X>(std::vector<X>& y) {
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = tanh(y[n]) * sigmoid(out.number<X>(n));
  });
  if (tied) {
    // The reference's 1 - sigmoid(i) is a subtraction.
    double open = 1;
    for (const double i : channels(x, D, D).values) open = std::min(open, sigmoid(-i));
    p.golden_log_slack = 1 / open;
    check<GatedLinearRnnTied>(c, p, []<class T>(const Source<T>& s) { return GatedLinearRnnTied::In<const T>{.x = s("x"), .i = s("i")}; });
  } else {
    p.inputs.add("f", channels(x, 2 * D, D), "BLD", "BL11D");
    check<GatedLinearRnn>(c, p, []<class T>(const Source<T>& s) { return GatedLinearRnn::In<const T>{.x = s("x"), .i = s("i"), .f = s("f")}; });
  }
}
const bool known = add("gateloop_gated_linear_rnn", gated_linear_rnn);

}  // namespace
}  // namespace lcsm::conformance
