// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/parameter.hpp>
#include <lcsm/kernel/product.hpp>
#include <lcsm/mixers/init.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

// The small network from positions to taps that implicit filters have.
namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// y = W x + bias, a published linear layer's [Out,In] and [Out]: weight [1,1,1,Out,In], bias [1,1,1,1,Out] or {} for none. gain [1,1,1,1,Out], or {}: weight
// normalisation, W's row being gain * weight / |weight| (torch's weight_g and weight_v).
template <class T> struct Linear { View<T> weight{}, bias{}, gain{}; };
// input [W,In], each of hidden [W,W], output: the published [H D,W] with row h D + d for channel d of head h, so weight [1,1,H,D,W], bias and gain [1,1,H,1,D].
template <class T> struct MlpMaps {
  Linear<T> input{};
  std::vector<Linear<T>> hidden{};
  Linear<T> output{};
};

// A matrix of doubles whose rows are padded with zeros to whole vectors; in most of its uses a row for each of a block of taps.
class Block {
 public:
  Block() = default;
  Block(Index rows, Index columns) : rows_(rows), columns_(columns), pitch_(round_up(columns, simd::width<Batch<double>>)), numbers_(to_size(rows * pitch_)) {}
  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  double* row(Index j) { return numbers_.data() + j * pitch_; }
  const double* row(Index j) const { return numbers_.data() + j * pitch_; }
  double& operator()(Index j, Index c) { return row(j)[c]; }
  double operator()(Index j, Index c) const { return row(j)[c]; }
  // f(number, row, column).
  template <class F> Block& each(F&& f) {
    for (Index j = 0; j < rows_; ++j)
      for (Index c = 0; c < columns_; ++c) f((*this)(j, c), j, c);
    return *this;
  }
  // Adds left times right, or the transpose of left times right.
  void add_product(const Block& left, const Block& right) { multiply_add(left.row(0), left.pitch_, Index(1), right.row(0), right.pitch_, row(0), pitch_, rows_, pitch_, left.columns_); }
  void add_transposed_product(const Block& left, const Block& right) { multiply_add(left.row(0), Index(1), left.pitch_, right.row(0), right.pitch_, row(0), pitch_, rows_, pitch_, left.rows_); }

 private:
  Index rows_ = 0, columns_ = 0, pitch_ = 0;
  std::vector<double> numbers_;
};
inline Block scaled(Block a, const Block& b) { return std::move(a.each([&](double& x, Index j, Index c) { x *= b(j, c); })); }

template <class F> void for_each_block(Index count, F&& f) {
  static constexpr Index taps = 32;
  for (Index first = 0; first < count; first += taps) f(first, (std::min)(taps, count - first));
}
template <class Y> Block taps_of(const View<Y>& kernel, Index first, Index count) {
  const Index width = kernel.feature();
  return Block(count, kernel.head() * width).each([&](double& x, Index j, Index c) { x = stage::convert<double>(kernel(0, first + j, c / width, c % width)); });
}
template <class T> void store_taps(Block& from, const View<T>& kernel, Index first) {
  const Index width = kernel.feature();
  from.each([&](double x, Index j, Index c) { kernel(0, first + j, c / width, c % width) = stage::convert<T>(x); });
}

