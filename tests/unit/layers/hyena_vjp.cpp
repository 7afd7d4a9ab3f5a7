// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/layers/hyena_vjp.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "unit/layers/hyena.hpp"

#include <algorithm>
#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr exec::Par one_thread{1};                          // one type of policy: everything is compiled once

// The loss weighs outputs and final states.
struct Loss {
  Buffer<double> y_bar;
  HyenaCall<double>::State final_bar;
  Loss(const HyenaCall<double>& call, Random& random) : y_bar(call.batch, call.tokens, 1, call.features), final_bar(call.state()) {
    for (Buffer<double>* x : {&y_bar, &final_bar.window, &final_bar.inputs})
      for (double& v : *x) v = random.uniform(-1, 1);
  }
  double operator()(const HyenaCall<double>& call) const {
    const auto defined = call.defined();
    const auto weighed = [](const Buffer<double>& w, const std::vector<HyenaCall<double>::Number>& x) {
      long double sum = 0;
      for (std::size_t n = 0; n < x.size(); ++n) sum += x[n].x * w[Index(n)];
      return sum;
    };
    return double(weighed(y_bar, defined.y) + weighed(final_bar.inputs, defined.inputs) + (call.window > 0 ? weighed(final_bar.window, defined.window) : 0));
  }
};
struct Bars {
  Buffer<double> u, kernel, skip, weight, bias;
  HyenaCall<double>::State before;
  template <class Exec> Bars(const Exec& exec, const HyenaCall<double>& call, const Loss& loss, ConvolutionForm form) : u(call.u), kernel(call.kernel), skip(call.skip), weight(call.weight), bias(call.bias), before(loss.final_bar) {
    for (Buffer<double>* x : {&u, &kernel, &skip, &weight, &bias}) x->fill(77);
    HyenaGradients<double> grads{.u = u, .kernel = kernel, .skip = skip};
    if (call.window > 0) grads.weight = weight, grads.bias = bias;
    const HyenaStates<double> states = before.views(call.window > 0);   // final cotangents, overwritten by initial ones
    hyena_vjp(exec, call.plan(form), call.parameters(), call.u.view(), loss.y_bar.view(), grads, call.options(), {.final = {states.window, states.inputs}, .initial = states});
  }
};

}  // namespace

TEST_CASE("Hyena's gradients are slopes, packed, masked, in reverse, from states", "[layers]") {
  for (int n = 0; n < 24; ++n) {
    Random random(700 + std::uint64_t(n));
    HyenaCall<double> call(HyenaCall<double>::Kind(n % 3), random, 9, 7);
    INFO("seed " << 700 + n << ", order " << call.order << ", tokens " << call.tokens << ", taps " << call.taps << ", window " << call.window);
    const Loss loss(call, random);
    for (const ConvolutionForm form : {ConvolutionForm::direct, ConvolutionForm::fourier}) {
      const Bars bars(one_thread, call, loss, form);
      const auto check = [&](const char* name, Buffer<double>& x, const Buffer<double>& given) {
        INFO(name);
        double worst = 0, largest = 1;
        for (Index i = 0; i < x.size(); ++i) {
          const double want = std::isnan(x[i]) ? 0 : central_difference(x[i], [&] { return loss(call); });   // padding
          largest = std::max(largest, std::abs(want));
          if (const double off = std::abs(given[i] - want); !(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
        }
        CHECK(worst <= difference_tolerance * largest);
      };
      check("u", call.u, bars.u), check("kernel", call.kernel, bars.kernel), check("skip", call.skip, bars.skip);
      if (call.window > 0) check("weight", call.weight, bars.weight), check("bias", call.bias, bars.bias);
      if (call.started) check("initial inputs", call.inputs_before, bars.before.inputs);
      if (call.started && call.window > 0) check("initial window", call.window_before, bars.before.window);
      const Bars again(exec::Par{3}, call, loss, form);
      const auto same = [](const Buffer<double>& a, const Buffer<double>& b) { return std::equal(a.begin(), a.end(), b.begin(), same_bits<double>); };
      CHECK((same(bars.u, again.u) && same(bars.kernel, again.kernel) && same(bars.weight, again.weight) && same(bars.before.inputs, again.before.inputs)));
    }
  }
}

TEST_CASE("Hyena's gradients: what does not fit is named at the door", "[layers]") {
  Random random(5);
  HyenaCall<double> call(HyenaCall<double>::plain, random, 9, 7);
  while (call.window < 2 || call.tokens < 1) call = HyenaCall<double>(HyenaCall<double>::plain, random, 9, 7);
  const Loss loss(call, random);
  Buffer<double> u = call.u, kernel = call.kernel;
  u.fill(7), kernel.fill(7);
  const auto refused = [&](const char* text, const HyenaGradients<double>& grads, const HyenaParameters<const double>& p) {
    std::string given = "nothing was thrown";
    try {
      hyena_vjp(one_thread, call.plan(ConvolutionForm::direct), p, call.u.view(), loss.y_bar.view(), grads);
    } catch (const Error& error) {
      given = error.what();
    }
    CHECK(given.starts_with(std::string("lcsm::hyena_vjp: argument '") + text));
  };
  refused("gradient of kernel': expected head extent", {.u = u, .kernel = kernel.view().heads(0, call.order - 2)}, call.parameters());
  refused("gradient of weight and bias': expected none", {.u = u, .bias = call.bias.view()}, {.skip = call.skip});
  CHECK(std::all_of(u.begin(), u.end(), [](double v) { return v == 7; }));
}
