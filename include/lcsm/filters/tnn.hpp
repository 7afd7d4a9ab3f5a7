// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/mlp.hpp>

#include <type_traits>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// x / (|x| / sqrt(W) + 1e-8), then relu or silu.
struct NormedActivation {
  bool silu = false;
  static constexpr double epsilon = 1e-8;
  Block operator()(Block x) const {
    const std::vector<double> norms = norms_of(x);
    return std::move(x.each([&](double& v, Index j, Index) {
      v /= norms[to_size(j)] / root(x) + epsilon;
      v = silu ? v * sigmoid(v) : v > 0 || std::isnan(v) ? v : 0;
    }));
  }
  Block vjp(const Block& x, Block bar) const {
    Block y = x;                                            // normed
    const std::vector<double> norms = norms_of(y);
    y.each([&](double& v, Index j, Index) { v /= norms[to_size(j)] / root(x) + epsilon; });
    std::vector<double> along(norms.size());
    bar.each([&](double& b, Index j, Index c) {
      const double v = y(j, c), s = sigmoid(v);
      b *= silu ? s * (1 + v * (1 - s)) : double(v > 0), along[to_size(j)] += b * v;
    });
    return std::move(bar.each([&](double& b, Index j, Index c) {
      const double norm = norms[to_size(j)];
      b = (b - (norm > 0 ? along[to_size(j)] * x(j, c) / (norm * root(x)) : 0)) / (norm / root(x) + epsilon);
    }));
  }

 private:
  static double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }
  static double root(const Block& x) { return std::sqrt(double(x.columns())); }
  static std::vector<double> norms_of(Block& x) {
    std::vector<double> out(to_size(x.rows()));
    x.each([&](double v, Index j, Index) { out[to_size(j)] += v * v; });
    for (double& v : out) v = std::sqrt(v);
    return out;
  }
};

// The coefficients of TNN's Toeplitz matrices, a relative position encoder with decay, Qin et al. 2023 (https://arxiv.org/abs/2305.04749; Doraemonzzz/tnn-pytorch:
// tnn_pytorch/{tno,rpe}.py), y_i = sum_j a_{i-j} x_j:
//
//     a_d = g^|d| RPE(p_d), a_0 = RPE(0)          RPE(p) = W_out f(... W_1 f(W_in p + b_in) + b_1 ...) + b_out          f(x) = relu(x / (|x|/sqrt(W) + 1e-8))
//
// p_d is the offset d itself (positions = index, the repository's par_type 1) or d / (n - 1) (fraction, par_type 2), n the length of the sequence. kernel: the offsets
// 0 ... L-1; back: the offsets -1 ... -Lb of a layer that is not causal. decay: none; fixed, g = gamma (0.99 in a GTU, 0.999 in Tno); learned, g = lambda + (1 - lambda)
// sigmoid(gamma). gamma [1,1,H,1,D], if there is a decay. mlp: pos_proj is the input, [W,1], layers.i.2 are hidden, out.2 is the output. residual: a hidden layer adds
// what it began from. Not here: par_type 3 and functions of the coefficients (act_type), which the repository's layers leave off, and norms with gains.
struct Tnn {
  enum class Decay { none, fixed, learned };
  enum class Positions { index, fraction };
  Decay decay = Decay::fixed;
  Positions positions = Positions::index;
  double lambda = 0.999;                                    // of a learned decay
  Index length = 0;                                         // n of fractions; 0 is L
  bool residual = false, silu = false;
  template <class T> struct In { View<T> gamma{}; MlpMaps<T> mlp{}; };

