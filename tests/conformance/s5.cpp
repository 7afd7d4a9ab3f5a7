// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/s5.hpp>

#include <complex>

namespace lcsm::conformance {
namespace {

using Z = std::complex<double>;

template <class M> auto bind_of = []<class T>(const Source<T>& x) {
  return typename M::template In<const T>{
      .x = x("x"), .x_imag = x("x_imag"), .log_step = x("log_step"), .lambda = x("lambda"), .lambda_imag = x("lambda_imag")};
};

// The dense maps of the layer, in double around the diagonal core.
struct Layer {
  std::size_t inputs, states;
  Array b, b_imag, c, c_imag, d, u;
  std::vector<Z> bar, phi;                                  // the core's multiplier and write
  double scale;

  // B u in two parts, and what its sums lose in double, here and in the reference: it decays like the state.
  std::vector<double> project(std::vector<Number>& x, std::vector<Number>& x_imag, std::size_t tokens, bool reverse) const {
    std::vector<double> lost(x.size());
    for (std::size_t step = 0; step < u.values.size() / inputs; ++step) {
      const std::size_t row = reverse ? step / tokens * tokens + (tokens - 1 - step % tokens) : step;
      for (std::size_t n = 0; n < states; ++n) {
        const std::size_t at = row * states + n, before = reverse ? at + states : at - states;
        for (std::size_t i = 0; i < inputs; ++i) {
          const Number from = u.number(row * inputs + i), re = b.number(n * inputs + i) * from, im = b_imag.number(n * inputs + i) * from;
          x[at] += re, x_imag[at] += im, lost[at] += (std::abs(re.x) + std::abs(im.x)) * std::abs(phi[n]) * double(inputs + 2) * rounding;
        }
        if (step % tokens > 0) lost[at] += std::abs(bar[n]) * lost[before];
      }
    }
    return lost;
  }
  // scale Re(C m) + D u. y holds m of every direction, one after the other, each [rows, Re | Im].
  template <class X> void read(std::vector<X>& y) const {
    const std::size_t rows = u.values.size() / inputs, directions = y.size() / (rows * 2 * states), all = directions * states;
    std::vector<X> out;
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t o = 0; o < inputs; ++o) {
        Sum<X> sum;
        sum.add(d.number<X>(o), u.number<X>(row * inputs + o));
        for (std::size_t n = 0; n < all; ++n) {
          const std::size_t re = (n / states * rows + row) * 2 * states + n % states, im = re + states, at = o * all + n;
          sum.add(c.number<X>(at) * scale, y[re]), sum.add(c_imag.number<X>(at) * -scale, y[im]);
        }
        out.push_back(sum.total());
      }
    y = std::move(out);
  }
  void own(Expected& y, const std::vector<std::vector<double>>& lost) const {
    const std::size_t rows = u.values.size() / inputs, all = lost.size() * states;
    y.own.assign(rows * inputs, 0);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t o = 0; o < inputs; ++o)
        for (std::size_t n = 0; n < all; ++n)
          y.own[row * inputs + o] += scale * std::hypot(c[o * all + n], c_imag[o * all + n]) * lost[n / states][row * states + n % states];
  }
};