struct MlpShape { Index inputs, width, hidden, heads, features; };
template <class P> MlpShape mlp_shape(const MlpMaps<P>& p, Index inputs, Index heads, Index features) {
  return {inputs, p.input.weight.row(), Index(p.hidden.size()), heads, features};
}
// f(name, layer, its heads, its rows, its columns), from the input on.
template <class P, class F> void each_layer(const MlpMaps<P>& p, const MlpShape& n, F&& f) {
  f("mlp.input", p.input, Index(1), n.width, n.inputs);
  for (std::size_t k = 0; k < p.hidden.size(); ++k) f("mlp.hidden[" + std::to_string(k) + "]", p.hidden[k], Index(1), n.width, n.width);
  f("mlp.output", p.output, n.heads, n.features, n.width);
}
template <class P> void check_mlp(const char* function, const MlpMaps<P>& p, const MlpShape& n) {
  each_layer(p, n, [&](const std::string& name, const Linear<P>& l, Index heads, Index rows, Index columns) {
    check(function, name + ".weight", l.weight, {1, heads, rows, columns});
    if (l.bias) check(function, name + ".bias", l.bias, {1, heads, 1, rows});
    if (l.gain) check(function, name + ".gain", l.gain, {1, heads, 1, rows});
  });
}
template <class P, class G> void check_mlp_gradient(const char* function, const MlpMaps<P>& p, const MlpMaps<G>& grads, const MlpShape& n) {
  const Index layers = Index(grads.hidden.size());
  if (layers != 0 && layers != n.hidden) raise<ShapeError>(function, "gradient of mlp.hidden", "none or " + door::text(n.hidden) + " layers", door::text(layers));
  const auto gain = [&](const std::string& name, const Linear<P>& l, const Linear<G>& g) {
    if (g.gain && !l.gain) raise<ShapeError>(function, "gradient of " + name + ".gain", "none, as the layer has no gain", "one");
  };
  gain("mlp.input", p.input, grads.input), gain("mlp.output", p.output, grads.output);
  for (std::size_t k = 0; k < grads.hidden.size(); ++k) gain("mlp.hidden[" + std::to_string(k) + "]", p.hidden[k], grads.hidden[k]);
  each_layer(grads, n, [&](const std::string& name, const Linear<G>& l, Index heads, Index rows, Index columns) {
    check_gradient(function, name + ".weight", l.weight, {1, heads, rows, columns});
    check_gradient(function, name + ".bias", l.bias, {1, heads, 1, rows}), check_gradient(function, name + ".gain", l.gain, {1, heads, 1, rows});
  });
}

// One layer in double, with the sums of its gradient.
class Dense {
 public:
  template <class P> Dense(const Linear<P>& p, Index heads, Index rows, Index columns)
      : shape_{1, heads, rows, columns}, raw_(shape_, p.weight), gain_({1, heads, 1, rows}, p.gain, 1), bias_({1, heads, 1, rows}, p.bias), normal_(p.gain), weight_(heads * rows, columns),
        transposed_(columns, heads * rows), weight_bar_(weight_), bias_bar_(to_size(heads * rows)), norms_(bias_bar_) {
    weight_.each([&](double&, Index o, Index i) { norms_[to_size(o)] += raw(o)[i] * raw(o)[i]; });
    for (double& norm : norms_) norm = std::sqrt(norm);
    weight_.each([&](double& w, Index o, Index i) { transposed_(i, o) = w = raw(o)[i] * scale(o); });
  }
  Block operator()(const Block& x) const {
    Block y(x.rows(), weight_.rows());
    for (Index j = 0; j < y.rows(); ++j) std::copy_n(bias_.data(), y.columns(), y.row(j));
    y.add_product(x, transposed_);
    return y;
  }
  Block vjp(const Block& x, Block& bar) {
    weight_bar_.add_transposed_product(bar, x);
    bar.each([&](double b, Index, Index o) { bias_bar_[to_size(o)] += b; });
    Block x_bar(x.rows(), x.columns());
    x_bar.add_product(bar, weight_);
    return x_bar;
  }
  template <class G> void store(const Linear<G>& to) const {
    Numbers weight(shape_), gain({1, shape_.heads, 1, shape_.rows}), bias(gain);
    for (Index o = 0; o < weight_.rows(); ++o) {
      const double *const bar = weight_bar_.row(o), *const v = raw(o), norm = norms_[to_size(o)];
      double* const out = weight.data() + o * weight_.columns();
      bias.data()[o] = bias_bar_[to_size(o)];
      // W = g v / |v|: g_bar = W_bar . v / |v|, v_bar = g / |v| (W_bar - g_bar v / |v|).
      double along = 0;
      for (Index i = 0; i < weight_.columns() && normal_; ++i) along += bar[i] * v[i] / norm;
      gain.data()[o] = along;
      for (Index i = 0; i < weight_.columns(); ++i) out[i] = normal_ ? scale(o) * (bar[i] - along * v[i] / norm) : bar[i];
    }
    weight.store(to.weight), bias.store(to.bias), gain.store(to.gain);
  }

