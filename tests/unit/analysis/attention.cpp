// SPDX-License-Identifier: MIT
// Attention belongs to the family: its coefficients from the row, and by impulses through attend over a cache.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/analysis/attention.hpp>

namespace lcsm {
namespace {

// A logit is a sum of K products and a bias, phi rounds its value by at most 8 units and passes an error on by its slope, and a divisor, at least 1, is a sum of T of them.
template <class W> void check(double slope, const AttentionOptions& options = {}, Index bias = 0) {
  INFO(W::name);
  const Index tokens = 11, keys = 5;
  test::Random random(7);
  const auto numbers = [&](Index heads, Index features) {
    Buffer<double> x(2, tokens, heads, features);
    for (double& v : x) v = random.uniform(-2, 2);
    return x;
  };
  const Buffer<double> q = numbers(4, keys), k = numbers(2, keys), v = numbers(2, 3), b = numbers(4, 2 * bias + 1);
  typename Attention<W>::template In<const double> in{.q = q, .k = k, .v = v};
  if (bias > 0) in.bias = b;
  const analysis::Which which{.batch = 1, .head = 2};
  const analysis::Dynamics d = analysis::dynamics(Attention<W>{}, in, which, options);
  const analysis::Coefficients expected = analysis::coefficients(d), impulses = analysis::coefficients_by_impulse(Attention<W>{}, in, which, options);
  Buffer<double> matrix(2, tokens, 4, tokens);
  attention_matrix(exec::seq, Attention<W>{}, in, matrix.view(), options);
  double logit = 0, weight = 1;
  for (Index i = 0; i < tokens; ++i)
    for (Index j = 0; j <= i; ++j) {
      double sum = 2;
      for (Index a = 0; a < keys; ++a) sum += std::abs(d.read[d.at(i, 0) + to_size(a)] * d.write[d.at(j, 0) + to_size(a)]);
      logit = std::max(logit, sum), weight = std::max(weight, std::abs(expected.at(i, j)));
    }
  const double allowed = double(1 + tokens) * std::numeric_limits<double>::epsilon() * (double(keys + 8) * logit * slope + 8 * weight);
  double largest = 0;
  for (Index i = 0; i < tokens; ++i)
    for (Index j = 0; j < tokens; ++j) {
      CHECK(std::abs(expected.at(i, j) - impulses.at(i, j)) <= allowed);
      CHECK(std::abs(expected.at(i, j) - matrix.view()(1, i, 2, j)) <= allowed);
      largest = std::max(largest, std::abs(expected.at(i, j)));
    }
  CHECK(largest > 0.05);
  CHECK(d.normaliser == (W::sum == weight::Sum::exact ? analysis::Eta::row_sum : W::sum == weight::Sum::bounded ? analysis::Eta::bounded_row_sum : analysis::Eta::one));
  CHECK_FALSE(d.finite_state);
}

}  // namespace
}  // namespace lcsm

TEST_CASE("attention: coefficients by impulses over a cache and from the row agree", "[analysis]") {
  using namespace lcsm;
  check<weight::Softmax>(1), check<weight::Softmax>(1, {.window = 4}, 3);
  check<weight::Sigmoid>(0.25), check<weight::Relu>(1), check<weight::Normalised>(1, {.scale = 1});
  check<weight::Laplace>(1.5, {.by_visible = true}), check<weight::SquaredRelu>(20, {}, 1);
  const Buffer<double> x(1, 4, 1, 2);
  CHECK_THROWS_AS(analysis::dynamics(SoftmaxAttention{}, SoftmaxAttention::In<const double>{.q = x, .k = x, .v = x}, {}, {.causal = false}), OptionError);
}
