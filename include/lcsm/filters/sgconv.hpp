// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/parameter.hpp>
#include <lcsm/mixers/init.hpp>

#include <algorithm>
#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// SGConv's multi-scale filter, Li et al. 2022 (https://arxiv.org/abs/2210.09298; ctlllll/SGConv: gconv_standalone.py): S pieces of N numbers, each stretched by linear
// interpolation (half-pixel centres, edges repeated: x2 of [0,1,2,3] is [0,.25,.75,1.25,1.75,2.25,2.75,3]) and scaled down the longer it is,
//
//     cat: full = concat over i of up(kernels[i], 2^(max(0,i-1) + init_scale)) multiplier^(S-1-i)
//     sum: full = sum over i of up(kernels[i], 2^(i + init_scale)) multiplier^(S-1-i), each padded with zeros
//     kernel_l = full_l (l+1)^(-decay) / norm, 0 behind its end
//
// kernels: S views [1,N,H,1,D], the published [C,H,N] with its C as heads. multiplier, decay, norm [1,1,H,1,D]; {} is 1, 0, 1. The published multiplier is a constant
// (linear from 2 to 2 over the channels; 1 in the learnable mode, which has the decay), and norm is the 2-norm over the whole of full when it is first used, a constant
// from then on: `norm` computes it. All of them have gradients for those who want them. ascending: multiplier^i instead (ag1988/dlr, whose alpha is learned).
struct SgConv {
  enum class Mode { cat, sum };
  Mode mode = Mode::cat;
  Index init_scale = 0;
  bool ascending = false;
  template <class T> struct In { std::vector<View<T>> kernels{}; View<T> multiplier{}, decay{}, norm{}; };

  // Throws ShapeError: kernels, multiplier, decay, norm, kernel; OptionError: a negative init_scale, scales of 2^40 or more.
  template <class P, class T> void taps(const In<const P>& in, const View<T>& kernel) const {
    const Channels channels = check_call("filter::SgConv::taps", "kernel", in, kernel);
    for (Index h = 0; h < kernel.head(); ++h)
      for (Index d = 0; d < kernel.feature(); ++d) {
        const std::vector<double> full = channels.taps(h, d, kernel.time());
        for (Index l = 0; l < kernel.time(); ++l) kernel(0, l, h, d) = stage::convert<T>(full[to_size(l)] / channels.norm.at(0, h, 0, d));
      }
  }
  // The 2-norm over time of the whole kernel before it is cut and divided (in.norm is not looked at): to [1,1,H,1,D].
  template <class P, class T> void norm(const In<const P>& in, const View<T>& to) const {
    const Channels channels = check_call("filter::SgConv::norm", "to", In<const P>{in.kernels, in.multiplier, in.decay, {}}, to);
    if (to.time() != 1) raise<ShapeError>("filter::SgConv::norm", "to", "time extent 1", door::text(to.time()));
    for (Index h = 0; h < to.head(); ++h)
      for (Index d = 0; d < to.feature(); ++d) {
        double sum = 0;
        for (const double x : channels.taps(h, d, channels.size())) sum += x * x;
        to(0, 0, h, d) = stage::convert<T>(std::sqrt(sum));
      }
  }
  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const {
    static constexpr const char* function = "filter::SgConv::taps_vjp";
    const View<const Y> bars = kernel_bar;
    const Channels channels = check_call(function, "kernel_bar", in, bars);
    const Index heads = bars.head(), features = bars.feature(), scales = Index(in.kernels.size()), given = Index(grads.kernels.size());
    if (given != 0 && given != scales) raise<ShapeError>(function, "gradient of kernels", "none or " + door::text(scales) + " views", door::text(given));
    for (Index i = 0; i < given; ++i) check_gradient(function, name_of(i), grads.kernels[to_size(i)], {channels.numbers, heads, 1, features});
    const Extents one{1, heads, 1, features};
    check_gradient(function, "multiplier", grads.multiplier, one), check_gradient(function, "decay", grads.decay, one), check_gradient(function, "norm", grads.norm, one);

    std::vector<Numbers> kernels_bar(in.kernels.size(), Numbers(Extents{channels.numbers, heads, 1, features}));
    Numbers multiplier_bar(one), decay_bar(one), norm_bar(one);
    for (Index h = 0; h < heads; ++h)
      for (Index d = 0; d < features; ++d) {
        const double norm = channels.norm.at(0, h, 0, d), decay = channels.decay.at(0, h, 0, d), multiplier = channels.multiplier.at(0, h, 0, d);
        const std::vector<double> full = channels.taps(h, d, bars.time());
        std::vector<double> bar(full.size());
        double along = 0, along_log = 0;
        for (Index l = 0; l < bars.time(); ++l) {
          const double up = stage::convert<double>(bars(0, l, h, d)) / norm;
          bar[to_size(l)] = up * falling(l, decay), along += up * full[to_size(l)], along_log += up * full[to_size(l)] * std::log1p(double(l));
        }
        norm_bar.at(0, h, 0, d) = -along / norm, decay_bar.at(0, h, 0, d) = -along_log;
        for (Index i = 0; i < scales; ++i) {
          const double e = channels.exponent(i), power = std::pow(multiplier, e);
          double sum = 0;
          channels.each_tap(i, bars.time(), [&](Index l, Index low, Index high, double part) {
            const double up = bar[to_size(l)];
            kernels_bar[to_size(i)].at(low, h, 0, d) += power * (1 - part) * up, kernels_bar[to_size(i)].at(high, h, 0, d) += power * part * up;
            sum += up * channels.between(i, h, d, low, high, part);
          });
          if (e > 0) multiplier_bar.at(0, h, 0, d) += e * std::pow(multiplier, e - 1) * sum;
        }
      }
    for (std::size_t i = 0; i < grads.kernels.size(); ++i) kernels_bar[i].store(grads.kernels[i]);
    multiplier_bar.store(grads.multiplier), decay_bar.store(grads.decay), norm_bar.store(grads.norm);
  }

