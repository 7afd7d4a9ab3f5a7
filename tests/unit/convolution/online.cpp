// SPDX-License-Identifier: MIT
#include <lcsm/convolution/online.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"
#include "support/long_convolution.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

// Token by token after a prompt (or from the first), against the sums; relative to the norms, as transforms err.
template <class T> void check(std::uint64_t seed, Latency latency) {
  for (int n = 0; n < 24; ++n) {
    Random random(seed + std::uint64_t(n));
    const Index N = random.between(1, 2), H = random.one_of({1, 2}), D = random.one_of({1, 3, 8, 9, 17}), L = random.one_of({1, 2, 3, 7, 31, 64, 65, 100, 257}), tokens = random.one_of({1, 2, 5, 33, 100, 257, 600}),
                prompt = random.one_in(2) ? random.below(tokens + 1) : 0, direct = random.one_of({1, 2, 8, 32});
    INFO("seed " << seed + std::uint64_t(n) << ": N, H, D, L, T, prompt, direct = " << N << ", " << H << ", " << D << ", " << L << ", " << tokens << ", " << prompt << ", " << direct);
    const Layout layout = any_layout(random);
    const Guarded<T> x({N, tokens, H, 1, D}, layout, random), k({1, L, H, 1, D}, any_layout(random), random), y({N, tokens, H, 1, D}, layout, random), skip({1, 1, H, 1, D}, Layout::dense, random);
    fill_normal(x, random), fill_normal(k, random), fill_normal(skip, random);
    const View<const T> kernel = k.view, in = x.view, d = skip.view;
    const OnlineKernel<T> online(kernel, {.latency = latency, .direct = direct});
    OnlineConvolution<T> state(online, N);
    if (prompt > 0) state.prefill(exec::seq, online, ConvolutionPlan<T>(kernel, {.tokens = prompt}), in.tokens(0, prompt), d, y.view.tokens(0, prompt));
    std::optional<OnlineConvolution<T>> fork;
    const Index forked = random.between(prompt, tokens);
    for (Index t = prompt; t < tokens; ++t) {
      if (t == forked) fork = state;
      state.step(online, in.tokens(t, 1), d, y.view.tokens(t, 1));
    }
    CHECK(state.position() == tokens);
    CHECK(y.slack_is_untouched());
    double worst = 0;
    const double eps = double(std::numeric_limits<T>::epsilon());
    for (Index b = 0; b < N; ++b)
      for (Index h = 0; h < H; ++h)
        for (Index c = 0; c < D; ++c) {
          double taps = 0, inputs = 0;
          for (Index l = 0; l < L; ++l) taps += std::pow(double(k.view(0, l, h, c)), 2);
          for (Index t = 0; t < tokens; ++t) inputs += std::pow(double(x.view(b, t, h, c)), 2);
          // A level for every power of two, each with its transforms and a rounding of what is owed.
          const double transforms = (prompt > 0 || !online.levels().empty()) ? double(online.levels().size() + 1) * 7 * std::log2(double(4 * (L + tokens) + 16)) * std::sqrt(taps * inputs) : 0;
          for (Index t = 0; t < tokens; ++t) {
            double sum = double(skip.view(0, 0, h, c)) * double(x.view(b, t, h, c)), size = std::abs(sum);
            for (Index l = 0; l < std::min(L, t + 1); ++l) {
              const double term = double(k.view(0, l, h, c)) * double(x.view(b, t - l, h, c));
              sum += term, size += std::abs(term);
            }
            const double off = std::abs(double(y.view(b, t, h, c)) - sum) / (eps * (double(L + 12) * size + transforms) + 1e-300);
            if (!(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
          }
        }
    CHECK(worst <= 1);
    if (fork) {                                             // a copy goes the same way
      Buffer<T> again(N, 1, H, D);
      bool same = true;
      for (Index t = forked; t < tokens; ++t) {
        fork->step(online, in.tokens(t, 1), d, again.view());
        for (Index b = 0; b < N; ++b)
          for (Index h = 0; h < H; ++h)
            for (Index c = 0; c < D; ++c) same = same && same_bits(again.view()(b, 0, h, c), y.view(b, t, h, c));
      }
      CHECK(same);
    }
  }
}

}  // namespace

TEST_CASE("an online convolution is the convolution, token by token", "[convolution]") {
  check<float>(100, Latency::relaxed), check<double>(200, Latency::relaxed);
  check<float>(300, Latency::bounded), check<double>(400, Latency::bounded);
}

TEST_CASE("an online convolution refuses what does not fit", "[convolution]") {
  Buffer<float> k(1, 5, 1, 3), x(2, 4, 1, 3), y(2, 4, 1, 3);
  const OnlineKernel<float> kernel(std::as_const(k).view());
  CHECK_THROWS_AS((OnlineKernel<float>(std::as_const(k).view(), {.direct = 0})), OptionError);
  OnlineConvolution<float> state(kernel, 2);
  const ConvolutionPlan<float> plan(std::as_const(k).view()), other(std::as_const(k).view().tokens(0, 4));
  CHECK_THROWS_AS(state.prefill(exec::seq, kernel, other, std::as_const(x).view(), View<const float>{}, y.view()), ShapeError);
  Buffer<float> narrow(1, 5, 1, 2);
  CHECK_THROWS_AS(state.prefill(exec::seq, kernel, ConvolutionPlan<float>(std::as_const(narrow).view()), std::as_const(x).view(), View<const float>{}, y.view()), ShapeError);
  CHECK(state.position() == 0);
  state.prefill(exec::seq, kernel, plan, std::as_const(x).view(), View<const float>{}, y.view());
  CHECK_THROWS_AS(state.prefill(exec::seq, kernel, plan, std::as_const(x).view(), View<const float>{}, y.view()), OptionError);
}
