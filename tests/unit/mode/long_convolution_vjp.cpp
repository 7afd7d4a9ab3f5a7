// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/long_convolution_vjp.hpp>

#include "support/catch.hpp"
#include "support/long_convolution.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

// Every gradient by its sum over the tokens, with the size of its terms and the product of the norms that a transform errs by.
struct Sum {
  double value = 0, size = 0, norms = 0;
  void add(double a, double b) { value += a * b, size += std::abs(a * b); }
};

template <class T> struct Gradients {
  Guarded<T> x, kernel, back, skip, initial;
  template <class S> Gradients(const LongCall<S, T>& call, Random& random)
      : x({call.batch, call.tokens, call.x_heads, 1, call.features}, any_layout(random), random), kernel({1, call.front, call.kernel_heads, 1, call.kernel_features}, any_layout(random), random),
        back({1, call.back, call.kernel_heads, 1, call.kernel_features}, any_layout(random), random), skip({1, 1, call.heads, 1, call.features}, any_layout(random), random),
        initial({call.sequences, 1, call.heads, call.past, call.features}, Layout::rows, random) {}
  LongConvolutionGradients<T> views(bool repeats) const {
    LongConvolutionGradients<T> v{x.view, kernel.view, back.view, skip.view};
    if (repeats) v.kernel.stride[4] = v.back.stride[4] = 0;
    return v;
  }
};