 private:
  static constexpr Index largest_shift = 40;
  static std::string name_of(Index i) { return "kernels[" + door::text(i) + "]"; }
  static double falling(Index l, double decay) { return decay == 0 ? 1 : std::exp(-decay * std::log1p(double(l))); }

  // The parameters in double, and where the pieces lie.
  struct Channels {
    const SgConv& filter;
    Index numbers;
    std::vector<Numbers> kernels{};
    Numbers multiplier{}, decay{}, norm{};

    Index scales() const { return Index(kernels.size()); }
    double exponent(Index i) const { return double(filter.ascending ? i : scales() - 1 - i); }
    Index stretch(Index i) const { return Index(1) << (filter.init_scale + (filter.mode == Mode::sum ? i : (std::max)(i - 1, Index(0)))); }
    Index begin(Index i) const {
      Index first = 0;
      for (Index j = 0; j < i && filter.mode == Mode::cat; ++j) first += numbers * stretch(j);
      return first;
    }
    Index size() const { return begin(scales() - 1) + numbers * stretch(scales() - 1); }
    // f(l, low, high, part) for the taps l < count of piece i, which lie between two of its numbers.
    template <class F> void each_tap(Index i, Index count, F&& f) const {
      const Index first = begin(i), by = stretch(i), end = (std::min)(numbers * by, count - first);
      for (Index j = 0; j < end; ++j) {
        const double at = (std::max)((double(j) + 0.5) / double(by) - 0.5, 0.0);
        const Index low = Index(at);
        f(first + j, low, (std::min)(low + 1, numbers - 1), at - double(low));
      }
    }
    double between(Index i, Index h, Index d, Index low, Index high, double part) const {
      const Numbers& piece = kernels[to_size(i)];
      return (1 - part) * piece.at(low, h, 0, d) + part * piece.at(high, h, 0, d);
    }
    // Of one channel, not divided.
    std::vector<double> taps(Index h, Index d, Index count) const {
      std::vector<double> out(to_size(count));
      for (Index i = 0; i < scales(); ++i) {
        const double power = std::pow(multiplier.at(0, h, 0, d), exponent(i));
        each_tap(i, count, [&](Index l, Index low, Index high, double part) { out[to_size(l)] += power * between(i, h, d, low, high, part); });
      }
      for (Index l = 0; l < count; ++l) out[to_size(l)] *= falling(l, decay.at(0, h, 0, d));
      return out;
    }
  };
  template <class P, class T> Channels check_call(const char* function, const char* name, const In<const P>& in, const View<T>& kernel) const {
    const Index heads = kernel.head(), features = kernel.feature(), scales = Index(in.kernels.size());
    check_kernel(function, name, kernel, heads, features);
    if (scales == 0) raise<ShapeError>(function, "kernels", "at least one view", "none");
    if (init_scale < 0 || init_scale + scales > largest_shift) raise<OptionError>(function, "init_scale", "0 ... " + door::text(largest_shift - scales), door::text(init_scale));
    const Index numbers = in.kernels[0].time();
    if (numbers < 1) raise<ShapeError>(function, name_of(0), "a time extent of at least 1", door::text(numbers));
    for (Index i = 0; i < scales; ++i) check(function, name_of(i), in.kernels[to_size(i)], {numbers, heads, 1, features});
    const Extents one{1, heads, 1, features};
    Channels out{.filter = *this, .numbers = numbers};
    if (in.multiplier) check(function, "multiplier", in.multiplier, one);
    if (in.decay) check(function, "decay", in.decay, one);
    if (in.norm) check(function, "norm", in.norm, one);
    for (const View<const P>& piece : in.kernels) out.kernels.emplace_back(Extents{numbers, heads, 1, features}, piece);
    out.multiplier = Numbers(one, in.multiplier, 1), out.decay = Numbers(one, in.decay), out.norm = Numbers(one, in.norm, 1);
    return out;
  }
};

// How many pieces of so many numbers reach over `taps` taps.
inline Index sgconv_scales(Index taps, Index numbers) {
  Index scales = 1;
  while (numbers << (scales - 1) < taps) ++scales;
  return scales;
}
// kernels normal; multiplier linear from `low` to `high` over the channels; decay uniform in [low, high); norm that of the new kernel.
inline void initialise(SgConv f, const SgConv::In<double>& p, init::Generator& rng, double low = 2, double high = 2) {
  for (const View<double>& piece : p.kernels)
    for (Index h = 0; h < piece.head(); ++h)
      for (Index d = 0; d < piece.feature(); ++d)
        for (Index a = 0; a < piece.time(); ++a) piece(0, a, h, d) = init::normal(rng);
  init::fill(p.multiplier, [&](Index, Index, Index d) { return p.multiplier.feature() > 1 ? low + (high - low) * double(d) / double(p.multiplier.feature() - 1) : low; });
  init::fill(p.decay, [&](Index, Index, Index) { return init::uniform(rng, low, high); });
  if (p.norm) f.norm(SgConv::In<const double>{{p.kernels.begin(), p.kernels.end()}, p.multiplier, p.decay, {}}, p.norm);
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
