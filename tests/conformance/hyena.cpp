// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"
#include "taps.hpp"

#include <lcsm/filters/hyena.hpp>
#include <lcsm/mixers/long_convolution.hpp>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) { return LongConvolution::In<const T>{.x = x("x"), .kernel = x("kernel"), .D = x("D")}; };

struct Filter {
  Index length, filters, channels, features, width;         // features of a position
  Array z, t, deltas, freq;
  std::vector<Array> weights{}, biases{};                   // the last weight has no bias

  explicit Filter(Case& c)
      : length(c.size("L")), filters(c.size("order") - 1), channels(c.size("D")), z(c.par("filter_fn.pos_emb.z")), t(c.par("t")), deltas(c.par("deltas")), freq(c.par(net("1.freq"))) {
    for (Index n = 0; c.has("par", net(std::to_string(n) + ".weight")); n += 2) {
      weights.push_back(c.par(net(std::to_string(n) + ".weight")));
      if (const std::string bias = net(std::to_string(n) + ".bias"); c.has("par", bias)) biases.push_back(c.par(bias));
    }
    features = z.shape[2], width = freq.shape[1];
  }
  static std::string net(const std::string& name) { return "filter_fn.implicit_filter." + name; }
  // [taps, channels] of every filter.
  std::vector<std::vector<Number>> taps() const {
    std::vector<std::vector<Number>> out(to_size(filters));
    for (Index l = 0; l < length; ++l) {
      std::vector<Number> x;
      for (Index e = 0; e < features; ++e) x.push_back(z.number(to_size(l * features + e)));
      for (std::size_t k = 0; k < weights.size(); ++k) {
        for (std::size_t n = 0; k > 0 && n < x.size(); ++n) {
          const Number angle = freq.number(n) * x[n];
          x[n] = gathered(function(angle, std::sin(angle.x), std::cos(angle.x), -std::sin(angle.x)));
        }
        linear(weights[k], k < biases.size() ? biases[k] : Array(), x);
      }
      for (std::size_t n = 0; n < x.size(); ++n) {
        const double log = t[to_size(l)] * std::abs(deltas[n]), decay = std::exp(-log);
        out[n / to_size(channels)].push_back(x[n] * Number{decay, (4 + log) * rounding * decay, {}});
      }
    }
    return out;
  }
  // The same by the library.
  std::vector<double> filtered() const {
    const auto layer = [&](std::size_t k, Index outer) {
      const Index rows = weights[k].shape[0] / outer, columns = weights[k].shape[1];
      filter::Linear<const double> out{.weight = {weights[k].values.data(), {1, 1, outer, rows, columns}, {0, 0, rows * columns, columns, 1}}};
      if (k < biases.size()) out.bias = {biases[k].values.data(), {1, 1, 1, 1, rows}, {0, 0, 0, 0, 1}};
      return out;
    };
    const std::size_t last = weights.size() - 1;
    filter::Hyena::In<const double> in{.z = {z.values.data(), {1, z.shape[1], 1, 1, features}, {0, features, 0, 0, 1}}, .t = {t.values.data(), {1, t.shape[1], 1, 1, 1}, {0, 1, 0, 0, 0}},
                                       .freq = {freq.values.data(), {1, 1, 1, 1, width}, {0, 0, 0, 0, 1}}, .deltas = {deltas.values.data(), {1, 1, filters, 1, channels}, {0, 0, channels, 0, 1}},
                                       .mlp = {.input = layer(0, 1), .output = layer(last, filters)}};
    for (std::size_t k = 1; k < last; ++k) in.mlp.hidden.push_back(layer(k, 1));
    Buffer<double> kernel(1, length, filters, channels);
    filter::Hyena{}.taps(in, kernel.view());
    return {kernel.begin(), kernel.end()};
  }
};

// One convolution of the operator: its taps, its input v x_i, and the cotangent of its output.
struct Stage {
  std::vector<Number> taps, input;
  Array skip;                                               // [channels]
  std::vector<double> bar{};
};
std::vector<Number> convolved(const Convolution& n, const Stage& s) {
  std::vector<Number> y;
  const std::vector<double> lost = convolution_error(values_of(s.taps), values_of(s.input), n.batch, n.tokens, n.channels);
  for (Index b = 0; b < n.batch; ++b)
    for (Index t = 0; t < n.tokens; ++t)
      for (Index c = 0; c < n.channels; ++c) {
        const auto input = [&](Index from) -> const Number& { return s.input[to_size((b * n.tokens + from) * n.channels + c)]; };
        Sum<Number> sum;
        sum.add(s.skip.number(to_size(c)), input(t));
        for (Index l = 0; l <= t; ++l) sum.add(s.taps[to_size(l * n.channels + c)], input(t - l));
        Number total = gathered(sum.total());
        total.error += lost[y.size()], y.push_back(std::move(total));
      }
  return y;
}
// What the output's cotangent is to the input.
std::vector<double> transposed(const Convolution& n, const Stage& s) {
  std::vector<double> out(s.bar.size());
  for (Index b = 0; b < n.batch; ++b)
    for (Index t = 0; t < n.tokens; ++t)
      for (Index c = 0; c < n.channels; ++c) {
        const auto at = [&](Index token) { return to_size((b * n.tokens + token) * n.channels + c); };
        out[at(t)] = s.skip[to_size(c)] * s.bar[at(t)];
        for (Index l = 0; t + l < n.tokens; ++l) out[at(t)] += s.taps[to_size(l * n.channels + c)].x * s.bar[at(t + l)];
      }
  return out;
}