template <class T> void check(std::uint64_t seed) {
  for (int n = 0; n < 60; ++n) {
    Random random(seed + std::uint64_t(n));
    const LongCall<T> call(typename LongCall<T>::Kind(n % 3), random, n % 4 == 0);
    const Guarded<T> y_bar({call.batch, call.tokens, call.heads, 1, call.features}, any_layout(random), random), final_bar({call.sequences, 1, call.heads, call.past, call.features}, Layout::rows, random);
    fill_normal(y_bar, random), fill_normal(final_bar, random);
    const bool has_final = random.one_in(2);
    const auto times = call.timelines();

    // The definition, per channel; what shares a view is added up.
    const auto x_at = [&](Index b, Index t, Index h, Index c) { return to_size(((b * call.tokens + t) * call.x_heads + h / (call.heads / call.x_heads)) * call.features + c); };
    const auto tap_at = [&](Index l, Index h, Index c) { return to_size(((l + call.back) * call.kernel_heads + h / (call.heads / call.kernel_heads)) * call.kernel_features + (call.kernel_features == 1 ? 0 : c)); };
    const auto state_at = [&](Index s, Index h, Index r, Index c) { return to_size(((s * call.heads + h) * call.past + r) * call.features + c); };
    std::vector<Sum> of_x(to_size(call.batch * call.tokens * call.x_heads * call.features)), of_taps(to_size((call.front + call.back) * call.kernel_heads * call.kernel_features)),
        of_skip(to_size(call.heads * call.features)), of_initial(to_size(call.sequences * call.heads * call.past * call.features));
    for (Index s = 0; s < call.sequences; ++s)
      for (Index h = 0; h < call.heads; ++h)
        for (Index c = 0; c < call.features; ++c) {
          const auto& time = times[to_size(s)];
          const Index length = Index(time.size());
          const auto bar = [&](Index j) { return double(y_bar.view.at(time[to_size(j)].first, time[to_size(j)].second, h, 0, c)); };
          double bars = 0;
          for (Index j = 0; j < length; ++j) bars += bar(j) * bar(j);
          bars = std::sqrt(bars);
          const double of_pull = bars * call.norm_of_taps(h, c), of_sums = bars * call.norm_of_inputs(time, s, h, c);
          const auto to = [&](Index j) -> Sum& { return j >= 0 ? of_x[x_at(time[to_size(j)].first, time[to_size(j)].second, h, c)] : of_initial[state_at(s, h, call.past + j, c)]; };
          for (Index j = 0; j < length; ++j) {
            for (Index l = -call.back; l < call.front; ++l) {
              if (j - l < length && j - l >= -call.past) to(j - l).add(bar(j), call.tap(l, h, c));
              of_taps[tap_at(l, h, c)].add(bar(j), call.input(time, s, j - l, h, c));
            }
            if (call.has_skip) to(j).add(bar(j), number(call.skips(), call.heads, 0, 0, h, 0, c));
            of_skip[to_size(h * call.features + c)].add(bar(j), call.input(time, s, j, h, c));
          }
          for (Index j = -call.past; j < length; ++j) {
            to(j).norms += of_pull;
            if (has_final && j >= length - call.past) to(j).add(1, double(final_bar.view.at(s, 0, h, j - length + call.past, c)));
          }
          for (Index l = -call.back; l < call.front; ++l) of_taps[tap_at(l, h, c)].norms += of_sums;
        }

    for (const auto& [form, block] : {std::pair{ConvolutionForm::automatic, Index(0)}, {ConvolutionForm::direct, Index(0)}, {ConvolutionForm::fourier, Index(0)}, {ConvolutionForm::fourier, Index(5)}}) {
      INFO("seed " << seed + std::uint64_t(n) << ", form " << int(form) << ", block " << block << ": " << call.text());
      const auto plan = call.plan(form, block);
      const Gradients<T> given(call, random), again(call, random);
      const auto run = [&](const auto& exec, const Gradients<T>& to) {
        ConvolutionCotangents<T> states{.final = has_final ? View<const T>(final_bar.view) : View<const T>{}, .initial = to.initial.view};
        long_convolution_vjp(exec, plan, View<const T>(call.x.view), call.skips(), y_bar.view, to.views(call.kernel_features == 1), call.options, states);
      };
      run(exec::seq, given), run(exec::Par{3}, again);
      const double cost = plan.toeplitz().is_direct() ? 0 : fourier_cost(plan.toeplitz());
      double worst = 0;
      const auto take = [&](const T& x, const Sum& right, Index terms) {
        const double off = std::abs(double(x) - right.value), bound = direct_cost<T>(terms) * right.size + cost * right.norms;
        if (const double ratio = off == 0 ? 0 : off / bound; !(ratio <= worst)) worst = std::isnan(ratio) ? HUGE_VAL : ratio;
      };
      const Index terms = call.front + call.back + call.heads, block_of = std::min(plan.toeplitz().block(), call.tokens) + call.heads;
      std::vector<bool> seen(of_x.size());
      for (const auto& time : times)
        for (const auto& [b, t] : time)
          for (Index h = 0; h < call.heads; ++h)
            for (Index c = 0; c < call.features; ++c) take(given.x.view.at(b, t, h / (call.heads / call.x_heads), 0, c), of_x[x_at(b, t, h, c)], terms), seen[x_at(b, t, h, c)] = true;
      for (Index b = 0; b < call.batch; ++b)
        for (Index t = 0; t < call.tokens; ++t)
          for (Index h = 0; h < call.x_heads; ++h)
            for (Index c = 0; c < call.features; ++c)
              if (!seen[x_at(b, t, h * (call.heads / call.x_heads), c)]) take(given.x.view.at(b, t, h, 0, c), Sum{}, 1);   // padding gets 0
      for (Index h = 0; h < call.heads; ++h)
        for (Index c = 0; c < call.features; ++c) {
          const Index kh = h / (call.heads / call.kernel_heads), kc = call.kernel_features == 1 ? 0 : c;
          for (Index l = 0; l < call.front; ++l) take(given.kernel.view.at(0, l, kh, 0, kc), of_taps[tap_at(l, h, c)], block_of);
          for (Index l = 0; l < call.back; ++l) take(given.back.view.at(0, l, kh, 0, kc), of_taps[tap_at(-l - 1, h, c)], block_of);
          take(given.skip.view.at(0, 0, h, 0, c), of_skip[to_size(h * call.features + c)], 1);
          for (Index s = 0; s < call.sequences; ++s)
            for (Index r = 0; r < call.past; ++r) take(given.initial.view.at(s, 0, h, r, c), of_initial[state_at(s, h, r, c)], terms);
        }
      CHECK(worst <= 1);
      bool same = true, slack = true;
      for (const auto member : {&Gradients<T>::x, &Gradients<T>::kernel, &Gradients<T>::back, &Gradients<T>::skip, &Gradients<T>::initial}) {
        std::vector<const T*> of;
        (again.*member).each([&](const T& v) { of.push_back(&v); });
        std::size_t at = 0;
        (given.*member).each([&](const T& v) { same = same && same_bits(v, *of[at++]); });
        slack = slack && (given.*member).slack_is_untouched();
      }
      CHECK(same);
      CHECK(slack);
      // The final state's cotangent and the initial one's may be one memory.
      if (has_final && call.past > 0) {
        const Guarded<T> both({call.sequences, 1, call.heads, call.past, call.features}, Layout::rows, random);
        for (Index s = 0; s < call.sequences; ++s)
          for (Index h = 0; h < call.heads; ++h)
            for (Index r = 0; r < call.past; ++r)
              for (Index c = 0; c < call.features; ++c) both.view.at(s, 0, h, r, c) = final_bar.view.at(s, 0, h, r, c);
        long_convolution_vjp(exec::seq, plan, View<const T>(call.x.view), call.skips(), y_bar.view, LongConvolutionGradients<T>{.x = given.x.view}, call.options, {.final = both.view, .initial = both.view});
        bool in_place = true;
        for (Index s = 0; s < call.sequences; ++s)
          for (Index h = 0; h < call.heads; ++h)
            for (Index r = 0; r < call.past; ++r)
              for (Index c = 0; c < call.features; ++c) in_place = in_place && same_bits(both.view.at(s, 0, h, r, c), given.initial.view.at(s, 0, h, r, c));
        CHECK(in_place);
      }
    }
  }
}

}  // namespace

TEST_CASE("gradients of a long convolution have the values of their sums", "[convolution]") {
  check<float>(100), check<double>(200);
}
