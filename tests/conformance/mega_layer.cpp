// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "layer.hpp"
#include "taps.hpp"

#include <lcsm/exec/par.hpp>
#include <lcsm/layers/mega.hpp>
#include <lcsm/mixers/mega_ema.hpp>

#include <support/mega_parameters.hpp>

namespace lcsm::conformance {
namespace {

// facebookresearch/mega: MovingAverageGatedAttention.forward, time first. by_transforms: the reference's averages are a convolution by FFTs.
class Mega {
 public:
  Mega(Case& c, bool by_transforms)
      : c_(c), D(c.size("D")), Z(c.size("Z")), E(c.size("E")), N(c.size("N")), batch(c.size("B")), tokens(c.size("L")), chunk(c.size("chunk")), by_transforms_(by_transforms) {}
  Formula formula() {
    const auto silu_of = [&](const Numbers& x) { return f_.each(x, [](const Number& v, std::size_t) { return silu(v); }); };
    const Numbers x = f_.leaf("x", c_.in("x")), gain = par("norm.norm.weight"), bias = par("norm.norm.bias");
    const Numbers xn = f_.each(normalised(f_.trace, x, D, true, 1e-5), [&](const Number& v, std::size_t at) { return v * gain[at % to_size(D)] + bias[at % to_size(D)]; });
    const Numbers v = silu_of(linear("v_proj", xn, D)), base = linear("mx_proj", silu_of(averages(xn)), D), gamma = par("gamma"), beta = par("beta");
    const auto part = [&](Index first, Index count) { return features(base, 2 * D + Z + E, first, count); };
    const Numbers u = part(0, D), z = silu_of(part(D, Z)), r = silu_of(part(D + Z, E)), s = part(D + Z + E, D);
    const auto heads = [&](Index row) {
      return f_.each(z, [&](const Number& value, std::size_t at) { return value * gamma[to_size(row * Z) + at % to_size(Z)] + beta[to_size(row * Z) + at % to_size(Z)]; });
    };
    const Numbers a = attention(heads(0), heads(1), v, par("rel_pos_bias.rel_pos_bias"));
    const Numbers h = linear("h_proj", f_.each(a, [&](const Number& value, std::size_t at) { return value * r[at]; }), E);
    f_.y = f_.each(f_.each(h, [&](const Number& value, std::size_t at) { return silu(value + s[at]); }), [&](const Number& value, std::size_t at) { return x[at] + sigmoid(u[at]) * (value - x[at]); });
    return std::move(f_);
  }

