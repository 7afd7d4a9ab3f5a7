// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/filters/parameter.hpp>
#include <lcsm/mixers/init.hpp>

#include <algorithm>
#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// The taps themselves, regularised: "simple long convolutions", Fu et al. 2023 (https://arxiv.org/abs/2302.06646; HazyResearch/safari:
// src/models/sequence/long_conv_kernel.py):
//
//     m_l = 1/w sum over |j| <= (w-1)/2 of taps_{l+j}, taps outside of [0, Lp) being 0 (and counted)
//     kernel_l = sign(m_l) max(|m_l| - lam, 0)
//
// taps [1,Lp,H,1,D], Lp >= L: the published [C,H,L] seen through strides; what lies behind L is seen by the moving average alone. smooth: the odd width w, 1 for
// no average (the repository's is 7 where it is on). lam: 0.003 is that of the repository's layer, 0 leaves the taps as they are. The slope where |m| <= lam > 0 is 0.
// Not here: dropout of taps, and the repository's smoothing of the spectrum.
struct Explicit {
  double lam = 0.003;
  Index smooth = 1;
  template <class T> struct In { View<T> taps{}; };

  // Throws ShapeError: taps, kernel; OptionError: lam < 0, a width that is not odd and positive.
  template <class P, class T> void taps(const In<const P>& in, const View<T>& kernel) const {
    check_call("filter::Explicit::taps", "kernel", in, kernel);
    each_channel(in, kernel, [&](const std::vector<double>& mean, Index h, Index d) {
      for (Index l = 0; l < kernel.time(); ++l) kernel(0, l, h, d) = stage::convert<T>(squashed(mean[to_size(l)]));
    });
  }
  template <class P, class Y, class G> void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const {
    static constexpr const char* function = "filter::Explicit::taps_vjp";
    const View<const Y> bars = kernel_bar;
    check_call(function, "kernel_bar", in, bars);
    const Index length = in.taps.time(), heads = bars.head();
    const View<G>& to = grads.taps;
    check_gradient(function, "taps", to, {length, heads, 1, bars.feature()});
    if (!to) return;
    // One number of the gradient has the cotangents of all channels that share it.
    const Index group = to.head() > 0 ? heads / to.head() : 0, alike = to.feature() == 1 ? bars.feature() : 1;
    for (Index h = 0; h < to.head(); ++h)
      for (Index d = 0; d < to.feature(); ++d) {
        std::vector<double> sums(to_size(length)), bar(sums);
        for (Index g = h * group; g < (h + 1) * group; ++g)
          for (Index c = d; c < d + alike; ++c) {
            const std::vector<double> mean = means(channel(in, g, c, heads));
            for (Index l = 0; l < bars.time(); ++l) bar[to_size(l)] = passes(mean[to_size(l)]) ? stage::convert<double>(bars(0, l, g, c)) : 0;
            const std::vector<double> back = means(bar);    // the average is its own transpose
            for (std::size_t l = 0; l < sums.size(); ++l) sums[l] += back[l];
          }
        Numbers(Extents{length}, View<const double>(sums.data(), {1, length, 1, 1, 1}, {0, 1, 0, 0, 0})).store(View<G>(to.heads(h, 1).features(d, 1)));
      }
  }

 private:
  template <class P, class T> void check_call(const char* function, const char* name, const In<const P>& in, const View<T>& kernel) const {
    if (!(lam >= 0)) raise<OptionError>(function, "lam", "at least 0", std::to_string(lam));
    if (smooth < 1 || smooth % 2 == 0) raise<OptionError>(function, "smooth", "an odd width", door::text(smooth));
    check_kernel(function, name, kernel, kernel.head(), kernel.feature());
    check_positions(function, "taps", in.taps, kernel.time());
    check(function, "taps", in.taps, {in.taps.time(), kernel.head(), 1, kernel.feature()});
  }
  template <class P> static std::vector<double> channel(const In<const P>& in, Index h, Index d, Index heads) {
    std::vector<double> out(to_size(in.taps.time()));
    for (std::size_t l = 0; l < out.size(); ++l) out[l] = number(in.taps, heads, Index(l), h, 0, d);
    return out;
  }
  std::vector<double> means(std::vector<double> x) const {
    if (smooth == 1) return x;
    const Index length = Index(x.size()), reach = smooth / 2;
    std::vector<double> out(x.size());
    for (Index l = 0; l < length; ++l) {
      double sum = 0;
      for (Index j = (std::max)(l - reach, Index(0)); j <= (std::min)(l + reach, length - 1); ++j) sum += x[to_size(j)];
      out[to_size(l)] = sum / double(smooth);
    }
    return out;
  }
  template <class P, class T, class F> void each_channel(const In<const P>& in, const View<T>& kernel, F&& f) const {
    for (Index h = 0; h < kernel.head(); ++h)
      for (Index d = 0; d < kernel.feature(); ++d) f(means(channel(in, h, d, kernel.head())), h, d);
  }
  bool passes(double x) const { return lam == 0 || std::abs(x) > lam; }
  double squashed(double x) const { return lam == 0 ? x : std::abs(x) > lam ? x - std::copysign(lam, x) : std::isnan(x) ? x : 0; }
};

// random: normal, deviation 0.002. double_exp: normal, deviation 0.02, times exp(-(l/L) (floor(D/2))^(d/D)), d of D channels.
enum class ExplicitStart { random, double_exp };
inline void initialise(Explicit, const Explicit::In<double>& p, init::Generator& rng, ExplicitStart start = ExplicitStart::random) {
  const View<double>& v = p.taps;
  const double length = double(v.time()), half = double(v.feature() / 2), channels = double(v.feature());
  for (Index h = 0; h < v.head(); ++h)
    for (Index d = 0; d < v.feature(); ++d)
      for (Index l = 0; l < v.time(); ++l)
        v(0, l, h, d) = start == ExplicitStart::random ? init::normal(rng, 0.002) : init::normal(rng, 0.02) * std::exp(-double(l) / length * std::pow(half, double(d) / channels));
}

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