  // Throws ShapeError: gamma, mlp.*, kernel, back; OptionError: length < 0.
  template <class P, class T> void taps(const In<const P>& in, const View<T>& kernel, const std::type_identity_t<View<T>>& back = {}) const {
    const MlpShape n = check_call("filter::Tnn::taps", "kernel", "back", in, kernel, back);
    Net net = network(in, n);
    const Powers powers(*this, in, n);
    for (const bool before : {false, true}) {
      const View<T>& to = before ? back : kernel;
      for_each_block(to.time(), [&](Index first, Index count) {
        Block taps = scaled(net(offsets(before, first, count, kernel.time())), powers.block(distance(before, first), count));
        store_taps(taps, to, first);
      });
    }
  }
  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const { taps_vjp(in, kernel_bar, {}, grads); }
  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const std::type_identity_t<View<Y>>& back_bar, const In<G>& grads) const {
    static constexpr const char* function = "filter::Tnn::taps_vjp";
    const View<const Y> front = kernel_bar, behind = back_bar;
    const MlpShape n = check_call(function, "kernel_bar", "back_bar", in, front, behind);
    check_mlp_gradient(function, in.mlp, grads.mlp, n);
    if (grads.gamma && decay == Decay::none) raise<ShapeError>(function, "gradient of gamma", "none, as there is no decay", "one");
    check_gradient(function, "gamma", grads.gamma, {1, n.heads, 1, n.features});
    Net net = network(in, n);
    const Powers powers(*this, in, n);
    Numbers gamma_bar({1, n.heads, 1, n.features});
    for (const bool before : {false, true}) {
      const View<const Y>& bars = before ? behind : front;
      for_each_block(bars.time(), [&](Index first, Index count) {
        const Block h = net(offsets(before, first, count, front.time())), bar = taps_of(bars, first, count);
        powers.vjp(distance(before, first), scaled(h, bar), gamma_bar);
        net.vjp(scaled(bar, powers.block(distance(before, first), count)));
      });
    }
    net.store(grads.mlp), gamma_bar.store(grads.gamma);
  }

 private:
  using Net = Mlp<NormedActivation>;
  template <class P, class T> MlpShape check_call(const char* function, const char* name, const char* back_name, const In<const P>& in, const View<T>& kernel, const View<T>& back) const {
    if (length < 0) raise<OptionError>(function, "length", "at least 0", door::text(length));
    const MlpShape n = mlp_shape(in.mlp, 1, kernel.head(), kernel.feature());
    check_kernel(function, name, kernel, n.heads, n.features);
    if (back.time() != 0) check_kernel(function, back_name, back, n.heads, n.features);
    check_mlp(function, in.mlp, n);
    if (decay != Decay::none) check(function, "gamma", in.gamma, {1, n.heads, 1, n.features});
    return n;
  }
  template <class P> Net network(const In<const P>& in, const MlpShape& n) const { return Net(in.mlp, n, NormedActivation{silu}, residual); }

  // |d| of tap l.
  static Index distance(bool before, Index l) { return before ? l + 1 : l; }
  Block offsets(bool before, Index first, Index count, Index taps) const {
    const Index n = length > 0 ? length : taps;
    const double scale = (before ? -1.0 : 1.0) / (positions == Positions::fraction && n > 1 ? double(n - 1) : 1.0);
    return Block(count, 1).each([&](double& x, Index j, Index) { x = double(distance(before, first + j)) * scale; });
  }
  // g^|d| of blocks of distances.
  struct Powers {
    std::vector<double> base, slope;                        // g of each channel, and dg/dgamma
    template <class P> Powers(const Tnn& f, const In<const P>& in, const MlpShape& n) : base(to_size(n.heads * n.features), 1), slope(base.size()) {
      if (f.decay == Decay::none) return;
      const Numbers gamma({1, n.heads, 1, n.features}, in.gamma);
      for (std::size_t c = 0; c < base.size(); ++c) {
        const double raw = gamma.data()[c], sigmoid = 1 / (1 + std::exp(-raw));
        base[c] = f.decay == Decay::fixed ? raw : f.lambda + (1 - f.lambda) * sigmoid;
        slope[c] = f.decay == Decay::fixed ? 1 : (1 - f.lambda) * sigmoid / (1 + std::exp(raw));
      }
    }
    Block block(Index first, Index count) const {
      return Block(count, Index(base.size())).each([&](double& x, Index j, Index c) { x = std::pow(base[to_size(c)], double(first + j)); });
    }
    void vjp(Index first, Block bar, Numbers& gamma_bar) const {
      bar.each([&](double b, Index j, Index c) {
        const double d = double(first + j);
        if (d > 0) gamma_bar.data()[c] += b * d * std::pow(base[to_size(c)], d - 1) * slope[to_size(c)];
      });
    }
  };
};

// nn.Linear's uniform weights; gamma is `fixed`, or normal if it is learned.
inline void initialise(Tnn f, const Tnn::In<double>& p, init::Generator& rng, double fixed = 0.999) {
  initialise(p.mlp, rng);
  init::fill(p.gamma, [&](Index, Index, Index) { return f.decay == Tnn::Decay::learned ? init::normal(rng) : fixed; });
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
