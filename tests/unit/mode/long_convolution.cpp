// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/long_convolution.hpp>

#include "support/catch.hpp"
#include "support/long_convolution.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

template <class S, class T> struct Result {
  Guarded<S> y;
  Guarded<T> final;
  Result(const LongCall<S, T>& call, Random& random)
      : y({call.batch, call.tokens, call.heads, 1, call.features}, call.layout, random), final({call.sequences, 1, call.heads, call.past, call.features}, Layout::rows, random) {}
  bool same_bits_as(const Result& other) const {
    bool same = true;
    for_both(y, other.y, [&](const S& a, const S& b) { same = same && same_bits(a, b); });
    for_both(final, other.final, [&](const T& a, const T& b) { same = same && same_bits(a, b); });
    return same;
  }
  template <class E, class F> static void for_both(const Guarded<E>& a, const Guarded<E>& b, F&& f) {
    std::vector<const E*> of;
    b.each([&](const E& x) { of.push_back(&x); });
    std::size_t n = 0;
    a.each([&](const E& x) { f(x, *of[n++]); });
  }
};

template <class S, class T, class Exec> void run(const Exec& exec, const LongCall<S, T>& call, const ConvolutionPlan<T>& plan, const Result<S, T>& to) {
  ConvolutionOptions<T> options = call.options;
  options.final = to.final.view;
  long_convolution(exec, plan, View<const S>(call.x.view), call.skips(), to.y.view, options);
}

// Largest error over its bound; final states are the inputs themselves.
template <class S, class T> double worst(const LongCall<S, T>& call, const ConvolutionPlan<T>& plan, const Result<S, T>& given) {
  double most = 0;
  const auto take = [&](double off, double bound) {
    if (const double x = off == 0 ? 0 : off / bound; !(x <= most)) most = std::isnan(x) ? HUGE_VAL : x;
  };
  const auto times = call.timelines();
  const double storage = sizeof(S) == 2 ? 0x1p-8 : sizeof(S) < sizeof(T) ? 0x1p-24 : 0;
  for (Index n = 0; n < call.sequences; ++n)
    for (Index h = 0; h < call.heads; ++h)
      for (Index c = 0; c < call.features; ++c) {
        const auto& time = times[to_size(n)];
        const double norms = plan.toeplitz().is_direct() ? 0 : fourier_cost(plan.toeplitz()) * call.norm_of_taps(h, c) * call.norm_of_inputs(time, n, h, c);
        for (Index j = 0; j < Index(time.size()); ++j) {
          const double d = call.has_skip ? number(call.skips(), call.heads, 0, 0, h, 0, c) : 0;
          double sum = d * call.input(time, n, j, h, c), size = std::abs(sum);
          for (Index l = -call.back; l < call.front; ++l) {
            const double term = call.tap(l, h, c) * call.input(time, n, j - l, h, c);
            sum += term, size += std::abs(term);
          }
          const double y = number(View<const S>(given.y.view), call.heads, time[to_size(j)].first, time[to_size(j)].second, h, 0, c);
          take(std::abs(y - sum), direct_cost<T>(call.front + call.back) * size + norms + storage * std::abs(sum));
        }
        for (Index r = 0; r < call.past; ++r)
          take(std::abs(double(given.final.view.at(n, 0, h, r, c)) - call.input(time, n, Index(time.size()) - call.past + r, h, c)), 0);
      }
  for (Index b = 0; b < call.batch && !call.mask.empty(); ++b)
    for (Index t = 0; t < call.tokens; ++t)
      if (call.mask[to_size(b * call.tokens + t)] == 0)
        for (Index h = 0; h < call.heads; ++h)
          for (Index c = 0; c < call.features; ++c) take(std::abs(number(View<const S>(given.y.view), call.heads, b, t, h, 0, c)), 0);
  return most;
}

template <class S, class T> void check(std::uint64_t seed) {
  for (int n = 0; n < 60; ++n) {
    Random random(seed + std::uint64_t(n));
    const LongCall<S, T> call(typename LongCall<S, T>::Kind(n % 3), random, n % 4 == 0);
    for (const auto& [form, block] : {std::pair{ConvolutionForm::automatic, Index(0)}, {ConvolutionForm::direct, Index(0)}, {ConvolutionForm::fourier, Index(0)}, {ConvolutionForm::fourier, Index(5)}}) {
      INFO("seed " << seed + std::uint64_t(n) << ", form " << int(form) << ", block " << block << ": " << call.text());
      const auto plan = call.plan(form, block);
      const Result<S, T> given(call, random), again(call, random);
      run(exec::seq, call, plan, given);
      CHECK(worst(call, plan, given) <= 1);
      CHECK(given.y.slack_is_untouched());
      CHECK(given.final.slack_is_untouched());
      run(exec::Par{3}, call, plan, again);
      CHECK(given.same_bits_as(again));
    }
  }
}

}  // namespace

TEST_CASE("a long convolution has the values of its sum", "[convolution]") {
  check<float, float>(100), check<double, double>(200);
#ifdef LCSM_LONG_TESTS
  check<float, double>(300), check<Bfloat16, float>(400);
#endif
}

// A tail that is a millionth of the first taps would drown in a transform of all of them: its part of the output is smaller than a rounding of their norm.
TEST_CASE("a long convolution of large dynamic range keeps its tail", "[convolution]") {
  const Index L = 2000, T_ = 3000, D = 9;
  Random random(5);
  const Guarded<float> x({1, T_, 1, 1, D}, Layout::dense, random), k({1, L, 1, 1, D}, Layout::dense, random), y({1, T_, 1, 1, D}, Layout::dense, random);
  fill_normal(x, random), fill_normal(k, random);
  for (Index c = 0; c < D; ++c) {
    for (Index l = 0; l < L; ++l) k.view(0, l, 0, c) *= l == 0 ? 1e3f : 1e-6f;
    for (Index t = 0; t < T_; t += 1) if (t >= 1000) x.view(0, t, 0, c) = 0;       // from here on there is nothing but the tail
  }
  const ConvolutionPlan<float> plan(View<const float>(k.view), {.tokens = T_, .form = ConvolutionForm::fourier});
  CHECK(plan.toeplitz().head() > 0);
  long_convolution(exec::seq, plan, View<const float>(x.view), View<const float>{}, y.view);
  double worst = 0;
  for (Index c = 0; c < D; ++c) {
    double taps = 0, inputs = 0;
    for (Index l = plan.toeplitz().head(); l < L; ++l) taps += std::pow(double(k.view(0, l, 0, c)), 2);
    for (Index t = 0; t < T_; ++t) inputs += std::pow(double(x.view(0, t, 0, c)), 2);
    for (Index t = 1032; t < T_; ++t) {
      double sum = 0, near = 0;
      for (Index l = 0; l < std::min(L, t + 1); ++l) {
        const double term = double(k.view(0, l, 0, c)) * double(x.view(0, t - l, 0, c));
        sum += term;
        if (l < plan.toeplitz().head()) near += std::abs(term);
      }
      const double bound = fourier_cost(plan.toeplitz()) * std::sqrt(taps * inputs) + direct_cost<float>(plan.toeplitz().head()) * near;
      worst = std::max(worst, std::abs(double(y.view(0, t, 0, c)) - sum) / bound);
    }
  }
  CHECK(worst <= 1);
}
