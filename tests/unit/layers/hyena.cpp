// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>

#include "support/arrange.hpp"
#include "support/catch.hpp"
#include "unit/layers/hyena.hpp"

#include <algorithm>
#include <deque>
#include <string>

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr exec::Par one_thread{1};                          // one type of policy: everything is compiled once

template <class T> bool same(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const T& x, const T& y) { return same_bits(x, y); });
}
template <class T> struct Result {
  Buffer<T> y;
  typename HyenaCall<T>::State after;
  template <class Exec> Result(const Exec& exec, const HyenaCall<T>& call, const HyenaPlan<T>& plan) : y(call.batch, call.tokens, 1, call.features), after(call.state()) {
    y.fill(T(77));
    HyenaOptions<T> options = call.options();
    options.final = after.views(call.window > 0);
    hyena(exec, plan, call.parameters(), call.u.view(), y.view(), options);
  }
};

template <class T> void check(std::uint64_t seed) {
  for (int n = 0; n < 90; ++n) {
    Random random(seed + std::uint64_t(n));
    const HyenaCall<T> call(typename HyenaCall<T>::Kind(n % 3), random);
    INFO("seed " << seed + std::uint64_t(n) << ", order " << call.order << ", tokens " << call.tokens << ", taps " << call.taps << ", window " << call.window);
    const auto defined = call.defined();
    for (const ConvolutionForm form : {ConvolutionForm::direct, ConvolutionForm::fourier}) {
      const HyenaPlan<T> plan = call.plan(form);
      const Result<T> given(one_thread, call, plan), again(exec::Par{3}, call, plan);
      const auto worst = [&](const Buffer<T>& ours, const std::vector<typename HyenaCall<T>::Number>& want) {
        double most = 0;
        for (std::size_t at = 0; at < want.size(); ++at)
          if (const double off = std::abs(double(ours[Index(at)]) - double(want[at].x)), x = off == 0 ? 0 : off / call.bound(want[at], plan); !(x <= most)) most = std::isnan(x) ? HUGE_VAL : x;
        return most;
      };
      CHECK(worst(given.y, defined.y) <= 1);
      CHECK(worst(given.after.inputs, defined.inputs) <= 1);
      if (call.window > 0) CHECK(worst(given.after.window, defined.window) == 0);
      CHECK(same(given.y, again.y));
      CHECK(same(given.after.inputs, again.after.inputs));
    }
  }
}

}  // namespace

TEST_CASE("Hyena: its products and sums, packed, masked, in reverse, from states", "[layers]") {
  check<double>(100);
#ifdef LCSM_LONG_TESTS
  check<float>(500);
#endif
}

TEST_CASE("Hyena: a prompt, then token by token", "[layers]") {
  for (int n = 0; n < 12; ++n) {
    Random random(900 + std::uint64_t(n));
    HyenaCall<double> call(HyenaCall<double>::plain, random);
    call.direction = Direction::forward;
    const HyenaPlan<double> plan = call.plan(ConvolutionForm::direct);
    const Result<double> whole(one_thread, call, plan);
    auto state = call.state();
    Buffer<double> y(call.batch, call.tokens, 1, call.features);
    const auto part = [&](Index first, Index count, const HyenaStates<const double>& initial) {
      const View<const double> u = call.u.view();
      hyena(one_thread, plan, call.parameters(), u.tokens(first, count), y.view().tokens(first, count), {.initial = initial, .final = state.views(call.window > 0)});
    };
    const Index prompt = call.tokens / 2;
    part(0, prompt, call.before());
    const auto views = state.views(call.window > 0);
    for (Index t = prompt; t < call.tokens; ++t) part(t, 1, {.window = views.window, .inputs = views.inputs});
    CHECK(same(y, whole.y));
    CHECK(same(state.inputs, whole.after.inputs));
  }
}

