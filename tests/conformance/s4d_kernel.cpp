// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/s4d.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

// The full kernel of the S4 repository: copies of C are heads, which start from one state.
Array for_each_copy(const Array& x, Index copies) {
  const Array one = rearranged(x, "BHN", "B11NH");
  const Index size = one.shape[3] * one.shape[4];
  std::vector<Index> at;
  for (Index b = 0; b < one.shape[0]; ++b)
    for (Index copy = 0; copy < copies; ++copy)
      for (Index n = 0; n < size; ++n) at.push_back(b * size + n);
  Array out = picked(one, {one.shape[0], 1, copies, one.shape[3], one.shape[4]}, at);
  for (double& w : out.weight) w /= double(copies);         // one state in the loss
  return out;
}

template <class M> void with(Case& c) {
  const Index copies = c.size("Cn"), channels = c.size("H"), tokens = c.size("L");
  const auto bind = []<class T>(const Source<T>& x) {
    return typename M::template In<const T>{.x = x("x"), .log_dt = x("log_dt"), .log_A_real = x("log_A_real"), .A_imag = x("A_imag"), .B = x("B"), .B_imag = x("B_imag"),
                                            .C = x("C"), .C_imag = x("C_imag"), .D = x("D")};
  };
  const Array re = c.par("A_real"), im = mapped(c.par("A_imag"), [](const Number& x) { return -x; });
  const Array log_dt = mapped(c.par("inv_dt"), [](const Number& x) { return log(softplus(x)); });
  Problem p;
  p.batch = c.size("B"), p.tokens = tokens, p.heads = copies, p.keys = c.size("N"), p.values = channels;
  p.inputs.add("log_dt", log_dt, "H1", "1111H"), p.inputs.add("log_A_real", re, "HN", "111NH"), p.inputs.add("A_imag", im, "HN", "111NH");
  for (const std::string name : {"B", "C"})
    for (const int which : {0, 1}) p.inputs.add(which ? name + "_imag" : name, part(c.par(name), which), "PHN", name == "B" ? "111NH" : "11PNH");
  p.inputs.add("D", constant({channels}, 0), "H", "1111H");
  // log_dt is ours: half a unit of it moves dt, and with it the write and the log, by half its size; the softplus and logarithm before that
  // are right to some units. The reference's (exp(z) - 1) / A cancels.
  double largest = 0, smallest = 1;
  for (const double x : log_dt.values) largest = std::max(largest, std::abs(x));
  for (std::size_t n = 0; n < re.values.size(); ++n) smallest = std::min(smallest, std::hypot(std::exp(re[n]), im[n]) * std::exp(log_dt[n / to_size(p.keys)]));
  p.coefficient_slack = p.log_slack = 0.5 * largest + 3, p.golden_coefficient_slack = 1 / smallest + 4, p.golden_log_slack = 4;
  p.golden_slope_slack = 4 / (smallest * smallest);         // by A: see s4d.cpp

  p.no_op = {{"x", 0}}, p.no_op_first = true;
  Problem kernel = p, response = p;
  kernel.batch = 1, kernel.inputs.add("x", impulse(tokens, channels), "LH", "1L11H");
  kernel.outputs.push_back(c.expected("aux", "kernel", "PHL", "LPH"));
  check<M>(c, kernel, bind);

  const Array state = c.s0("state");
  for (Problem* q : {&p, &response})
    q->initial.insert_or_assign("m", for_each_copy(part(state, 0), copies)), q->initial.insert_or_assign("m_imag", for_each_copy(part(state, 1), copies));
  response.inputs.add("x", constant({p.batch, tokens, channels}, 0), "BLH", "BL11H");
  response.outputs.push_back(c.expected("aux", "kernel_state", "BPHL", "BLPH"));
  check<M>(c, response, bind);

  p.inputs.add("x", c.in("u"), "BHL", "BL11H"), p.output(c, "y", "BPHL", "BLPH");
  for (const char* role : {"s1", "chunk"}) {                // by steps, and by one whole sequence
    for (const int which : {0, 1}) {
      Expected last = c.expected(role, "x", "BHN", "BHN", which);
      last.values = for_each_copy(last.values, copies), p.final.insert_or_assign(which ? "m_imag" : "m", last);
    }
    check<M>(c, p, bind);
  }
}
void s4d_kernel_full(Case& c) {
  if (c.text("disc") == "zoh") with<S4dWithB>(c); else if (c.text("disc") == "bilinear") with<S4dBilinear>(c);
  else raise<FormatError>("lcsm_conformance: no rule '" + c.text("disc") + "'");
}
const bool known = add("s4d_kernel_full", s4d_kernel_full);

}  // namespace
}  // namespace lcsm::conformance
