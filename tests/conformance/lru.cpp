// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/lru.hpp>

namespace lcsm::conformance {
namespace {

// Dense maps in double around the diagonal core: rows are outputs.
struct Maps {
  std::size_t inputs, outputs, states;
  Array b, b_imag, c, c_imag, d;
};

void lru(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.values = c.size("N");
  const Maps maps{to_size(c.size("In")), to_size(c.size("Out")), to_size(p.values),   part(c.par("B"), 0),
                  part(c.par("B"), 1),   part(c.par("C"), 0),    part(c.par("C"), 1), c.par("D")};
  const Array u = c.in("u"), nu = c.par("nu_log"), gamma = c.par("gamma_log");
  for (const char* name : {"nu_log", "theta_log", "gamma_log"}) p.inputs.add(name, c.par(name), "N", "1111N");

  // B u, and what its sums lose in double, here and in the reference: it decays like the state.
  Array lost = constant({p.batch, p.tokens, p.values}, 0);
  std::vector<Number> x(lost.values.size()), x_imag = x;
  for (std::size_t row = 0; row < to_size(p.batch * p.tokens); ++row)
    for (std::size_t n = 0; n < maps.states; ++n) {
      const std::size_t at = row * maps.states + n;
      for (std::size_t i = 0; i < maps.inputs; ++i) {
        const Number from = u.number(row * maps.inputs + i), re = maps.b.number(n * maps.inputs + i) * from, im = maps.b_imag.number(n * maps.inputs + i) * from;
        x[at] += re, x_imag[at] += im, lost.values[at] += (std::abs(re.x) + std::abs(im.x)) * std::exp(gamma[n]) * double(maps.inputs + 2) * rounding;
      }
      if (row % to_size(p.tokens) > 0) lost.values[at] += std::exp(-std::exp(nu[n])) * lost[at - maps.states];
    }
  p.inputs.add("x", array_of(lost.shape, x), "BLN", "BL11N"), p.inputs.add("x_imag", array_of(lost.shape, x_imag), "BLN", "BL11N");
  p.no_op = {{"x", 0}, {"x_imag", 0}}, p.no_op_first = true;
  p.output(c, "y", "BLO", "BLO");
  std::vector<double>& own = p.outputs[0].own;
  for (std::size_t row = 0; row < to_size(p.batch * p.tokens); ++row)
    for (std::size_t o = 0; o < maps.outputs; ++o) {
      double sum = 0;
      for (std::size_t n = 0; n < maps.states; ++n)
        sum += std::hypot(maps.c[o * maps.states + n], maps.c_imag[o * maps.states + n]) * lost[row * maps.states + n];
      own.push_back(sum);
    }
  // Re(C m) + D u, m = [Re | Im].
  p.after([maps, u]<class X>(std::vector<X>& y) {
    const std::size_t rows = y.size() / (2 * maps.states);
    std::vector<X> out;
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t o = 0; o < maps.outputs; ++o) {
        Sum<X> sum;
        for (std::size_t n = 0; n < maps.states; ++n) {
          const std::size_t re = row * 2 * maps.states + n, im = re + maps.states, at = o * maps.states + n;
          sum.add(maps.c.number<X>(at), y[re]), sum.add(-maps.c_imag.number<X>(at), y[im]);
        }
        for (std::size_t i = 0; i < maps.inputs; ++i) sum.add(maps.d.number<X>(o * maps.inputs + i), u.number<X>(row * maps.inputs + i));
        out.push_back(sum.total());
      }
    y = std::move(out);
  });
  check<Lru>(c, p, []<class T>(const Source<T>& s) {
    return Lru::In<const T>{.x = s("x"), .x_imag = s("x_imag"), .nu_log = s("nu_log"), .theta_log = s("theta_log"), .gamma_log = s("gamma_log")};
  });
}
const bool known = add("lru", lru);

}  // namespace
}  // namespace lcsm::conformance