TEST_CASE("Hyena: the published operator", "[layers]") {
  const Golden file(golden_path("hyena"));
  REQUIRE(file.cases().size() == 2);
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const Index L = c.size("L"), D = c.size("D"), order = c.size("order");
    std::deque<Array> arrays;
    const auto array = [&](const char* role, const std::string& name, const char* axes) { return arrange(arrays.emplace_back(file.array(c.name, role, name)), axes); };
    const auto par = [&](const char* name, const char* axes) { return array("par", name, axes); };
    const auto split = [&](View<const double> v, std::size_t axis) { // channels h D + d, as D of each head h
      v.stride[2] = D * v.stride[axis], v.extent[2] = v.extent[axis] / D, v.extent[axis] = D;
      return v;
    };
    const View<const double> kernel = split(array("chunk", "kernel", "tf"), 4), x = array("in", "x", "btf"), y = array("out", "y", "btf");
    const HyenaMaps<const double> maps{.in = par("in_proj.weight", "rf"), .in_bias = par("in_proj.bias", "f"), .out = par("out_proj.weight", "rf"), .out_bias = par("out_proj.bias", "f")};
    View<const double> weight = par("short_filter.weight", "rhf");   // [channel, 1, tap]
    const HyenaParameters<const double> parameters{.skip = split(par("filter_fn.bias", "f"), 4), .weight = split(weight, 3), .bias = split(par("short_filter.bias", "f"), 4)};
    Buffer<double> own(x.batch(), L, 1, D);
    for (const ConvolutionForm form : {ConvolutionForm::automatic, ConvolutionForm::direct, ConvolutionForm::fourier}) {
      const HyenaPlan<double> plan(kernel, L, form);
      REQUIRE(plan.order() == order);
      hyena_operator(one_thread, plan, maps, parameters, x, own.view());
      CHECK(relative_error(own.view(), y) <= 1e-14);
    }
    // Padding in front, of NaN, writes 0 and changes nothing.
    Buffer<double> late(x.batch(), L + 2, 1, D), out(x.batch(), L + 2, 1, D);
    Buffer<std::uint8_t> mask(1, L + 2, 1, 1);
    late.fill(std::numeric_limits<double>::quiet_NaN()), mask.fill(1), mask[0] = mask[1] = 0;
    for (Index b = 0; b < x.batch(); ++b)
      for (Index t = 0; t < L; ++t)
        for (Index d = 0; d < D; ++d) late.view()(b, t + 2, 0, d) = x(b, t, 0, d);
    View<const std::uint8_t> for_all = mask.view();
    for_all.stride[0] = 0;
    hyena_operator(one_thread, HyenaPlan<double>(kernel, L), maps, parameters, late.view(), out.view(), {.mask = for_all});
    CHECK(relative_error(out.view().tokens(2, L), y) <= 1e-14);
    CHECK(std::all_of(out.begin(), out.begin() + 2 * D, [](double v) { return v == 0; }));
  }
}

TEST_CASE("Hyena: what does not fit is named at the door, and nothing is written", "[layers]") {
  const Index B = 2, T = 5, N = 3, D = 4, L = 6, W = 3;
  Buffer<double> u(B, T, N + 1, D), kernel(1, L, N - 1, D), skip(1, 1, N - 1, D), weight(1, 1, N + 1, D, W), bias(1, 1, N + 1, D), y(B, T, 1, D), window(B, 1, N + 1, W - 1, D), inputs(B, 1, N - 1, L - 1, D);
  y.fill(7), window.fill(7), inputs.fill(7);
  const HyenaPlan<double> plan(kernel.view());
  struct Bad { HyenaParameters<const double> p; View<double> u, y; HyenaOptions<double> options; };
  const auto refused = [&](const std::string& argument, const std::string& expected, const std::string& given, auto&& spoil) {
    Bad bad{{.skip = skip, .weight = weight, .bias = bias}, u.view(), y.view(), {.final = {.window = window.view(), .inputs = inputs.view()}}};
    spoil(bad);
    std::string text = "nothing was thrown";
    try {
      hyena(one_thread, plan, bad.p, bad.u, bad.y, bad.options);
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text == "lcsm::hyena: argument '" + argument + "': expected " + expected + ", given " + given);
  };
  refused("u", "head extent 4", "3", [](Bad& b) { b.u = b.u.heads(0, 3); });
  refused("u", "time extent 5", "4", [](Bad& b) { b.u = b.u.tokens(0, 4); });
  refused("y", "feature extent 4", "3", [](Bad& b) { b.y = b.y.features(0, 3); });
  refused("skip", "head extent 2", "3", [&](Bad& b) { b.p.skip = View<const double>(bias.view()).heads(0, 3); });
  refused("weight", "row extent 4", "3", [](Bad& b) { b.p.weight = b.p.weight.rows(0, 3); });
  refused("bias", "none, as there is no short convolution", "one", [](Bad& b) { b.p.weight = {}; });
  refused("final.window", "none, as there is no short convolution", "one", [](Bad& b) { b.p.weight = {}, b.p.bias = {}; });
  refused("options.final.inputs", "row extent 5", "4", [](Bad& b) { b.options.final.inputs = b.options.final.inputs.rows(0, 4); });
  refused("options.final.window", "batch extent 2", "1", [](Bad& b) { b.options.final.window = b.options.final.window.batches(0, 1); });
  CHECK_THROWS_AS(HyenaPlan<double>(kernel.view().heads(0, 0)), ShapeError);
  for (const Buffer<double>* b : {&y, &window, &inputs}) CHECK(std::all_of(b->begin(), b->end(), [](double v) { return v == 7; }));
}
