// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"
#include "taps.hpp"

#include <lcsm/filters/tnn.hpp>
#include <lcsm/mixers/long_convolution.hpp>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) { return LongConvolution::In<const T>{.x = x("x"), .kernel = x("kernel"), .D = x("D")}; };

// x / (|x| / sqrt(W) + 1e-8), then relu.
void activate(std::vector<Number>& x) {
  Sum<Number> squares;
  for (const Number& v : x) squares.add(v, v);
  const Number norm = gathered(inverse(sqrt(squares.total()) * (1 / std::sqrt(double(x.size()))) + Number{1e-8}));
  for (Number& v : x) v = v.x > 0 ? gathered(v * norm) : Number();
}

struct Coefficients {
  struct Layer { Array weight, bias; };
  Index length, channels;
  double unit = 1, lambda = 1;                              // of positions, of a learned decay
  std::string decay;
  Array gamma{};
  std::vector<Layer> layers{};

  explicit Coefficients(Case& c) : length(c.size("n")), channels(c.size("H") * c.size("D")), decay(c.text("decay")) {
    if (c.size("par_type") == 2) unit = double(length - 1);
    if (decay != "none") gamma = c.par("gamma");
    if (decay == "multi") lambda = c.number("lam");
    const auto layer = [&](const std::string& name) { layers.push_back({c.par("rpe." + name + ".weight"), c.par("rpe." + name + ".bias")}); };
    layer("pos_proj");
    for (Index n = 0; n < c.size("layers"); ++n) layer("layers." + std::to_string(n) + ".2");
    layer("out.2");
  }
  // a_d of all channels.
  std::vector<Number> at(Index d) const {
    std::vector<Number> x{Number{double(d) / unit}};
    for (const Layer& layer : layers) {
      if (&layer != &layers.front()) activate(x);
      linear(layer.weight, layer.bias, x);
    }
    if (const double power = std::abs(double(d)); power > 0 && decay != "none")
      for (std::size_t n = 0; n < x.size(); ++n) {
        const Number base = decay == "multi" ? sigmoid(gamma.number(n)) * (1 - lambda) + Number{lambda} : Number{gamma[n]};
        const double slope = power * std::pow(base.x, power - 1);
        x[n] = gathered(x[n] * function(base, std::pow(base.x, power), slope, slope * (power - 1) / base.x));
      }
    return x;
  }
  // Of the offsets 0, 1 ..., or none, -1, ...
  std::vector<Number> taps(bool back) const {
    std::vector<Number> out;
    for (Index l = 0; l < length; ++l) {
      const std::vector<Number> x = back && l == 0 ? std::vector<Number>(to_size(channels)) : at(back ? -l : l);
      out.insert(out.end(), x.begin(), x.end());
    }
    return out;
  }
};

// The same by the library.
std::vector<double> filtered(Case& c, const Coefficients& a, bool back) {
  const Index heads = c.size("H"), features = c.size("D");
  const auto layer = [&](const Coefficients::Layer& from, Index outer) {
    const Index rows = from.weight.shape[0] / outer, columns = from.weight.shape[1];
    return filter::Linear<const double>{.weight = {from.weight.values.data(), {1, 1, outer, rows, columns}, {0, 0, rows * columns, columns, 1}}, .bias = {from.bias.values.data(), {1, 1, outer, 1, rows}, {0, 0, rows, 0, 1}}};
  };
  filter::Tnn::In<const double> in{.mlp = {.input = layer(a.layers.front(), 1), .output = layer(a.layers.back(), heads)}};
  for (std::size_t n = 1; n + 1 < a.layers.size(); ++n) in.mlp.hidden.push_back(layer(a.layers[n], 1));
  if (a.decay != "none") in.gamma = {a.gamma.values.data(), {1, 1, heads, 1, features}, {0, 0, features, 0, 1}};
  const filter::Tnn f{.decay = a.decay == "none" ? filter::Tnn::Decay::none : a.decay == "multi" ? filter::Tnn::Decay::learned : filter::Tnn::Decay::fixed,
                      .positions = a.unit == 1 ? filter::Tnn::Positions::index : filter::Tnn::Positions::fraction, .lambda = a.lambda};
  Buffer<double> front(1, a.length, heads, features), behind(1, a.length, heads, features);
  f.taps(in, front.view(), behind.view().tokens(1, a.length - 1));
  const Buffer<double>& of = back ? behind : front;
  return {of.begin(), of.end()};
}

void tnn_tno(Case& c) {
  const Coefficients a(c);
  const bool causal = c.flag("causal");
  const std::vector<Number> x = numbers_of(rearranged(c.in("x"), "BHLD", "BLHD"));
  Problem p, q;
  p.output(c, "y", "BHLD", "BLHD");
  const std::vector<double> w = p.outputs[0].values.weight;
  std::vector<double> own(x.size());
  for (Problem* to : {&p, &q}) {
    const bool back = to == &q;
    to->batch = c.size("B"), to->tokens = to->keys = a.length, to->heads = c.size("H"), to->values = c.size("D");
    if (back && causal) break;
    const std::vector<Number> taps = a.taps(back);
    compare_filter(c, c.own(back ? "back" : "taps", values_of(taps)), filtered(c, a, back), taps);
    const Convolution reference{to->batch, to->tokens, a.channels, back};
    const std::vector<double> errors = reference.outputs(taps, x);
    for (std::size_t n = 0; n < own.size(); ++n) own[n] += errors[n];
    const Errors by_taps = w.empty() ? Errors() : reference.by_taps(taps, x, w), by_inputs = w.empty() ? Errors() : reference.by_inputs(taps, w);
    to->inputs.add("kernel", array_of({to->keys, to->heads, to->values}, unsure(taps, by_taps)), "KHD", "11HKD");
    to->inputs.add("x", array_of({to->batch, to->tokens, to->heads, to->values}, unsure(x, by_inputs)), "BLHD", "BLH1D");
    to->inputs.add("D", constant({to->values}, 0), "D", "1111D");
  }
  p.no_op = {{"x", 0}}, p.no_op_first = true;
  if (c.has("chunk", "y_dense")) p.outputs.push_back(c.expected("chunk", "y_dense", "BHLD", "BLHD"));
  for (Expected& y : p.outputs) y.own = own;
  if (causal) return check<LongConvolution>(c, p, bind);
  // The present token is in the forward direction alone.
  q.direction = Direction::reverse, p.whole = true;
  check_both<LongConvolution>(c, p, q, Both::Join::sum, bind);
}
const bool known = add("tnn_tno", tnn_tno);

}  // namespace
}  // namespace lcsm::conformance
