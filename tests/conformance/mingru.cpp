// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "dense.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/mingru.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

double positive(double x) { return x < 0 ? sigmoid(x) : x + 0.5; }

void mingru(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("D"), p.prefill = c.size_or("prefill", 0);
  const Array w = c.par("W"), x = c.in("x");
  const Dense hidden = dense(x, slice(w, 0, p.values)), gate = dense(x, slice(w, p.values, p.values));
  p.inputs.add("x", hidden.y, "BLD", "BL11D"), p.inputs.add("i", gate.y, "BLD", "BL11D");
  if (c.has("s0", "h0")) p.initial.insert_or_assign("m", rearranged(c.s0("h0"), "B1D", "B111D"));
  p.final.insert_or_assign("m", c.expected("s1", "h", "B1D", "B111D"));
  if (p.prefill > 0) p.middle.insert_or_assign("m", c.expected("chunk", "h_mid", "B1D", "B111D"));
  p.no_op = {{"i", -1e4}};
  p.output(c, "y", "BLD", "BLD");

  // What half a unit of the raw numbers does to 1 - z, to its logarithm and to g(x), in units.
  for (const double g : gate.y.values) {
    p.coefficient_slack = std::max(p.coefficient_slack, 0.5 * std::abs(g) * sigmoid(-g));
    p.log_slack = std::max(p.log_slack, 0.5 * std::abs(g) * sigmoid(g) / softplus(g));
  }
  double written = 0;
  for (const double h : hidden.y.values) written = std::max(written, 0.5 * std::abs(h) * (h < 0 ? sigmoid(-h) : 1 / (h + 0.5)));
  p.coefficient_slack += written;

  // The reference works on logarithms, log h_t = a_t + logcumsumexp(log b - a)_t with a_t = sum of log(1 - z): a cumulative sum whose every step
  // rounds a_t, and a cumulative logarithm of a sum whose every step rounds a number of that size, too. A term of age n carries n of these
  // roundings (what happened before it cancels), and the roundings of its own logarithm. Beside that, what the two projections lost.
  const std::size_t width = to_size(p.values), tokens = to_size(p.tokens);
  std::vector<double> own(hidden.y.values.size()), h(own.size());
  const std::vector<double> start = p.initial.empty() ? std::vector<double>(to_size(p.batch * p.values)) : p.initial.at("m").values;
  for (std::size_t b = 0; b < to_size(p.batch); ++b)
    for (std::size_t d = 0; d < width; ++d) {
      double before = start[b * width + d], aged = before, lost = 0, cumulated = 0, largest = before > 0 ? std::abs(std::log(before)) : 0;
      for (std::size_t t = 0; t < tokens; ++t) {
        const std::size_t n = (b * tokens + t) * width + d;
        const double z = sigmoid(gate.y[n]), g = positive(hidden.y[n]);
        cumulated += softplus(gate.y[n]), largest = std::max(largest, std::abs(std::log(z * g)) + cumulated);
        h[n] = (1 - z) * before + z * g;
        aged = (1 - z) * aged + h[n];                       // the sum of term times (age + 1)
        lost = (1 - z) * lost + z * hidden.lost[n] + z * (1 - z) * std::abs(g - before) * gate.lost[n];
        own[n] = lost + 2 * std::numeric_limits<double>::epsilon() * (largest + 2) * aged;
        before = h[n];
      }
    }
  const auto at = [&](std::size_t t) {
    std::vector<double> row;
    for (std::size_t b = 0; b < to_size(p.batch); ++b)
      for (std::size_t d = 0; d < width; ++d) row.push_back(own[(b * tokens + t) * width + d]);
    return row;
  };
  for (Expected& y : p.outputs) y.own = own;
  for (Expected& y : p.chunked) y.own = own;
  p.final.at("m").own = at(tokens - 1);
  if (p.prefill > 0) p.middle.at("m").own = at(to_size(p.prefill) - 1);
  check<MinGru>(c, p, []<class T>(const Source<T>& s) { return MinGru::In<const T>{.x = s("x"), .i = s("i")}; });
}
const bool known = add("mingru", mingru);

}  // namespace
}  // namespace lcsm::conformance
