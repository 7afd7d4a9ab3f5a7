// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/s4d.hpp>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) {
  return S4d::In<const T>{.x = x("x"),
                          .log_dt = x("log_dt"),
                          .log_A_real = x("log_A_real"),
                          .A_imag = x("A_imag"),
                          .C = x("C"),
                          .C_imag = x("C_imag"),
                          .D = x("D")};
};

void s4d(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("H"), p.keys = c.size("Nhalf");
  for (const char* name : {"log_A_real", "A_imag"}) p.inputs.add(name, c.par(name), "HN", "111NH");
  p.inputs.add("C", part(c.par("C"), 0), "HN", "111NH"), p.inputs.add("C_imag", part(c.par("C"), 1), "HN", "111NH");
  p.inputs.add("log_dt", c.par("log_dt"), "H", "1111H");
  // The reference's (exp(z) - 1) / A cancels when z = dt A is small.
  const Array re = c.par("log_A_real"), im = c.par("A_imag"), log_dt = c.par("log_dt");
  double smallest = 1;
  for (std::size_t n = 0; n < re.values.size(); ++n)
    smallest = std::min(smallest, std::hypot(std::exp(re[n]), im[n]) * std::exp(log_dt[n / to_size(p.keys)]));
  p.golden_coefficient_slack = 1 / smallest;
  // The slope of it by A is the difference of dt exp(z) / A and (exp(z) - 1) / A^2: about 1 / z^2 of what is left.
  p.golden_slope_slack = 4 / (smallest * smallest);

  p.no_op = {{"x", 0}}, p.no_op_first = true;
  Problem kernel = p;
  kernel.batch = 1;
  kernel.inputs.add("x", impulse(p.tokens, p.values), "LH", "1L11H"), kernel.inputs.add("D", constant({p.values}, 0), "H", "1111H");
  kernel.outputs.push_back(c.expected("aux", "kernel", "HL", "LH"));
  check<S4d>(c, kernel, bind);

  p.inputs.add("x", c.in("u"), "BHL", "BL11H"), p.inputs.add("D", c.par("D"), "H", "1111H");
  p.output(c, "y", "BHL", "BLH");
  const std::vector<double>& k = kernel.outputs[0].values.values;
  const Array u = rearranged(c.in("u"), "BHL", "BLH");
  p.outputs[0].own = convolution_error(k, u.values, p.batch, p.tokens, p.values);
  check<S4d>(c, p, bind);
}
const bool known = add("s4d", s4d);

}  // namespace
}  // namespace lcsm::conformance