 private:
  Numbers par(const std::string& name) { return f_.leaf(name, c_.par(name)); }
  Numbers linear(const std::string& name, const Numbers& x, Index inputs) {
    const Numbers b = par(name + ".bias");
    return f_.each(dense(f_.trace, par(name + ".weight"), x, inputs), [&](const Number& v, std::size_t at) { return v + b[at % b.size()]; });
  }
  std::size_t at(Index b, Index t, Index width) const { return to_size((t * batch + b) * width); }
  // The damped averages of every channel: their taps, the convolution, and x's own part.
  Numbers averages(const Numbers& xn) {
    const Numbers delta = par("move.delta"), alpha = par("move.alpha"), beta = par("move.beta"), gamma = par("move.gamma"), omega = par("move.omega");
    Numbers taps(to_size(tokens * D));
    for (Index d = 0; d < D; ++d) {
      Numbers power, decay;
      for (Index n = 0; n < N; ++n) {
        const std::size_t of = to_size(d * N + n);
        const Number p = f_.trace.step(sigmoid(delta[of]));
        decay.push_back(f_.trace.step(Number{1} - p * sigmoid(alpha[of])));
        power.push_back(f_.trace.step(p * beta[of] * gamma[of] * (1 / std::sqrt(double(N)))));
      }
      for (Index l = 0; l < tokens; ++l) {
        Number sum;
        for (std::size_t n = 0; n < power.size(); ++n) sum += power[n], power[n] = f_.trace.step(power[n] * decay[n]);
        taps[to_size(l * D + d)] = f_.trace.step(sum);
      }
    }
    // In the layout that Convolution knows: [batch, tokens, channels].
    Numbers input, out(xn.size());
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t)
        for (Index d = 0; d < D; ++d) input.push_back(xn[at(b, t, D) + to_size(d)]);
    const Convolution shape{batch, tokens, D};
    const std::vector<double> lost = convolution_error(values_of(taps), values_of(input), batch, tokens, D);
    Numbers convolved;
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t)
        for (Index d = 0; d < D; ++d) {
          Sum<Number> sum;
          for (Index l = 0; l <= t; ++l) sum.add(taps[to_size(l * D + d)], input[to_size((b * tokens + t - l) * D + d)]);
          Number total = f_.trace.step(sum.total());
          if (by_transforms_) total.error += lost[convolved.size()];
          convolved.push_back(total);
          out[at(b, t, D) + to_size(d)] = f_.trace.step(total + omega[to_size(d)] * xn[at(b, t, D) + to_size(d)]);
        }
    if (by_transforms_)
      f_.unsure = [=](const std::vector<Bar>& bars) {
        std::vector<double> y_bar, error(bars.size());
        for (const Number& v : convolved) y_bar.push_back(bars[Trace::index(v)].x);
        const auto add = [&](const Numbers& to, const Errors& e) {
          for (std::size_t n = 0; n < to.size(); ++n) error[Trace::index(to[n])] += e.error[n];
        };
        add(input, shape.by_inputs(taps, y_bar)), add(taps, shape.by_taps(taps, input, y_bar));
        return error;
      };
    return out;
  }
  // Within chunks, causal. Softmax of q . k / sqrt Z; or Laplace's function of q . k over the number of keys that a query sees.
  Numbers attention(const Numbers& q, const Numbers& k, const Numbers& v, const Numbers& relative) {
    const bool soft = c_.text("act") == "softmax";
    const auto centre = Index(relative.size()) / 2;
    Numbers out(v.size());
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t) {
        const Index first = t / chunk * chunk;
        Numbers logits;
        for (Index s = first; s <= t; ++s) {
          Sum<Number> sum;
          for (std::size_t n = 0; n < to_size(Z); ++n) sum.add(q[at(b, t, Z) + n], k[at(b, s, Z) + n]);
          logits.push_back(f_.trace.step(sum.total() * (soft ? 1 / std::sqrt(double(Z)) : 1 / double(t - first + 1)) + relative[to_size(centre + s - t)]));
        }
        const Numbers weights = soft ? softmax(f_.trace, logits) : f_.each(logits, [](const Number& x, std::size_t) { return laplace(x); });
        for (std::size_t e = 0; e < to_size(E); ++e) {
          Sum<Number> sum;
          for (Index s = first; s <= t; ++s) sum.add(weights[to_size(s - first)], v[at(b, s, E) + e]);
          out[at(b, t, E) + e] = f_.trace.step(sum.total());
        }
      }
    return out;
  }
  // (1 + erf((x - m) / (s sqrt 2))) / 2, whose small values err by a rounding of the 1.
  static Number laplace(const Number& x) {
    constexpr double m = 0.707107, s = 0.282095;
    const double z = (x.x - m) / s, slope = std::exp(-z * z / 2) / (s * std::sqrt(2 * std::acos(-1.0)));
    Number out = function(x, std::erfc(-z / std::sqrt(2.0)) / 2, slope, -slope * z / s);
    out.error += rounding;
    return out;
  }
  Case& c_;
  const Index D, Z, E, N, batch, tokens, chunk;
  const bool by_transforms_;
  Formula f_;
};

template <class W> struct CallOf {
  template <class T> class Call {
   public:
    explicit Call(Case& c) : c_(c), x_(arrays_.copy(c.in("x"), axes)) {
      parameters_.each([&](const char* name, View<const T>& to, const char* of) { to = arrays_.copy(c.par(name), of); });
    }
    std::vector<double> forward() {
      mega(exec::par, Attention<W>{}, MegaEma{}, parameters_.memory, parameters_.maps, x_, arrays_.fresh("y", c_.in("x"), axes), options());
      return arrays_.given("y");
    }
    void backward(const Array& weight) {
      test::MegaLayerParameters<T> grads;
      grads.each([&](const char* name, View<T>& to, const char* of) { to = arrays_.fresh(name, c_.par(name), of); });
      mega_vjp(exec::par, Attention<W>{}, MegaEma{}, parameters_.memory, parameters_.maps, x_, arrays_.copy(weight, axes), grads.memory, grads.maps, arrays_.fresh("x", c_.in("x"), axes), options());
    }
    std::vector<double> gradient(const std::string& name) const { return arrays_.given(name); }

   private:
    MegaOptions options() const { return {.chunk = c_.size("chunk")}; }
    static constexpr const char* axes = "tbf";
    Case& c_;
    LayerArrays<T> arrays_;
    test::MegaLayerParameters<const T> parameters_;
    View<const T> x_;
  };
};
void mega_layer(Case& c) {
  const Formula ours = Mega(c, false).formula(), file = Mega(c, true).formula();
  const Expected y = c.expected("out", "y", "LBD", "LBD");
  const std::string act = c.text("act");
  if (act == "softmax") check_layer<CallOf<weight::Softmax>::Call>(c, y, ours, file);
  else if (act == "laplace") check_layer<CallOf<weight::Laplace>::Call>(c, y, ours, file);
  else raise<FormatError>("lcsm_conformance: no attention function '" + act + "'");
}
const bool known = add("mega_layer", mega_layer);

}  // namespace
}  // namespace lcsm::conformance
