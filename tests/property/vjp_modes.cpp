// SPDX-License-Identifier: MIT
// The adjoint of every mode against that of the definition, within the bound of support/gradient_bound.hpp.
#include "support/vjp_mixers.hpp"

#include <lcsm/mode/chunkwise_vjp.hpp>

using namespace lcsm::test;
using namespace lcsm::test::vjp_mixers;

TEMPLATE_TEST_CASE("adjoints of modes", "[property]", Everything, WideBonus, ComplexDelta, Rwkv, Means, ZeroOrderHold) { check_mode_gradients<TestType, double>(1000); }
TEMPLATE_TEST_CASE("adjoints of modes in float", "[property]", Codes, Lstm, DividedDelta) { check_mode_gradients<TestType, float>(2000); }
TEST_CASE("adjoints: no thread count changes a bit", "[property]") { check_gradient_bits<Lstm, float>(3000), check_gradient_bits<DividedDelta, float>(4000); }
TEMPLATE_TEST_CASE("adjoints: two calls are one", "[property]", ComplexDelta, Rwkv, Means, ZeroOrderHold, Codes) { check_gradients_of_two_calls<TestType>(5000); }

// A parameter of a long sequence is a sum of one number per token. Here all of them have one sign, so that a running sum in float would stop taking them in: it
// would be wrong by a part in hundreds.
TEST_CASE("gradients of parameters over many tokens", "[property]") {
  using namespace lcsm;
  struct Ema : Mixer<Stage<FactorTerm<Learned<in::b>>>, Stage<LogTerm<Learned<in::w, Axes::key, map::NegExp>>>, shrink::Learned<>> {};
  using Views = lcsm::test::Inputs<float>;
  const Index tokens = 200001;
  std::vector<float> v(std::size_t(tokens), 1.0f), y_bar(v), parameters{0.5f, -0.3f, 0.7f};
  for (std::size_t t = 0; t < v.size(); ++t) v[t] = 1.0f + 0.5f * float(t % 7) / 7, y_bar[t] = 1.0f + 0.5f * float(t % 11) / 11;
  Views in{};
  in.v = lcsm::view(std::as_const(v).data(), 1, tokens, 1, 1);
  in.b = parameter(std::as_const(parameters).data(), 1, 1), in.w = parameter(std::as_const(parameters).data() + 1, 1, 1), in.q = parameter(std::as_const(parameters).data() + 2, 1, 1);
  const View<const float> bar = lcsm::view(std::as_const(y_bar).data(), 1, tokens, 1, 1);
  double right[3] = {};
  const auto gradients = []<class T>(T* to) {
    GradientViews<T> views{};
    views.q = parameter(to, 1, 1), views.b = parameter(to + 1, 1, 1), views.w = parameter(to + 2, 1, 1);
    return views;
  };
  reference_vjp(Ema{}, in, bar, gradients(right));
  const auto check = [&](const char* mode, auto&& run) {
    INFO(mode);
    float given[3] = {};
    run(gradients(given));
    // Each term errs by some roundings for each of the few tokens that the decay remembers.
    for (int n = 0; n < 3; ++n) CHECK(std::abs(double(given[n]) - right[n]) <= 64 * double(std::numeric_limits<float>::epsilon()) * std::abs(right[n]));
  };
  check("recurrent", [&](const auto& grads) { recurrent_vjp(exec::seq, Ema{}, in, bar, grads); });
  Options<float> split;
  split.tuning.scan_units = 1000;
  check("scan", [&](const auto& grads) { scan_vjp(exec::seq, Ema{}, in, bar, grads, split); });
  check("chunkwise", [&](const auto& grads) { chunkwise_vjp(exec::seq, Ema{}, in, bar, grads); });
}
