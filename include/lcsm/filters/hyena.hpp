// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/mlp.hpp>

#include <numbers>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// Hyena's implicit filter, Poli et al. 2023 (https://arxiv.org/abs/2302.10866; HazyResearch/safari: src/models/sequence/hyena.py, HyenaFilter):
//
//     h_l = W_out sin(freq (W_K ... sin(freq (W_in z_l + b_in)) ... + b_K))          kernel_l = h_l (exp(-t_l |deltas|) + shift)
//
// z [1,Lmax,1,1,E], t [1,Lmax,1,1,1], Lmax >= L: features of position l and its time, tables whose published values `initialise` writes (z is learned, at a rate of
// its own). freq [1,1,1,1,W], shared by all layers; {} is 1. deltas [1,1,H,1,D] {} is no modulation, and no t. mlp: implicit_filter.0 is the input, then 2, 4 ... are
// hidden, the last is the output. A Hyena of order N has N - 1 filters of D channels, which are the heads: the published channel o D + d is channel d of head o.
// The operator's own bias (of its skip) is no part of the filter.
//
// normalised: kernel_l is divided by the sum of the sizes of kernel_l over all heads and channels, lag by lag, as the repository does (its norm is over the channels).
struct Hyena {
  double shift = 0;
  bool normalised = false;
  template <class T> struct In { View<T> z{}, t{}, freq{}, deltas{}; MlpMaps<T> mlp{}; };

  // Throws ShapeError: z, t, freq, deltas, mlp.*, kernel.
  template <class P, class T> void taps(const In<const P>& in, const View<T>& kernel) const {
    const MlpShape n = check_call("filter::Hyena::taps", "kernel", in, kernel);
    Net net = network(in, n);
    const Modulation<P> modulation(*this, in, n);
    for_each_block(kernel.time(), [&](Index first, Index count) {
      Block taps = scaled(net(positions(in, n, first, count)), modulation.factors(first, count));
      if (normalised) {
        const std::vector<double> sums = sizes(taps);
        taps.each([&](double& x, Index j, Index) { x /= sums[to_size(j)]; });
      }
      store_taps(taps, kernel, first);
    });
  }

  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const {
    static constexpr const char* function = "filter::Hyena::taps_vjp";
    const View<const Y> bars = kernel_bar;
    const MlpShape n = check_call(function, "kernel_bar", in, bars);
    const Index times = in.t.time(), length = in.z.time();
    check_mlp_gradient(function, in.mlp, grads.mlp, n);
    check_gradient(function, "z", grads.z, {length, 1, 1, n.inputs}), check_gradient(function, "freq", grads.freq, {1, 1, 1, n.width});
    if (!in.deltas && (grads.t || grads.deltas)) raise<ShapeError>(function, "gradient of deltas and t", "none, as no deltas are given", "one");
    check_gradient(function, "t", grads.t, {times}), check_gradient(function, "deltas", grads.deltas, {1, n.heads, 1, n.features});

    Net net = network(in, n);
    const Modulation<P> modulation(*this, in, n);
    Numbers z_bar(Extents{grads.z ? length : 0, 1, 1, n.inputs}), t_bar(Extents{grads.t ? times : 0}), deltas_bar({1, n.heads, 1, n.features});
    for_each_block(bars.time(), [&](Index first, Index count) {
      const Block h = net(positions(in, n, first, count)), factors = modulation.factors(first, count);
      Block bar = taps_of(bars, first, count);
      if (normalised) {
        // With y = x / s, s = sum |x|: x_bar = (y_bar - sign(x) sum y_bar y) / s.
        Block x = scaled(h, factors);
        const std::vector<double> sums = sizes(x);
        std::vector<double> along(sums.size());
        bar.each([&](double b, Index j, Index c) { along[to_size(j)] += b * x(j, c) / sums[to_size(j)]; });
        bar.each([&](double& b, Index j, Index c) { b = (b - along[to_size(j)] * sign(x(j, c))) / sums[to_size(j)]; });
      }
      if (in.deltas) modulation.vjp(first, scaled(h, bar), grads.t ? &t_bar : nullptr, deltas_bar);
      Block down = net.vjp(scaled(std::move(bar), factors));
      if (grads.z) down.each([&](double x, Index j, Index e) { z_bar.at(first + j, 0, 0, e) = x; });
    });
    net.store(grads.mlp), z_bar.store(grads.z), t_bar.store(grads.t), deltas_bar.store(grads.deltas);
    net.activation.frequency_bar.store(grads.freq);
  }

