// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "dense.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/gateloop.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

void gateloop_layer(Case& c) {
  Problem p;
  const Index D = c.size("D"), heads = c.size("H"), d = D / heads;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = heads, p.keys = p.values = d;
  const Array x = c.in("x"), qkv = c.par("W_qkv"), out = c.par("W_o");
  HeadRecurrence r{to_size(p.batch), to_size(p.tokens), to_size(heads), to_size(d), to_size(d), {}, {}, {}, {}, {}, {}, {}, {}};
  std::vector<double>* const rows[] = {&r.q, &r.k, &r.v, &r.dq, &r.dk, &r.dv};
  for (const Index n : {0, 1, 2}) {
    const Dense y = dense(x, slice(qkv, n * D, D));
    p.inputs.add(n == 0 ? "q" : n == 1 ? "k" : "v", reshaped(y.y, {p.batch, p.tokens, heads, d}), "BLHF", "BLH1F");
    *rows[n] = y.y.values, *rows[n + 3] = y.lost;
  }
  const Dense z = dense(x, c.par("W_a"), c.par("b_a"));
  const Array pairs = reshaped(z.y, {p.batch, p.tokens, heads, 2});
  p.inputs.add("a", part(pairs, 0), "BLH", "BLH11"), p.inputs.add("a_imag", part(pairs, 1), "BLH", "BLH11");
  for (std::size_t n = 0; n < z.lost.size(); n += 2) {
    const double re = z.y[n], im = z.y[n + 1], size = std::hypot(re, im), magnitude = sigmoid(size), lost = std::hypot(z.lost[n], z.lost[n + 1]);
    r.a.push_back(std::polar(magnitude, std::atan2(im, re)));
    // d magnitude = magnitude (1 - magnitude) d|z| and d angle = d z / |z|.
    r.da.push_back(magnitude * lost * std::hypot(1 - magnitude, 1 / size));
    // Half a unit of re and im is as much of |z|; and it turns by at most half a unit of sin(angle) cos(angle), which is below the angle.
    p.log_slack = std::max(p.log_slack, 0.5 * (1 + size * (1 - magnitude) / -std::log(magnitude)));
  }
  p.no_op = {{"k", 0}, {"a", 1e4}, {"a_imag", 0}};
  p.output(c, "y", "BLD", "BLD");
  p.after([out, gate = dense(x, c.par("W_g"))]<class X>(std::vector<X>& y) {
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = y[n] * silu(gate.number<X>(n));
    dense(out, y);
  });
  HeadRecurrence::Result result = r.run();
  p.post(result.y, result.error), p.outputs[0].own = result.error;
  check<GateLoopAttention>(c, p, []<class T>(const Source<T>& s) {
    return GateLoopAttention::In<const T>{.q = s("q"), .k = s("k"), .v = s("v"), .a = s("a"), .a_imag = s("a_imag")};
  });
}
const bool known = add("gateloop_layer", gateloop_layer);

}  // namespace
}  // namespace lcsm::conformance
