// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/dss.hpp>

#include <complex>

namespace lcsm::conformance {
namespace {

using Z = std::complex<double>;

template <class M> auto bind_of = []<class T>(const Source<T>& x) {
  typename M::template In<const T> in{.x = x("x"), .log_dt = x("log_dt"), .log_dt_imag = x("log_dt_imag"), .W = x("W"), .W_imag = x("W_imag")};
  if constexpr (requires { in.lambda; }) in.lambda = x("re"); else in.log_neg_re = x("re");
  if constexpr (requires { in.log_imag; }) in.log_imag = x("im"); else in.lambda_imag = x("im");
  if constexpr (requires { in.length; }) in.length = x("length");
  return in;
};

template <class M> void with(Case& c, const Problem& kernel, const Problem& p) {
  check<M>(c, kernel, bind_of<M>), check<M>(c, p, bind_of<M>);
}

// The copies of a layer are heads, which read one input.
void dss(Case& c) {
  const std::string version = c.text("version");
  const bool exponential = version.starts_with("exp"), softmax = version == "softmax", scaled = !version.ends_with("no-scale");
  const Array stored = exponential ? constant({1}, 0) : c.par("Lambda");
  const Array re = exponential ? c.par("Lambda_log_neg_re") : part(stored, 0);
  const Array im = version == "exp-re-im" ? c.par("Lambda_log_im") : exponential ? c.par("Lambda_im") : part(stored, 1);
  Array log_dt = c.par("log_dt");
  const bool two_steps = log_dt.shape.size() == 2;
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("C"), p.values = c.size("H"), p.keys = c.size("N");
  p.inputs.add("re", re, "N", "1111N"), p.inputs.add("im", im, "N", "1111N");
  const Array log_dt_imag = two_steps ? part(log_dt, 1) : log_dt;
  if (two_steps) log_dt = part(log_dt, 0);
  p.inputs.add("log_dt", log_dt, "H", "1111H"), p.inputs.add("log_dt_imag", log_dt_imag, "H", "1111H");
  p.inputs.add("length", constant({1}, double(p.tokens)), "1", "11111");
  for (const int which : {0, 1}) p.inputs.add(which ? "W_imag" : "W", part(c.par("W"), which), "CHN", "11CNH");

  // Tables are made in double here and there, so these are units of double on both sides: exp(z) - 1 cancels where z is small (there), and where it
  // is close to a multiple of 2 pi i (here, too: its argument is rounded); so does the length's; and what grows starts from exp of a large log.
  const double length = double(p.tokens);
  const auto condition = [](Z z) { return (1 + std::abs(z)) * (1 + std::abs(std::exp(z))) / std::abs(std::exp(z) - 1.0); };
  double slack = 0;
  for (std::size_t h = 0; scaled && h < to_size(p.values); ++h)
    for (std::size_t n = 0; n < to_size(p.keys); ++n) {
      double x = exponential ? -std::exp(re[n]) : re[n];
      if (version.starts_with("clip")) x = std::min(x, 1e-4);
      const double y = version == "exp-re-im" ? std::exp(im[n]) : im[n];
      const Z z(std::exp(log_dt[h]) * x, std::exp(log_dt_imag[h]) * y), decays = x > 0 ? -z : z;
      double one = condition(softmax ? decays : z);
      if (softmax) one += condition(length * decays) + (x > 0 ? 2 * length * std::abs(z) : 0);
      slack = std::max(slack, one);
    }
  p.golden_coefficient_slack = 2 * slack;
  p.golden_slope_slack = slack * slack;                     // by lambda: see s4d.cpp

  p.no_op = {{"x", 0}}, p.no_op_first = true;
  Problem kernel = p;
  kernel.batch = 1;
  kernel.inputs.add("x", impulse(p.tokens, p.values), "LH", "1L11H"), kernel.output(c, "kernel", "CHL", "LCH");
  p.inputs.add("x", c.in("u"), "BHL", "BL11H"), p.output(c, "y", "BCHL", "BLCH");
  // The reference convolves through FFTs: every copy is a channel of its own.
  const Array u = rearranged(c.in("u"), "BHL", "BLH");
  std::vector<double> copies;
  for (std::size_t row = 0; row < to_size(p.batch * p.tokens); ++row)
    for (Index copy = 0; copy < p.heads; ++copy)
      copies.insert(copies.end(), u.values.begin() + std::ptrdiff_t(row) * p.values, u.values.begin() + std::ptrdiff_t(row + 1) * p.values);
  p.outputs[0].own = convolution_error(kernel.outputs[0].values.values, copies, p.batch, p.tokens, p.heads * p.values);

  if (version == "exp") with<DssExp>(c, kernel, p);
  else if (version == "exp-no-scale") with<DssExpNoScale>(c, kernel, p);
  else if (version == "exp-re-im") with<DssExpReIm>(c, kernel, p);
  else if (version == "clip") with<DssClip>(c, kernel, p);
  else if (version == "clip-no-scale") with<DssClipNoScale>(c, kernel, p);
  else if (softmax) with<DssSoftmax>(c, kernel, p);
  else raise<FormatError>("lcsm_conformance: version '" + version + "'");
}
const bool known = add("dss", dss);

}  // namespace
}  // namespace lcsm::conformance