 private:
  using Net = Mlp<Sine>;
  template <class P, class T> MlpShape check_call(const char* function, const char* name, const In<const P>& in, const View<T>& kernel) const {
    const MlpShape n = mlp_shape(in.mlp, in.z.feature(), kernel.head(), kernel.feature());
    check_kernel(function, name, kernel, n.heads, n.features);
    check_positions(function, "z", in.z, kernel.time()), check(function, "z", in.z, {in.z.time(), 1, 1, n.inputs});
    check_mlp(function, in.mlp, n);
    if (in.freq) check(function, "freq", in.freq, {1, 1, 1, n.width});
    if (in.deltas) {
      check(function, "deltas", in.deltas, {1, n.heads, 1, n.features});
      check_positions(function, "t", in.t, kernel.time()), check(function, "t", in.t, {in.t.time()});
    }
    return n;
  }
  template <class P> static Net network(const In<const P>& in, const MlpShape& n) { return Net(in.mlp, n, Sine(Numbers({1, 1, 1, n.width}, in.freq, 1))); }
  template <class P> static Block positions(const In<const P>& in, const MlpShape& n, Index first, Index count) {
    return Block(count, n.inputs).each([&](double& x, Index j, Index e) { x = number(in.z, 1, first + j, 0, 0, e); });
  }
  static double sign(double x) { return double((x > 0) - (x < 0)); }
  static std::vector<double> sizes(Block& x) {
    std::vector<double> sums(to_size(x.rows()));
    x.each([&](double v, Index j, Index) { sums[to_size(j)] += std::abs(v); });
    return sums;
  }
  // exp(-t |deltas|) + shift.
  template <class P> struct Modulation {
    const In<const P>& in;
    Numbers deltas;
    Index channels;
    double shift;
    Modulation(const Hyena& f, const In<const P>& given, const MlpShape& n) : in(given), deltas({1, n.heads, 1, n.features}, given.deltas), channels(n.heads * n.features), shift(f.shift) {}
    double time(Index l) const { return number(in.t, 1, l, 0, 0, 0); }
    Block factors(Index first, Index count) const {
      return Block(count, channels).each([&](double& x, Index j, Index c) { x = in.deltas ? std::exp(-time(first + j) * std::abs(deltas.data()[c])) + shift : 1; });
    }
    // bar: the cotangent of the factors.
    void vjp(Index first, Block bar, Numbers* t_bar, Numbers& deltas_bar) const {
      bar.each([&](double b, Index j, Index c) {
        const double t = time(first + j), delta = deltas.data()[c], slope = -std::exp(-t * std::abs(delta)) * b;
        deltas_bar.data()[c] += slope * t * sign(delta);
        if (t_bar) t_bar->at(first + j, 0, 0, 0) += slope * std::abs(delta);
      });
    }
  };
};

// The published tables, of as many positions as the views have. z_l = [l/(Lmax-1), Re and Im of exp(-i f_b 2 pi l / Lmax)], f linear from 1e-4 to bands - 1, where
// 1 + 2 bands = E, odd; t_l = l/(Lmax-1); deltas linear from log(target)/slow to log(target)/fast over heads and channels.
inline void hyena_positions(const View<double>& z) {
  if (z.feature() < 3 || z.feature() % 2 == 0) raise<ShapeError>("filter::hyena_positions", "z", "an odd feature extent of at least 3", door::text(z.feature()));
  const Index bands = z.feature() / 2, length = z.time();
  for (Index l = 0; l < length; ++l) {
    z(0, l, 0, 0) = length > 1 ? double(l) / double(length - 1) : 0;
    for (Index b = 0; b < bands; ++b) {
      const double f = bands > 1 ? 1e-4 + (double(bands - 1) - 1e-4) * double(b) / double(bands - 1) : 1e-4, angle = f * 2 * std::numbers::pi * double(l) / double(length);
      z(0, l, 0, 1 + b) = std::cos(angle), z(0, l, 0, 1 + bands + b) = -std::sin(angle);
    }
  }
}
inline void hyena_times(const View<double>& t) {
  for (Index l = 0; l < t.time(); ++l) t(0, l, 0, 0) = t.time() > 1 ? double(l) / double(t.time() - 1) : 0;
}
inline void hyena_deltas(const View<double>& deltas, double fast = 0.3, double slow = 1.5, double target = 1e-2) {
  const double low = std::log(target) / slow, high = std::log(target) / fast, steps = double(deltas.head() * deltas.feature() - 1);
  init::fill(deltas, [&](Index h, Index, Index d) { return steps > 0 ? low + (high - low) * double(h * deltas.feature() + d) / steps : low; });
}

// The tables, nn.Linear's uniform weights, and freq = w: 1 in the repository's filter, 10 to 14 in its experiments.
inline void initialise(Hyena, const Hyena::In<double>& p, init::Generator& rng, double w = 1) {
  if (p.z) hyena_positions(p.z);
  if (p.t) hyena_times(p.t);
  if (p.deltas) hyena_deltas(p.deltas);
  init::fill(p.freq, [&](Index, Index, Index) { return w; });
  initialise(p.mlp, rng);
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
