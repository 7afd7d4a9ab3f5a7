// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/parameter.hpp>
#include <lcsm/mixers/init.hpp>

#include <Eigen/Core>

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

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::Matrix<double, 1, Eigen::Dynamic>;
// Taps of one item of work; their known number keeps Eigen from starting threads of its own, which would change the order of sums.
inline constexpr Index block = 32;
using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, block, Eigen::Dynamic>;
template <class F> void for_each_block(Index count, F&& f) {
  for (Index first = 0; first < count; first += block) f(first, (std::min)(block, count - first));
}
template <class Y> Block taps_of(const View<Y>& kernel, Index first, Index count) {
  Block out(count, kernel.head() * kernel.feature());
  for (Index j = 0; j < count; ++j)
    for (Index h = 0; h < kernel.head(); ++h)
      for (Index d = 0; d < kernel.feature(); ++d) out(j, h * kernel.feature() + d) = stage::convert<double>(kernel(0, first + j, h, d));
  return out;
}
template <class T> void store_taps(const Block& from, const View<T>& kernel, Index first) {
  for (Index j = 0; j < from.rows(); ++j)
    for (Index h = 0; h < kernel.head(); ++h)
      for (Index d = 0; d < kernel.feature(); ++d) kernel(0, first + j, h, d) = stage::convert<T>(from(j, h * kernel.feature() + d));
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
      : heads_(heads), rows_(rows), columns_(columns), raw_({1, heads, rows, columns}, p.weight), gain_({1, heads, 1, rows}, p.gain, 1), bias_({1, heads, 1, rows}, p.bias), normal_(p.gain),
        weight_(Eigen::Map<const Matrix>(raw_.data(), heads * rows, columns)), weight_bar_(Matrix::Zero(heads * rows, columns)), bias_bar_(RowVector::Zero(heads * rows)) {
    if (normal_)
      for (Index o = 0; o < weight_.rows(); ++o) weight_.row(o) *= gain_.data()[o] / weight_.row(o).norm();
  }
  Block operator()(const Block& x) const {
    Block y(x.rows(), weight_.rows());
    y.noalias() = x * weight_.transpose();
    y.rowwise() += Eigen::Map<const RowVector>(bias_.data(), weight_.rows());
    return y;
  }
  Block vjp(const Block& x, const Block& bar) {
    for (Index o = 0; o < weight_.rows(); o += block) {
      const Index count = (std::min)(block, weight_.rows() - o);
      const Block more = bar.middleCols(o, count).transpose() * x;
      weight_bar_.middleRows(o, count) += more;
    }
    bias_bar_ += bar.colwise().sum();
    Block x_bar(x.rows(), x.cols());
    x_bar.noalias() = bar * weight_;
    return x_bar;
  }
  template <class G> void store(const Linear<G>& to) const {
    Numbers weight({1, heads_, rows_, columns_}), gain({1, heads_, 1, rows_}), bias(gain);
    Eigen::Map<Matrix> out(weight.data(), weight_.rows(), columns_);
    const Eigen::Map<const Matrix> raw(raw_.data(), weight_.rows(), columns_);
    out = weight_bar_;
    for (Index o = 0; o < weight_.rows(); ++o) {
      bias.data()[o] = bias_bar_[o];
      if (!normal_) continue;
      const double norm = raw.row(o).norm(), along = weight_bar_.row(o).dot(raw.row(o)) / norm;
      gain.data()[o] = along, out.row(o) = gain_.data()[o] / norm * (weight_bar_.row(o) - along / norm * raw.row(o));
    }
    weight.store(to.weight), bias.store(to.bias), gain.store(to.gain);
  }

 private:
  Index heads_, rows_, columns_;
  Numbers raw_, gain_, bias_;
  bool normal_;
  Matrix weight_, weight_bar_;
  RowVector bias_bar_;
};

// The input layer, then every other one after an activation of what came before it: Block operator()(const Block& x), and Block vjp(const Block& x, const Block& bar),
// which may sum gradients of its own. residual: hidden layers add what they began from.
template <class Activation> class Mlp {
 public:
  Activation activation;

  template <class P> Mlp(const MlpMaps<P>& p, const MlpShape& n, Activation f, bool residual = false) : activation(std::move(f)), residual_(residual) {
    each_layer(p, n, [&](const std::string&, const Linear<P>& l, Index heads, Index rows, Index columns) { layers_.emplace_back(l, heads, rows, columns); });
    read_.resize(layers_.size()), written_.resize(layers_.size());
  }
  // A row for every position. What `vjp` needs is kept.
  const Block& operator()(const Block& positions) {
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      read_[k] = k == 0 ? positions : activation(written_[k - 1]);
      written_[k] = layers_[k](read_[k]);
      if (adds(k)) written_[k] += written_[k - 1];
    }
    return written_.back();
  }
  // The cotangent of the positions last given.
  Block vjp(Block bar) {
    for (std::size_t k = layers_.size() - 1; k > 0; --k) {
      Block down = activation.vjp(written_[k - 1], layers_[k].vjp(read_[k], bar));
      if (adds(k)) down += bar;
      bar.swap(down);
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
  RowVector frequency, frequency_bar;
  explicit Sine(RowVector f) : frequency(std::move(f)), frequency_bar(RowVector::Zero(frequency.size())) {}
  Block operator()(const Block& x) const { return turned(x).unaryExpr([](double v) { return std::sin(v); }); }
  Block vjp(const Block& x, const Block& bar) {
    const Block slope = turned(x).unaryExpr([](double v) { return std::cos(v); }).cwiseProduct(bar);
    frequency_bar += slope.cwiseProduct(x).colwise().sum();
    return (slope.array().rowwise() * frequency.array()).matrix();
  }

 private:
  Block turned(const Block& x) const { return (x.array().rowwise() * frequency.array()).matrix(); }
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