template <class M> void with(Case& c, bool bilinear, bool batched, double scale, bool two) {
  Problem p;
  p.batch = batched ? c.size("B") : 1, p.tokens = c.size("L"), p.values = c.size("P"), p.prefill = c.size_or("prefill", 0);
  Layer layer{.inputs = to_size(c.size("H")), .states = to_size(p.values), .b = part(c.par("B"), 0), .b_imag = part(c.par("B"), 1),
              .c = part(c.par("C"), 0), .c_imag = part(c.par("C"), 1), .d = c.par("D"), .u = c.in("u"), .bar = {}, .phi = {}, .scale = scale};
  const Array lambda = c.par("Lambda"), log_step = c.par("log_step");
  p.inputs.add("log_step", log_step, "P", "1111P");
  for (const int which : {0, 1}) p.inputs.add(which ? "lambda_imag" : "lambda", part(lambda, which), "P", "1111P");
  // The reference's (exp(z) - 1) / lambda cancels where z is small; its 1 / (1 - z/2) does not.
  double smallest = 1;
  for (std::size_t n = 0; n < layer.states; ++n) {
    const Z l(lambda[2 * n], lambda[2 * n + 1]);
    const double dt = std::exp(log_step[n]);
    const Z x = dt / 2 * l, e = 1.0 / (1.0 - x);
    layer.bar.push_back(bilinear ? (1.0 + x) * e : std::exp(dt * l)), layer.phi.push_back(bilinear ? dt * e : (layer.bar.back() - 1.0) / l);
    smallest = std::min(smallest, dt * std::abs(l));
  }
  p.golden_coefficient_slack = bilinear ? 2 : 2 / smallest;
  p.golden_slope_slack = bilinear ? 0 : 4 / (smallest * smallest);   // by lambda: see s4d.cpp

  // The multiplier is what one token makes of a memory of ones, the write what one makes of the columns of B.
  Problem bar = p, write = p;
  bar.batch = 1, bar.tokens = 1, bar.prefill = 0, write.batch = Index(layer.inputs), write.tokens = 1, write.prefill = 0;
  for (const char* name : {"x", "x_imag"}) bar.inputs.add(name, constant({1, p.values}, 0), "LP", "1L11P");
  bar.initial.insert_or_assign("m", constant({1, 1, 1, 1, p.values}, 1)), bar.initial.insert_or_assign("m_imag", constant({1, 1, 1, 1, p.values}, 0));
  bar.outputs.push_back(c.expected("aux", "Lambda_bar", "PZ", "ZP"));
  const std::vector<Index> one_token{1, p.values, c.size("H")};
  write.inputs.add("x", reshaped(layer.b, one_token), "LPH", "HL11P"), write.inputs.add("x_imag", reshaped(layer.b_imag, one_token), "LPH", "HL11P");
  write.outputs.push_back(c.expected("aux", "B_bar", "PHZ", "HZP"));
  check<M>(c, bar, bind_of<M>), check<M>(c, write, bind_of<M>);

  Problem q = p;
  q.direction = Direction::reverse;
  std::vector<std::vector<double>> lost;
  for (Problem* x : {&p, &q}) {
    const std::vector<Index> shape{p.batch, p.tokens, p.values};
    std::vector<Number> re(to_size(p.batch * p.tokens * p.values)), im = re;
    const std::vector<double> of = layer.project(re, im, to_size(p.tokens), x == &q);
    x->inputs.add("x", array_of(shape, re), "BLP", "BL11P"), x->inputs.add("x_imag", array_of(shape, im), "BLP", "BL11P");
    if (x == &p || two) lost.push_back(of);
  }
  for (const int which : {0, 1}) {
    const char* component = which == 0 ? "m" : "m_imag";
    if (c.has("s0", "x")) p.initial.insert_or_assign(component, rearranged(part(c.s0("x"), which), "BP", "B111P"));
    const auto state = [&](const char* role, const char* name, std::map<std::string, Expected>& to, std::size_t row) {
      if (!c.has(role, name)) return;
      Expected x = c.expected(role, name, "BP", "BP", which);
      for (std::size_t b = 0; b < to_size(p.batch); ++b)
        for (std::size_t n = 0; n < layer.states; ++n) x.own.push_back(lost[0][(b * to_size(p.tokens) + row) * layer.states + n]);
      to.insert_or_assign(component, x);
    };
    state("s1", "x", p.final, to_size(p.tokens - 1));
    if (p.prefill > 0) state("chunk", "x_mid", p.middle, to_size(p.prefill - 1));
  }
  p.no_op = {{"x", 0}, {"x_imag", 0}}, p.no_op_first = true;
  p.output(c, "y", batched ? "BLH" : "LH", batched ? "BLH" : "LH");
  for (std::vector<Expected>* group : {&p.outputs, &p.chunked})
    for (Expected& y : *group) layer.own(y, lost);
  p.after([layer](auto& y) { layer.read(y); });
  p.whole = two;
  if (two) check_both<M>(c, p, q, Both::Join::beside, bind_of<M>); else check<M>(c, p, bind_of<M>);
}
void rule(Case& c, bool batched, double scale, bool two) {
  if (c.text("disc") == "zoh") with<S5>(c, false, batched, scale, two);
  else if (c.text("disc") == "bilinear") with<S5Bilinear>(c, true, batched, scale, two);
  else raise<FormatError>("lcsm_conformance: no rule '" + c.text("disc") + "'");
}
void s5(Case& c) { rule(c, true, 1, false); }
void s5_jax(Case& c) { rule(c, false, c.flag("conj_sym") ? 2 : 1, c.flag("bidirectional")); }
const bool known = add("s5", s5) && add("s5_jax", s5_jax);

}  // namespace
}  // namespace lcsm::conformance
