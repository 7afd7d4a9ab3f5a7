// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/mlp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// CKConv's filter, a SIREN of relative positions, Romero et al. 2021 (https://arxiv.org/abs/2102.02611; dwromero/ckconv: ckconv/nn/ckconv.py):
//
//     h_l = W_out sin(omega (W_1 sin(omega (W_in x_l + b_in)) + b_1)) + b_out          kernel_l = rate h_l
//
// mlp: input [W,1], any number of hidden layers (the repository: one, W = 32), output; gains are the repository's weight normalisation. x_l is the position of lag l,
// 1 at lag 0, falling linearly to -1 at lag L - 1 (the published kernel is a correlation's, its last position is lag 0). train_length: the length that positions are
// scaled by, 0 for L itself. A kernel of another length is the same function at another sampling rate, rate = round(train_length / L) or 1 / round(L / train_length),
// whose steps are rate times as wide: x_0 is what calculate_max of the repository says (rounding is to even). The Gaussian by which it smooths kernels of a higher rate
// is not here.
//
// One output for every head and channel: a depthwise filter. CKConv itself has one for every pair of an input and an output channel, a full C_out x C_in matrix at every
// lag; that is H = C_out heads of D = C_in channels here, whose convolutions are then to be summed over the channels.
struct Siren {
  double omega = 30;
  Index train_length = 0;
  template <class T> struct In { MlpMaps<T> mlp{}; };

  // Throws ShapeError: mlp.*, kernel; OptionError: train_length < 0.
  template <class P, class T> void taps(const In<const P>& in, const View<T>& kernel) const {
    const MlpShape n = check_call("filter::Siren::taps", "kernel", in, kernel);
    Net net = network(in, n);
    const Line line = positions(kernel.time());
    for_each_block(kernel.time(), [&](Index first, Index count) { store_taps(line.scaled(net(line.block(first, count))), kernel, first); });
  }
  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const {
    static constexpr const char* function = "filter::Siren::taps_vjp";
    const View<const Y> bars = kernel_bar;
    const MlpShape n = check_call(function, "kernel_bar", in, bars);
    check_mlp_gradient(function, in.mlp, grads.mlp, n);
    Net net = network(in, n);
    const Line line = positions(bars.time());
    for_each_block(bars.time(), [&](Index first, Index count) {
      Block bar = taps_of(bars, first, count);
      net(line.block(first, count)), net.vjp(line.scaled(bar));
    });
    net.store(grads.mlp);
  }

  // Where the lags of a kernel of so many taps are.
  struct Line {
    double first = 1, step = 0, rate = 1;                   // x_l = first - l step
    double operator()(Index lag) const { return first - double(lag) * step; }
    Block block(Index from, Index count) const { return Block(count, 1).each([&](double& x, Index j, Index) { x = (*this)(from + j); }); }
    Block& scaled(Block& taps) const { return taps.each([&](double& x, Index, Index) { x *= rate; }); }
  };
  Line positions(Index taps) const {
    Line line;
    const Index train = train_length > 0 ? train_length : taps;
    if (taps < 1) return line;
    const double step = train > 1 ? 2 / double(train - 1) : 0;
    if (train > taps) {
      const Index every = Index(std::nearbyint(double(train) / double(taps)));
      line.rate = double(every), line.first = every > 1 ? 1 - double((train - 1) % every) * step : 1;
    } else {
      const Index times = Index(std::nearbyint(double(taps) / double(train)));
      line.rate = 1 / double(times), line.first = 1 + double((taps - 1) % times) * step * line.rate;
    }
    line.step = taps > 1 ? (line.first + 1) / double(taps - 1) : 0;
    return line;
  }

 private:
  using Net = Mlp<Sine>;
  template <class P, class T> MlpShape check_call(const char* function, const char* name, const In<const P>& in, const View<T>& kernel) const {
    if (train_length < 0) raise<OptionError>(function, "train_length", "at least 0", door::text(train_length));
    const MlpShape n = mlp_shape(in.mlp, 1, kernel.head(), kernel.feature());
    check_kernel(function, name, kernel, n.heads, n.features), check_mlp(function, in.mlp, n);
    return n;
  }
  template <class P> Net network(const In<const P>& in, const MlpShape& n) const { return Net(in.mlp, n, Sine(Numbers({1, 1, 1, n.width}, omega))); }
};

// As the repository writes it: the input's weights uniform in +-1, all others in +-sqrt(6/W)/omega, biases in +-1, gains the norms of the weights.
inline void initialise(Siren f, const Siren::In<double>& p, init::Generator& rng) {
  initialise(p.mlp.input, rng, 1, 1);
  const auto layer = [&](const Linear<double>& l) { initialise(l, rng, std::sqrt(6 / double(l.weight.feature())) / f.omega, 1); };
  for (const Linear<double>& l : p.mlp.hidden) layer(l);
  layer(p.mlp.output);
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
