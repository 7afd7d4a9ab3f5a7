// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "layer.hpp"

#include <lcsm/attention/attend.hpp>
#include <lcsm/attention/attend_vq_vjp.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/layers/transformer_vq.hpp>
#include <lcsm/vq/codebook.hpp>
#include <lcsm/vq/quantise.hpp>

#include <support/transformer_vq_parameters.hpp>

#include <deque>

namespace lcsm::conformance {
namespace {

struct Shape {
  Index batch, tokens, heads, keys, values, codes, window, block, features;
  bool far;
  double by;                                                // K^-1/4, of queries and of keys
  explicit Shape(const Case& c)
      : batch(c.size("B")), tokens(c.size("T")), heads(c.size("H")), keys(c.size("K")), values(c.size("V")), codes(c.size("S")), window(c.size("mem_len")), block(c.size("block_len")),
        features(c.size("D")), far(c.flag("agg_cache")), by(std::pow(double(keys), -0.25)) {}
  std::size_t at(Index b, Index t, Index h, Index width) const { return to_size(((b * tokens + t) * heads + h) * width); }
  Number factor() const { return {by, 4 * rounding * by, {}}; }
};

// The codebook: sums over counts, which are told nothing.
Numbers codes_of(const Case& c, const Shape& n) {
  Numbers out;
  const Array sums = c.par("c_sum"), counts = c.par("c_count");
  for (std::size_t at = 0; at < sums.values.size(); ++at) {
    const double count = std::max(counts[at / to_size(n.keys)], 0.01), x = sums[at] / count;
    out.push_back({x, 2 * rounding * std::abs(x), {}});
  }
  return out;
}
template <class T> Codebook<T> codebook_of(const Case& c, const Shape& n) {
  Codebook<T> book(n.heads, n.codes, n.keys);
  book.restore(view(c.par("c_count").values.data(), 1, 1, n.heads, n.codes), view(c.par("c_sum").values.data(), 1, 1, n.heads, n.codes, n.keys));
  return book;
}
// The lowest of the nearest codes to each key.
std::vector<Index> nearest(const Shape& n, const Numbers& k, const Numbers& codes) {
  std::vector<Index> out;
  for (std::size_t row = 0; row < k.size() / to_size(n.keys); ++row) {
    double least = std::numeric_limits<double>::infinity();
    Index found = 0;
    for (Index s = 0; s < n.codes; ++s) {
      double square = 0;
      for (Index f = 0; f < n.keys; ++f) {
        const double off = k[row * to_size(n.keys) + to_size(f)].x - codes[(row % to_size(n.heads) * to_size(n.codes) + to_size(s)) * to_size(n.keys) + to_size(f)].x;
        square += off * off;
      }
      if (square < least) least = square, found = s;
    }
    out.push_back(found);
  }
  return out;
}
// K^-1/4 r_proj^T [sin; cos](d / 10000^(2i / D)), d = 0 ... window: [lag, H K].
Numbers positions(const Shape& n, const Numbers& projection) {
  Numbers out;
  const Index width = n.heads * n.keys, half = n.features / 2;
  for (Index d = 0; d <= n.window; ++d)
    for (Index at = 0; at < width; ++at) {
      Sum<Number> sum;
      for (Index i = 0; i < n.features; ++i) {
        const double angle = double(d) / std::pow(10000.0, 2 * double(i % half) / double(n.features));
        sum.add(Number{i < half ? std::sin(angle) : std::cos(angle), rounding * (4 + 6 * angle), {}}, projection[to_size(i * width + at)]);
      }
      out.push_back(sum.total() * n.factor());
    }
  return out;
}
// q + K^-1/4 u, u [H K].
Numbers biased(const Shape& n, const Numbers& q, const Numbers& u) {
  Numbers out;
  for (std::size_t at = 0; at < q.size(); ++at) out.push_back(q[at] + u[at % to_size(n.heads * n.keys)] * n.factor());
  return out;
}
// The bias of each lag: [B, T, H, window + 1].
Numbers lag_bias(const Shape& n, const Numbers& query, const Numbers& position) {
  Numbers out;
  for (std::size_t row = 0; row < query.size() / to_size(n.keys); ++row)
    for (Index d = 0; d <= n.window; ++d) {
      Sum<Number> sum;
      for (Index f = 0; f < n.keys; ++f) sum.add(query[row * to_size(n.keys) + to_size(f)], position[to_size((d * n.heads + Index(row) % n.heads) * n.keys + f)]);
      out.push_back(sum.total());
    }
  return out;
}
// Softmax over keys that are their codes. Keys before a query's block and its window are told nothing.
Numbers attention(Trace& trace, const Shape& n, const Numbers& content, const Numbers& bias, const Numbers& k, const Numbers& codes, const std::vector<Index>& z, const Numbers& v) {
  Numbers out;
  for (Index b = 0; b < n.batch; ++b)
    for (Index t = 0; t < n.tokens; ++t)
      for (Index h = 0; h < n.heads; ++h) {
        const Index first = n.far ? 0 : std::max<Index>(t - n.window, 0);
        Numbers logits;
        for (Index s = first; s <= t; ++s) {
          const std::size_t code = to_size((h * n.codes + z[n.at(b, s, h, 1)]) * n.keys);
          Sum<Number> sum;
          for (std::size_t f = 0; f < to_size(n.keys); ++f) {
            Number key = codes[code + f];
            if (s >= t / n.block * n.block - n.window) key.terms = k[n.at(b, s, h, n.keys) + f].terms;
            sum.add(content[n.at(b, t, h, n.keys) + f], key);
          }
          if (t - s <= n.window) sum.add(bias[n.at(b, t, h, n.window + 1) + to_size(t - s)], {1});
          logits.push_back(trace.step(sum.total()));
        }
        const Numbers alpha = softmax(trace, logits);
        for (Index f = 0; f < n.values; ++f) {
          Sum<Number> sum;
          for (Index s = first; s <= t; ++s) sum.add(alpha[to_size(s - first)], v[n.at(b, s, h, n.values) + to_size(f)]);
          out.push_back(trace.step(sum.total()));
        }
      }
  return out;
}

template <class T> Buffer<T> buffer_of(const Shape& n, const Numbers& x, Index width) {
  Buffer<T> out(n.batch, n.tokens, n.heads, width);
  for (Index at = 0; at < out.size(); ++at) out[at] = static_cast<T>(x.at(to_size(at)).x);
  return out;
}
template <class S> std::vector<double> numbers_in(const Buffer<S>& x) { return {x.begin(), x.end()}; }

// transformer-vq/transformer_vq: VQAttention.attn, in blocks as published; cut at every token, token by token, and as attention over quantised keys.
class Attention {
 public:
  explicit Attention(Case& c)
      : c_(c), n_(c), codes_(codes_of(c, n_)) {
    const Numbers q = numbers_of_file(rearranged(c.in("q"), "BHTK", "BTHK"));
    content_ = leaf(biased(n_, q, numbers_of_file(c.par("u"))));
    bias_ = leaf(lag_bias(n_, biased(n_, q, numbers_of_file(c.par("vb"))), positions(n_, numbers_of_file(c.par("r_proj")))));
    k_ = leaf(numbers_of_file(rearranged(c.in("k"), "BHTK", "BTHK"))), v_ = leaf(numbers_of_file(rearranged(c.in("v"), "BHTV", "BTHV")));
    z_ = nearest(n_, k_.of, codes_);
    y_ = attention(trace_, n_, content_.steps, bias_.steps, k_.steps, codes_, z_, v_.steps);
    for (Index b = 0; b < n_.batch; ++b) count(b);
  }
  template <class T> void run() {
    const Codebook<T> book = codebook_of<T>(c_, n_);
    const Buffer<T> q = buffer_of<T>(n_, content_.of, n_.keys), k = buffer_of<T>(n_, k_.of, n_.keys), v = buffer_of<T>(n_, v_.of, n_.values);
    const Index width = 2 * n_.window + 1, T_ = n_.tokens;
    Buffer<T> bias(n_.batch, T_, n_.heads, width), y(n_.batch, T_, n_.heads, n_.values);
    bias.fill(T(0));                                        // lags to come are not seen
    for (std::size_t row = 0; row < bias_.of.size() / to_size(n_.window + 1); ++row)
      for (Index d = 0; d <= n_.window; ++d) bias[Index(row) * width + n_.window - d] = static_cast<T>(bias_.of[row * to_size(n_.window + 1) + to_size(d)].x);
    Buffer<std::int32_t> z(n_.batch, T_, n_.heads, 1);
    nearest_codes(one_thread, View<const T>(k.view()), book.codes(), z.view());
    const std::vector<double> exact(to_size(z.size()));
    const Expected want_z = c_.expected("aux", "z", "BHT", "BTH"), want_y = c_.expected("out", "o", "BTF", "BTF"), want_counts = c_.expected("s1", "lower", "BHS", "BHS"),
                   want_means = c_.expected("s1", "upper_div_lower", "BHSV", "BHSV");
    Comparison codes;
    codes.add(want_z, numbers_in(z), exact, exact, 0);
    c_.compared(want_z), c_.report().add(codes.row("search", name_of_type<T>, want_z.tensor));

    const auto in = [&](Index first, Index count) {
      const auto part = [&](const auto& x) { return x.view().tokens(first, count); };
      return VqInputs<const T>{part(q), book.codes(), part(v), part(std::as_const(bias)), part(std::as_const(z))};
    };
    FormulaRow<T> outputs(want_y, y_, y_), counts(want_counts, counts_, counts_), means(want_means, means_, means_);
    const auto compare = [&](const VqState<T>& state) {
      outputs.add(numbers_in(y)), counts.add({state.counts().data, state.counts().data + counts_.size()}), means.add({state.means().data, state.means().data + means_.size()});
      y.fill(std::numeric_limits<T>::quiet_NaN());
    };
    const auto report = [&](const char* mode) { outputs.report(c_, mode), counts.report(c_, mode), means.report(c_, mode); };
    y.fill(std::numeric_limits<T>::quiet_NaN());
    VqState<T> state(n_.batch, n_.heads, n_.codes, n_.values, n_.window);
    const VqState<T> empty = state;
    VqAttentionOptions<T> o{.scale = 1, .window = n_.window, .far = n_.far, .block = n_.block, .final = &state};
    attend_vq(one_thread, in(0, T_), y.view(), o);
    compare(state), report("blocks");
    o.initial = &state, state = empty;
    for (Index t = 0; t < T_; ++t) attend_vq(one_thread, in(t, 1), y.view().tokens(t, 1), o);
    compare(state), report("step");
    for (Index cut = 0; cut <= T_; ++cut) {
      state = empty;
      attend_vq(one_thread, in(0, cut), y.view().tokens(0, cut), o), attend_vq(one_thread, in(cut, T_ - cut), y.view().tokens(cut, T_ - cut), o);
      compare(state);
    }
    report("blocks, split");
    Buffer<T> quantised(n_.batch, T_, n_.heads, n_.keys);
    quantise(one_thread, book.codes(), View<const std::int32_t>(z.view()), quantised.view());
    lcsm::attend(one_thread, SoftmaxAttention{}, SoftmaxAttention::In<const T>{q.view(), std::as_const(quantised).view(), v.view(), std::as_const(bias).view()}, y.view(),
                 {.scale = 1, .window = n_.far ? 0 : n_.window + 1});
    outputs.add(numbers_in(y)), outputs.report(c_, "dense");

    Ledger* ledger = c_.ledger();
    const std::vector<double>& weight = want_y.values.weight;
    if (!ledger || weight.empty()) return;
    ledger->first_use(want_y.tensor, want_y.key);
    Buffer<T> y_bar(n_.batch, T_, n_.heads, n_.values), q_bar(n_.batch, T_, n_.heads, n_.keys), k_bar(q_bar), v_bar(y_bar), bias_bar(bias);
    std::copy(weight.begin(), weight.end(), y_bar.begin());
    attend_vq_vjp(exec::par, in(0, T_), View<const T>(y_bar.view()), VqGradients<T>{q_bar, k_bar, v_bar, bias_bar}, {.scale = 1, .window = n_.window, .far = n_.far, .block = n_.block});
    std::vector<double> lags;
    for (std::size_t row = 0; row < bias_.of.size() / to_size(n_.window + 1); ++row)
      for (Index d = 0; d <= n_.window; ++d) lags.push_back(double(bias_bar[Index(row) * width + n_.window - d]));
    const std::vector<Bar> bars = trace_.pull(y_, weight);
    const auto add = [&](const Leaf& leaf, const std::vector<double>& given) { add_gradients<T>(*ledger, "blocks", leaf, bars, leaf, bars, given); };
    add(content_, numbers_in(q_bar)), add(bias_, lags), add(k_, numbers_in(k_bar)), add(v_, numbers_in(v_bar));
  }

