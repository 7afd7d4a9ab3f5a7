// SPDX-License-Identifier: MIT
#include <lcsm/mixers/delta_rule.hpp>

#include "unit/mixers/dense_memory.hpp"

#include <lcsm/mode/recurrent.hpp>

using namespace lcsm;
using namespace lcsm::test;

namespace {
constexpr Index T = 21, H = 2, K = 5, D = 3;
}

TEST_CASE("DeltaNet from raw numbers is a product of dense reflections", "[mixers]") {
  init::Generator rng(3);
  const Stream q(rng, T, H, K), k(rng, T, H, K), v(rng, T, H, D), b(rng, T, H, 1, 3);
  const auto loop = [&](const View<double>& y, double factor) {
    for (Index h = 0; h < H; ++h) {
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = l2(k.row(t, h));
        const double beta = factor * sigmoid(*b.at(t, h));
        memory.step([&](std::size_t a, std::size_t c) { return unit(a, c) - beta * key[a] * key[c]; }, scaled(key, beta), v.at(t, h));
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(l2(q.row(t, h)), c) / std::sqrt(double(K));
      }
    }
  };
  agrees<DeltaNet>(DeltaNet::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .b = b.view()}, T, H, K, D,
                   [&](const View<double>& y) { loop(y, 1); });
  Buffer<double> want(1, T, H, D), y(1, T, H, D);
  loop(want.view(), 2);
  reference(DeltaNetNegative{}, DeltaNetNegative::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .b = b.view()}, y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("the kernels' arguments are the layer's after norm and sigmoid", "[mixers]") {
  init::Generator rng(4);
  Stream q(rng, T, H, K), k(rng, T, H, K), b(rng, T, H, 1);
  const Stream v(rng, T, H, D);
  Buffer<double> want(1, T, H, D), y(1, T, H, D);
  reference(DeltaNet{}, DeltaNet::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .b = b.view()}, want.view());
  for (double& x : b.x) x = sigmoid(x);
  reference(DeltaRuleNorm{}, DeltaRuleNorm::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .beta = b.view()}, y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  for (Stream* s : {&q, &k})
    for (Index t = 0; t < T; ++t)
      for (Index h = 0; h < H; ++h) {
        const Numbers row = l2(s->row(t, h));
        std::copy(row.begin(), row.end(), s->x.begin() + (t * H + h) * K);
      }
  reference(DeltaRule{}, DeltaRule::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .beta = b.view()}, y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("what a delta rule does at the ends of beta", "[mixers]") {
  const double key[] = {0.6, 0, 0.8}, query[] = {1, 2, -1};
  const auto last = [&](double beta, Index tokens, State<DeltaRule, double>& state) {
    const View<const double> k{key, {1, tokens, 1, 1, 3}, {0, 0, 0, 0, 1}}, q{query, {1, tokens, 1, 1, 3}, {0, 0, 0, 0, 1}};
    const Numbers values = {1, -2, 3, 5};
    const View<const double> v = view(values.data(), 1, tokens, 1, 1);
    double y[4];
    recurrent(exec::seq, DeltaRule{},
              DeltaRule::In<const double>{.q = q, .k = k, .v = v, .beta = {&beta, {1, tokens, 1, 1, 1}, {0, 0, 0, 0, 0}}},
              view(y, 1, tokens, 1, 1), {.initial = state.view(), .final = state.view()});
  };
  const auto along = [&](const State<DeltaRule, double>& s) {
    double sum = 0;
    for (Index a = 0; a < 3; ++a) sum += key[a] * s.view().m.at(0, 0, 0, a, 0);
    return sum;
  };
  const double eps = std::numeric_limits<double>::epsilon();
  State<DeltaRule, double> state(1, 1, 3, 1);
  const auto start = [&] { for (Index a = 0; a < 3; ++a) state.view().m.at(0, 0, 0, a, 0) = double(a + 1); };
  start(), last(0, 4, state);                               // beta 0 leaves the memory alone, to the bit
  for (Index a = 0; a < 3; ++a) CHECK(state.view().m.at(0, 0, 0, a, 0) == double(a + 1));
  start(), last(1, 4, state);                               // beta 1 keeps the newest value alone, and what the key does not see
  CHECK(std::abs(along(state) - 5) < 32 * 5 * eps);
  CHECK(state.view().m.at(0, 0, 0, 1, 0) == 2);
  start();
  const double before = along(state);
  last(2, 1, state);                                        // beta 2 reflects at the value
  CHECK(std::abs(along(state) - (2 * 1 - before)) < 32 * 5 * eps);
}

TEST_CASE("a key of zeros erases and writes nothing, normalised or not", "[mixers]") {
  const double q[] = {1, 2, 1, 2}, k[] = {0.6, 0.8, 0, 0}, v[] = {3, 7}, beta[] = {1, 1};
  double y[2];
  reference(DeltaRuleNorm{},
            DeltaRuleNorm::In<const double>{
                .q = view(q, 1, 2, 1, 2), .k = view(k, 1, 2, 1, 2), .v = view(v, 1, 2, 1, 1), .beta = view(beta, 1, 2, 1, 1)},
            view(y, 1, 2, 1, 1));
  CHECK(y[0] == y[1]);
  CHECK(y[0] > 0);
}