 private:
  const double* raw(Index o) const { return raw_.data() + o * weight_.columns(); }
  double scale(Index o) const { return normal_ ? gain_.data()[o] / norms_[to_size(o)] : 1; }
  Extents shape_;
  Numbers raw_, gain_, bias_;
  bool normal_;
  Block weight_, transposed_, weight_bar_;
  std::vector<double> bias_bar_, norms_;                    // norms: of the rows as they are given
};

// The input layer, then every other one after an activation of what came before it: Block operator()(Block x), and Block vjp(const Block& x, Block bar), which may sum
// gradients of its own. residual: hidden layers add what they began from.
template <class Activation> class Mlp {
 public:
  Activation activation;

  template <class P> Mlp(const MlpMaps<P>& p, const MlpShape& n, Activation f, bool residual = false) : activation(std::move(f)), residual_(residual) {
    each_layer(p, n, [&](const std::string&, const Linear<P>& l, Index heads, Index rows, Index columns) { layers_.emplace_back(l, heads, rows, columns); });
    read_.resize(layers_.size()), written_.resize(layers_.size());
  }
  // A row for every position. What `vjp` needs is kept.
  Block& operator()(const Block& positions) {
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      read_[k] = k == 0 ? positions : activation(written_[k - 1]);
      written_[k] = layers_[k](read_[k]);
      if (adds(k)) written_[k].each([&](double& y, Index j, Index c) { y += written_[k - 1](j, c); });
    }
    return written_.back();
  }
  // The cotangent of the positions last given.
  Block vjp(Block bar) {
    for (std::size_t k = layers_.size() - 1; k > 0; --k) {
      Block down = activation.vjp(written_[k - 1], layers_[k].vjp(read_[k], bar));
      if (adds(k)) down.each([&](double& x, Index j, Index c) { x += bar(j, c); });
      bar = std::move(down);
    }
    return layers_[0].vjp(read_[0], bar);
  }
  template <class G> void store(const MlpMaps<G>& to) const {
    layers_.front().store(to.input), layers_.back().store(to.output);
    for (std::size_t k = 0; k < to.hidden.size(); ++k) layers_[k + 1].store(to.hidden[k]);
  }

 private:
  bool adds(std::size_t k) const { return residual_ && k > 0 && k + 1 < layers_.size(); }
  bool residual_;
  std::vector<Dense> layers_;
  std::vector<Block> read_, written_;
};

// sin(frequency x), one frequency for each of the width.
struct Sine {
  Numbers frequency, frequency_bar;
  explicit Sine(Numbers f) : frequency(std::move(f)), frequency_bar(frequency.zeros()) {}
  Block operator()(Block x) const {
    return std::move(x.each([&](double& v, Index, Index c) { v = std::sin(frequency.data()[c] * v); }));
  }
  Block vjp(const Block& x, Block bar) {
    return std::move(bar.each([&](double& b, Index j, Index c) {
      const double slope = b * std::cos(frequency.data()[c] * x(j, c));
      frequency_bar.data()[c] += slope * x(j, c), b = slope * frequency.data()[c];
    }));
  }
};

// torch's nn.Linear: weight and bias uniform in +-1/sqrt(inputs); a gain starts at the norms of the weight's rows.
inline void initialise(const Linear<double>& p, init::Generator& rng, double weight_bound, double bias_bound) {
  init::fill(p.weight, [&](Index, Index, Index) { return init::uniform(rng, -weight_bound, weight_bound); });
  init::fill(p.bias, [&](Index, Index, Index) { return init::uniform(rng, -bias_bound, bias_bound); });
  init::fill(p.gain, [&](Index h, Index, Index r) {
    double sum = 0;
    for (Index c = 0; c < p.weight.feature(); ++c) sum += std::pow(p.weight.at(0, 0, h, r, c), 2);
    return std::sqrt(sum);
  });
}
inline void initialise(const MlpMaps<double>& p, init::Generator& rng) {
  const auto layer = [&](const Linear<double>& l) {
    const double bound = 1 / std::sqrt(double(l.weight.feature()));
    initialise(l, rng, bound, bound);
  };
  layer(p.input);
  for (const Linear<double>& l : p.hidden) layer(l);
  layer(p.output);
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