// u = short(W_in x + b) in its parts x_0 ... x_{N-1}, v, each [batch, tokens, channels].
std::vector<std::vector<Number>> projected(Case& c, const Convolution& n, Index parts) {
  std::vector<Number> u = numbers_of(c.in("x"));
  linear(c.par("in_proj.weight"), c.par("in_proj.bias"), u);
  const Array weight = c.par("short_filter.weight"), bias = c.par("short_filter.bias");
  const Index channels = parts * n.channels, taps = weight.shape[2];
  std::vector<std::vector<Number>> out(to_size(parts));
  for (Index b = 0; b < n.batch; ++b)
    for (Index t = 0; t < n.tokens; ++t)
      for (Index i = 0; i < channels; ++i) {
        Sum<Number> sum;
        sum.add(bias.number(to_size(i)), {1});
        for (Index lag = 0; lag < std::min(taps, t + 1); ++lag) sum.add(weight.number(to_size((i + 1) * taps - 1 - lag)), u[to_size((b * n.tokens + t - lag) * channels + i)]);
        out[to_size(i / n.channels)].push_back(gathered(sum.total()));
      }
  return out;
}
std::vector<Number> times(const std::vector<Number>& a, const std::vector<Number>& b) {
  std::vector<Number> out;
  for (std::size_t n = 0; n < a.size(); ++n) out.push_back(gathered(a[n] * b[n]));
  return out;
}

// The last convolution is the mixer; those before it are the adapter's.
void hyena(Case& c) {
  const Index order = c.size("order");
  const Convolution n{c.size("B"), c.size("L"), c.size("D")};
  const Filter filter(c);
  const std::vector<std::vector<Number>> taps = filter.taps();
  std::vector<Number> all;
  for (Index l = 0; l < n.tokens; ++l)
    for (const std::vector<Number>& one : taps) all.insert(all.end(), one.begin() + l * n.channels, one.begin() + (l + 1) * n.channels);
  compare_filter(c, c.expected("chunk", "kernel", "KC", "KC"), filter.filtered(), all);

  Problem p;
  p.batch = n.batch, p.tokens = p.keys = n.tokens, p.values = n.channels;
  p.no_op = {{"x", 0}}, p.no_op_first = true;
  p.coefficient_slack = 0.5;                                // the taps and x are both ours
  p.output(c, "y", "BLD", "BLD");
  const Array out = c.par("out_proj.weight"), out_bias = c.par("out_proj.bias"), skips = reshaped(c.par("filter_fn.bias"), {order - 1, n.channels});
  const std::vector<std::vector<Number>> parts = projected(c, n, order + 1);
  std::vector<Stage> stages;
  std::vector<Number> v = parts.back();
  for (Index o = 0; o < order - 1; ++o) {
    stages.push_back({taps[to_size(o)], times(v, parts[to_size(order - 1 - o)]), reshaped(slice(skips, o, 1), {n.channels})});
    if (o < order - 2) v = convolved(n, stages.back());
  }
  // Where there is a loss: what the reference's adjoints of the convolutions err by, from the last one back; then the same again with it.
  if (const std::vector<double>& w = p.outputs[0].values.weight; !w.empty()) {
    std::vector<double> bar(w.size());
    const std::size_t D = to_size(n.channels);
    for (std::size_t at = 0; at < w.size(); ++at)
      for (std::size_t o = 0; o < D; ++o) bar[at] += w[at / D * D + o] * out[o * D + at % D] * parts[0][at].x;
    for (Index o = order - 1; o-- > 0;) {
      Stage& s = stages[to_size(o)];
      s.bar = bar, bar = transposed(n, s);
      for (std::size_t at = 0; at < bar.size(); ++at) bar[at] *= parts[to_size(order - 1 - o)][at].x;
    }
    v = parts.back();
    for (Index o = 0; o < order - 1; ++o) {
      Stage& s = stages[to_size(o)];
      const Errors by_inputs = n.by_inputs(s.taps, s.bar), by_taps = n.by_taps(s.taps, s.input, s.bar);
      s.input = unsure(times(v, parts[to_size(order - 1 - o)]), by_inputs), s.taps = unsure(s.taps, by_taps);
      if (o < order - 2) v = convolved(n, s);
    }
  }
  const Stage& last = stages.back();
  p.inputs.add("x", array_of({n.batch, n.tokens, n.channels}, last.input), "BLD", "BL11D"), p.inputs.add("kernel", array_of({n.tokens, n.channels}, last.taps), "KD", "111KD");
  p.inputs.add("D", last.skip, "D", "1111D");
  p.after([gate = array_of({n.batch, n.tokens, n.channels}, parts[0]), lost = n.outputs(last.taps, last.input), errors = parts[0], out, out_bias]<class X>(std::vector<X>& y) {
    for (std::size_t at = 0; at < y.size(); ++at) y[at].error += lost[at], y[at] = y[at] * gate.number<X>(at, errors[at].error);
    dense(out, y);
    for (std::size_t at = 0; at < y.size(); ++at) y[at] = y[at] + out_bias.number<X>(at % out_bias.values.size());
  });
  check<LongConvolution>(c, p, bind);
}
const bool known = add("hyena", hyena);

}  // namespace
}  // namespace lcsm::conformance