 private:
  Leaf leaf(Numbers of) { return {of, trace_.steps(of)}; }
  // Tokens of a row that the last window does not hold, and the means of their values, by code.
  void count(Index b) {
    for (Index h = 0; h < n_.heads; ++h)
      for (Index s = 0; s < n_.codes; ++s) {
        std::vector<Sum<Number>> sums(to_size(n_.values));
        double found = 0;
        for (Index t = 0; t < n_.tokens - n_.window; ++t) {
          if (z_[n_.at(b, t, h, 1)] != s) continue;
          ++found;
          for (std::size_t f = 0; f < sums.size(); ++f) sums[f].add(v_.of[n_.at(b, t, h, n_.values) + f], {1});
        }
        counts_.push_back({found});
        for (Sum<Number>& sum : sums) means_.push_back(sum.total() * (found > 0 ? 1 / found : 0));
      }
  }
  static constexpr exec::Par one_thread{1};
  Case& c_;
  const Shape n_;
  Trace trace_;
  Numbers codes_;
  Leaf content_, bias_, k_, v_;
  Numbers y_, counts_, means_;
  std::vector<Index> z_;
};
void transformer_vq_attention(Case& c) {
  Attention attention(c);
  attention.run<double>(), attention.run<float>();
}

// VQAttention.__call__: the norms, maps and gates around it.
Formula formula_of_layer(Case& c) {
  const Shape n(c);
  Formula f;
  Trace& trace = f.trace;
  const Index D = n.features, hk = n.heads * n.keys, hv = n.heads * n.values;
  const Numbers x = f.leaf("x", c.in("x")), gain = f.leaf("ln_g", c.par("ln_g")), bias = f.leaf("ln_b", c.par("ln_b")), u = f.leaf("u", c.par("u")), vb = f.leaf("vb", c.par("vb")),
                projection = f.leaf("r_proj", c.par("r_proj")), codes = codes_of(c, n);
  const auto map = [&](const char* name, Index inputs, const Numbers& from) { return dense(trace, transposed(f.leaf(name, c.par(name)), inputs), from, inputs); };   // flax: [inputs, outputs]
  const auto keys = [&](const Numbers& from) { return f.each(normalised(trace, from, n.keys, false, 1e-6), [&](const Number& v, std::size_t) { return v * n.factor(); }); };
  const auto active = [&](const Numbers& from) { return f.each(from, [](const Number& v, std::size_t) { return silu(v); }); };
  const Numbers xn = f.each(normalised(trace, x, D, false, 1e-6), [&](const Number& v, std::size_t at) { return v * gain[at % to_size(D)] + bias[at % to_size(D)]; });
  const Numbers kvg = map("W_kvg", D, xn), q = keys(map("W_q", D, xn));
  const auto part = [&](Index first, Index count) { return features(kvg, hk + 2 * hv, first, count); };
  const Numbers k = keys(part(0, hk)), v = active(part(hk, hv)), g = active(part(hk + hv, hv));
  const Numbers lags = trace.steps(lag_bias(n, trace.steps(biased(n, q, vb)), trace.steps(positions(n, projection))));
  const Numbers a = attention(trace, n, trace.steps(biased(n, q, u)), lags, k, codes, nearest(n, k, codes), v);
  f.y = map("W_res", hv, f.each(a, [&](const Number& value, std::size_t at) { return value * g[at]; }));
  return f;
}
template <class T> class LayerCall {
 public:
  explicit LayerCall(Case& c) : c_(c), book_(codebook_of<T>(c, Shape(c))), x_(arrays_.copy(c.in("x"), axes)) {
    const Shape n(c);
    test::each(maps_, [&](const char* name, View<const T>& to, const char* of) { to = arrays_.copy(c.par(name), of); });
    options_.heads = n.heads, options_.window = n.window, options_.block = n.block, options_.far = n.far;
  }
  std::vector<double> forward() {
    transformer_vq(exec::par, maps_, book_.codes(), x_, arrays_.fresh("y", c_.in("x"), axes), options_);
    return arrays_.given("y");
  }
  void backward(const Array& weight) {
    TransformerVqMaps<T> grads;
    test::each(grads, [&](const char* name, View<T>& to, const char* of) { to = arrays_.fresh(name, c_.par(name), of); });
    transformer_vq_vjp(exec::par, maps_, book_.codes(), x_, arrays_.copy(weight, axes), grads, arrays_.fresh("x", c_.in("x"), axes), options_);
  }
  std::vector<double> gradient(const std::string& name) const { return arrays_.given(name); }

 private:
  static constexpr const char* axes = "btf";
  Case& c_;
  LayerArrays<T> arrays_;
  Codebook<T> book_;
  TransformerVqMaps<const T> maps_;
  View<const T> x_;
  TransformerVqOptions options_;
};
void transformer_vq_layer(Case& c) {
  const Formula formula = formula_of_layer(c);
  check_layer<LayerCall>(c, c.expected("out", "y", "BTD", "BTD"), formula, formula);
}
const bool known = add("transformer_vq", transformer_vq_attention), layer_known = add("transformer_vq_layer", transformer_vq_layer);

}  // namespace
}  // namespace lcsm::conformance
