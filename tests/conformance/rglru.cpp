// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/rglru.hpp>

namespace lcsm::conformance {
namespace {

// A raw gate, linear in x block by block; `size`: the largest sum of absolute values in it.
Array gate(const Array& x, const Array& weight, const Array& bias, double& size) {
  const std::size_t heads = to_size(weight.shape[0]), width = to_size(weight.shape[1]), channels = heads * width;
  std::vector<Number> out;
  for (std::size_t row = 0; row < x.values.size() / channels; ++row)
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t to = 0; to < width; ++to) {
        Sum<Number> sum;
        sum.add(bias.number(h * width + to), {1});
        for (std::size_t from = 0; from < width; ++from) sum.add(x.number(row * channels + h * width + from), weight.number((h * width + from) * width + to));
        size = std::max(size, sum.size()), out.push_back(sum.total());
      }
  return array_of(x.shape, std::move(out));
}

void rglru(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("D"), p.position = c.size("start"), p.prefill = c.size_or("prefill", 0);
  const Array x = c.in("x"), parameter = c.par("recurrent_param");
  double input_size = 0, recurrent_size = 0, closest = 1;
  const Array input = gate(x, c.par("input_gate_weight"), c.par("input_gate_bias"), input_size),
              recurrent = gate(x, c.par("recurrent_gate_weight"), c.par("recurrent_gate_bias"), recurrent_size);
  for (std::size_t n = 0; n < x.values.size(); ++n)
    closest = std::min(closest, -std::expm1(-16 * sigmoid(recurrent[n]) * softplus(parameter[n % parameter.values.size()])));
  p.inputs.add("x", x, "BLD", "BL11D"), p.inputs.add("input_gate", input, "BLD", "BL11D"),
      p.inputs.add("recurrent_gate", recurrent, "BLD", "BL11D"), p.inputs.add("recurrent_param", parameter, "D", "1111D");
  // A rounded logit moves its sigmoid by at most the same absolute error, relatively. The reference subtracts a^2 from 1.
  const double sums = double(p.values / c.size("H") + 2);
  p.coefficient_slack = 0.5 * input_size, p.log_slack = 0.5 * recurrent_size;
  p.golden_coefficient_slack = sums * input_size + 1 / closest, p.golden_log_slack = sums * recurrent_size;
  if (c.has("s0", "h0")) p.initial.insert_or_assign("m", rearranged(c.s0("h0"), "BD", "B111D"));
  p.state(c, "h", "m", "BD", "BD", "B111D"), p.output(c, "y", "BLD", "BLD");
  check<RgLru>(c, p, []<class T>(const Source<T>& s) {
    return RgLru::In<const T>{
        .x = s("x"), .recurrent_gate = s("recurrent_gate"), .input_gate = s("input_gate"), .recurrent_param = s("recurrent_param")};
  });
}
const bool known = add("rglru", rglru);

}  // namespace
}  // namespace lcsm::conformance
