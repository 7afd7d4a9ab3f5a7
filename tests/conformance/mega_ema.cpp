// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/mega_ema.hpp>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) {
  return MegaEma::In<const T>{
      .x = x("x"), .delta = x("delta"), .alpha = x("alpha"), .beta = x("beta"), .gamma = x("gamma"), .omega = x("omega")};
};

// The averages of channels [first, first + count) of the parameters, which are doubled when there are two directions.
void parameters(Case& c, Problem& p, Index first, Index count) {
  for (const char* name : {"delta", "alpha", "beta"}) p.inputs.add(name, slice(c.par(name), first, count), "DN1", "111ND");
  p.inputs.add("gamma", slice(c.par("gamma"), first, count), "DN", "111ND");
}
std::vector<double> kernel_of(Case& c, Index first, Index count, Index length) {
  const Array delta = c.par("delta"), alpha = c.par("alpha"), beta = c.par("beta"), gamma = c.par("gamma");
  const Index modes = gamma.shape[1];
  std::vector<double> k(to_size(length * count), 0.0);
  for (Index d = 0; d < count; ++d)
    for (Index n = 0; n < modes; ++n) {
      const std::size_t at = to_size((first + d) * modes + n);
      const double p = sigmoid(delta[at]), q = 1 - p * sigmoid(alpha[at]);
      for (Index l = 0; l < length; ++l)
        k[to_size(l * count + d)] += p * beta[at] * gamma[at] / std::sqrt(double(modes)) * std::pow(q, double(l));
    }
  return k;
}

void mega_ema(Case& c) {
  Problem p;
  const bool both = c.flag("bidirectional");
  const Index length = c.size("L"), channels = c.size("D"), window = c.size("truncation"), batch = c.size("B");
  p.batch = batch, p.tokens = length, p.values = channels, p.keys = c.size("N"), p.prefill = c.size_or("prefill", 0);
  if (c.has("aux", "kernel")) {
    Problem kernel;
    kernel.tokens = window > 0 ? window : length, kernel.values = both ? 2 * channels : channels, kernel.keys = p.keys;
    parameters(c, kernel, 0, kernel.values);
    kernel.inputs.add("x", impulse(kernel.tokens, kernel.values), "LD", "1L11D"),
        kernel.inputs.add("omega", constant({kernel.values}, 0), "D", "1111D");
    kernel.outputs.push_back(c.expected("aux", "kernel", "DL", "LD"));
    check<MegaEma>(c, kernel, bind);
  }

  p.no_op = {{"x", 0}}, p.no_op_first = true;
  parameters(c, p, 0, channels);
  const Array x = rearranged(c.in("x"), "LBD", "BLD");
  p.inputs.add("omega", c.par("omega"), "D", "1111D");
  p.state(c, "h", "m", "BDN", "BDN", "B11ND"), p.output(c, "y", "LBD", "BLD");
  std::vector<double> own = convolution_error(kernel_of(c, 0, channels, window > 0 ? window : length), x.values, batch, length, channels);
  if (both) {
    const std::vector<double> other = convolution_error(kernel_of(c, channels, channels, length), x.values, batch, length, channels);
    for (std::size_t n = 0; n < own.size(); ++n) own[n] += other[n];
  }
  for (double& e : own) e *= 1.1;
  for (Expected& y : p.outputs) y.own = own;
  for (Expected& y : p.chunked) y.own = own;
  p.after(activated);
  if (window > 0) {
    // A kernel cut off after some taps: every output is the last of a window that starts from nothing.
    std::vector<Number> windows;
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < length; ++t)
        for (Index j = 0; j < window; ++j)
          for (Index d = 0; d < channels; ++d) windows.push_back(j < window - 1 - t ? Number() : x.number(to_size((b * length + t - window + 1 + j) * channels + d)));
    p.inputs.add("x", array_of({batch * length, window, channels}, windows), "BLD", "BL11D");
    p.batch = batch * length, p.tokens = window, p.whole = true;
    p.after([=]<class X>(std::vector<X>& y) {
      std::vector<X> last;
      for (Index w = 0; w < batch * length; ++w)
        for (Index d = 0; d < channels; ++d) last.push_back(y.at(to_size((w * window + window - 1) * channels + d)));
      y = std::move(last), activated(y);
    });
    check<MegaEma>(c, p, bind);
    return;
  }
  p.inputs.add("x", x, "BLD", "BL11D");
  if (!both) {
    check<MegaEma>(c, p, bind);
    return;
  }
  // The other direction has no residual of its own.
  Problem q;
  q.batch = batch, q.tokens = length, q.values = channels, q.keys = p.keys, q.direction = Direction::reverse;
  parameters(c, q, channels, channels);
  q.inputs.add("x", x, "BLD", "BL11D"), q.inputs.add("omega", constant({channels}, 0), "D", "1111D");
  p.whole = true;
  check_both<MegaEma>(c, p, q, Both::Join::sum, bind);
}
const bool known = add("mega_ema", mega_ema);

}  // namespace
}  // namespace lcsm::conformance
