// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "dense.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/retnet.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

constexpr double norm_epsilon = 1e-6;

// x / sqrt(mean x^2 + eps) over the channels of a head. With o = scale x: the root R is the norm of (o / sqrt D, sqrt eps), so it moves by no more
// than the norm of the errors. An error of the scale itself, of `terms` units, is left over only as eps / R^2 of it.
template <class X> void norm(std::vector<X>& y, const Buffer<double>& scale, std::size_t width, double terms) {
  for (std::size_t row = 0; row < y.size() / width; ++row) {
    const double factor = scale[Index(row)];
    X square{norm_epsilon * double(width), 0, {}};
    double moved = 0;
    for (std::size_t c = row * width; c < (row + 1) * width; ++c) {
      const double error = y[c].error * factor;
      y[c] = y[c] * factor, y[c].error = error, square += y[c] * y[c], moved += error * error;
    }
    const X root = sqrt(square * (1 / double(width))), one = inverse(root);
    const double shift = std::sqrt(moved / double(width)), least = std::max(root.x - shift, std::sqrt(norm_epsilon));
    for (std::size_t c = row * width; c < (row + 1) * width; ++c) {
      X r = y[c] * one;
      const double size = std::abs(r.x);
      r.error = (y[c].error + size * shift) / least + size * rounding * (8 + double(width) + norm_epsilon / (root.x * root.x) * terms);
      y[c] = std::move(r);
    }
  }
}

// A projection [B,L,H K] through RetNet's rotation, and what it may be off by: `lost` turned, and in units of eps the rotation itself, whose
// products and whose cosine and sine are rounded while their sum may cancel.
struct Rotated {
  std::vector<double> x, lost, units;
};
Rotated rotated(const Dense& from, Index tokens, Index keys, Index heads, double scale) {
  Rotated out{from.y.values, from.lost, std::vector<double>(from.lost.size())};
  for (std::size_t n = 0; n < out.x.size(); n += 2) {
    const Index a = Index(n) % keys, t = Index(n) / (keys * heads) % tokens;
    const double angle = double(t) * std::pow(1e4, keys > 2 ? -double(a) / double(keys - 2) : 0.0), c = std::cos(angle) * scale, s = std::sin(angle) * scale;
    const auto turn = [](std::vector<double>& v, std::size_t at, double cosine, double sine) {
      const double x = v[at], y = v[at + 1];
      v[at] = x * cosine - y * sine, v[at + 1] = y * cosine + x * sine;
    };
    const double x = std::abs(out.x[n]), y = std::abs(out.x[n + 1]), p = std::abs(c), q = std::abs(s), lost = out.lost[n], lost_too = out.lost[n + 1];
    turn(out.x, n, c, s);
    out.lost[n] = lost * p + lost_too * q, out.lost[n + 1] = lost_too * p + lost * q;
    out.units[n] = 1.5 * (x * p + y * q), out.units[n + 1] = 1.5 * (y * p + x * q);   // input, cosine or sine, product: half a unit each
  }
  return out;
}

void retnet_torchscale(Case& c) {
  Problem p;
  const Index heads = c.size("H"), values = c.size("Dv") / heads, keys = c.size("D") / heads, batch = c.size("B"), tokens = c.size("L");
  p.batch = batch, p.tokens = tokens, p.heads = heads, p.keys = keys, p.values = values;
  p.by_head = true, p.no_op = {{"k", 0}}, p.no_op_first = true;
  const Array x = c.in("x"), out = c.par("out_proj");
  const Dense q = dense(x, c.par("q_proj")), k = dense(x, c.par("k_proj")), v = dense(x, c.par("v_proj")), gate = dense(x, c.par("g_proj"));
  p.inputs.add("q", reshaped(q.y, {batch, tokens, heads, keys}), "BLHK", "BLH1K"), p.inputs.add("k", reshaped(k.y, {batch, tokens, heads, keys}), "BLHK", "BLH1K"),
      p.inputs.add("v", reshaped(v.y, {batch, tokens, heads, values}), "BLHV", "BLH1V");

  const Rotated rq = rotated(q, tokens, keys, heads, 1), rk = rotated(k, tokens, keys, heads, 1 / std::sqrt(double(keys)));
  HeadRecurrence r{to_size(batch), to_size(tokens), to_size(heads), to_size(keys), to_size(values), rq.x, rk.x, v.y.values, rq.units, rk.units,
                   std::vector<double>(v.lost.size()), {}, std::vector<double>(to_size(batch * tokens * heads))};
  for (Index n = 0; n < batch * tokens * heads; ++n) r.a.emplace_back(1 - std::exp2(-5.0 - double(n % heads)));
  const HeadRecurrence::Result units = r.run();
  for (std::size_t n = 0; n < units.sums.size(); ++n)
    if (units.sums[n] > 0) p.coefficient_slack = std::max(p.coefficient_slack, units.error[n] / units.sums[n]);
  p.golden_coefficient_slack = p.coefficient_slack;
  r.dq = rq.lost, r.dk = rk.lost, r.dv = v.lost;
  const HeadRecurrence::Result lost = r.run();
  // The largest sum of moduli in a row of scores: what the divisors of rows, which are at least 1, are rounded from.
  HeadRecurrence scores = r;
  scores.values = 1, scores.v.assign(to_size(batch * tokens * heads), 1.0), scores.dv.assign(scores.v.size(), 0.0);
  double row = 1;
  for (const double sum : scores.run().sums) row = std::max(row, sum);
  const double terms = double(tokens + keys + 16) * row;

  // torchscale's three forms scale their rows differently, and the eps of the norm sees that.
  const auto qv = p.inputs.view<double>("q", 0, tokens), kv = p.inputs.view<double>("k", 0, tokens), vv = p.inputs.view<double>("v", 0, tokens);
  const auto form = [&](const char* role, const char* name, auto&& fill) {
    if (!c.has(role, name)) return;
    Buffer<double> scale(batch, tokens, heads, 1);
    fill(scale.view());
    Problem one = p;
    // The scales of rows are constants to the reference's gradients: it detaches them.
    one.after([&]<class X>(std::vector<X>& y) {
      norm(y, scale, to_size(values), terms);
      for (std::size_t n = 0; n < y.size(); ++n) y[n] = y[n] * silu(gate.number<X>(n));
      dense(out, y);
    });
    HeadRecurrence::Result again = lost;
    one.post(again.y, again.error);
    one.outputs.push_back(c.expected(role, name, "BLD", "BLD")), one.outputs[0].own = again.error;
    check<RetNet>(c, one, []<class T>(const Source<T>& s) { return RetNet::In<const T>{.q = s("q"), .k = s("k"), .v = s("v")}; });
  };
  form("out", "y", [&](const View<double>& scale) { retnet_parallel_scale(qv, kv, scale); });
  form("chunk", "y_recurrent", [&](const View<double>& scale) { retnet_recurrent_scale(scale); });
  form("chunk", "y_chunkwise", [&](const View<double>& scale) { retnet_chunk_scale(qv, kv, vv, c.size("chunk"), scale); });
}
const bool known = add("retnet_torchscale", retnet_torchscale);

}  // namespace
}  // namespace lcsm::conformance
