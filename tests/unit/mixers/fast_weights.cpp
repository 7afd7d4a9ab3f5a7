// SPDX-License-Identifier: MIT
#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mode/chunkwise.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

namespace {
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
}

TEST_CASE("decaying fast weights on sines and cosines", "[mixers]") {
  double q[8], k[8], v[8], g[8], f[8], y[8];
  for (int t = 1; t <= 4; ++t)
    for (int a = 0; a < 2; ++a) {
      const int n = 2 * (t - 1) + a;
      q[n] = std::sin(0.7 * t + 1.3 * a), k[n] = std::cos(0.5 * t - 0.9 * a), v[n] = std::sin(0.3 * t + 0.8 * a);
      g[n] = std::cos(0.4 * t + 1.1 * a), f[n] = -g[n];
    }
  const double want[] = {0.414577200724,  1.250250386507, 0.613718353283,  1.327635970896, -0.062978954651, 0.064640355436, -0.551228684719, -0.599612740281};
  const double memory[] = {-0.352083109122, -0.239693261196, 0.529508902833, 0.634648496317};
  const auto s = [](const double* x) { return view(x, 1, 4, 1, 2); };
  State<DecayingFastWeights, double> state(1, 1, 2, 2);
  reference(DecayingFastWeights{}, DecayingFastWeights::In<const double>{.q = s(q), .k = s(k), .v = s(v), .g = s(g), .f = s(f)}, view(y, 1, 4, 1, 2),
            Options<double>{.final = state});
  for (int n = 0; n < 8; ++n) CHECK(std::abs(y[n] - want[n]) < 1e-12);      // printed to 12 digits
  for (int n = 0; n < 4; ++n) CHECK(std::abs(state.view().m.at(0, 0, 0, n / 2, n % 2) - memory[n]) < 1e-12);
}

TEST_CASE("decaying and gated fast weights are the published loop, with closed gates and open ones", "[mixers]") {
  constexpr Index T = 50, K = 3, D = 4;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> q, k, v, g, f, log_g, log_f;
  for (Index n = 0; n < T * K; ++n) q.push_back(std::sin(double(n) + 1)), k.push_back(std::cos(2 * double(n))), g.push_back(3 * std::sin(5.0 * double(n)));
  for (Index n = 0; n < T * D; ++n) v.push_back(std::sin(3 * double(n) + 1)), f.push_back(3 * std::cos(7.0 * double(n)));
  g[20 * K] = -infinity, f[30 * D + 1] = -infinity, g[33 * K + 2] = infinity;
  for (const double x : g) log_g.push_back(-std::log1p(std::exp(-x)));
  for (const double x : f) log_f.push_back(-std::log1p(std::exp(-x)));
  // state [D, K], multiplied by the outer product of the gates.
  std::vector<double> want, state(to_size(D * K));
  for (Index t = 0; t < T; ++t)
    for (Index c = 0; c < D; ++c) {
      double out = 0;
      for (Index a = 0; a < K; ++a) {
        double& x = state[to_size(c * K + a)];
        x = x * (sigmoid(f[to_size(t * D + c)]) * sigmoid(g[to_size(t * K + a)])) + v[to_size(t * D + c)] * k[to_size(t * K + a)];
        out += x * q[to_size(t * K + a)];
      }
      want.push_back(out);
    }
  const auto s = [](const std::vector<double>& x, Index width) { return view(x.data(), 1, T, 1, width); };
  Buffer<double> y(1, T, 1, D), z(1, T, 1, D);
  const DecayingFastWeights::In<const double> in{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(g, K), .f = s(f, D)};
  reference(DecayingFastWeights{}, in, y.view());
  chunkwise(exec::seq, DecayingFastWeights{}, in, z.view());
  for (Index n = 0; n < T * D; ++n) {
    CHECK(std::abs(y[n] - want[to_size(n)]) < 1e-15 * K * T);
    CHECK(std::abs(z[n] - want[to_size(n)]) < 1e-15 * K * T);
  }
  reference(GatedFastWeights{}, GatedFastWeights::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(log_g, K), .f = s(log_f, D)}, z.view());
  for (Index n = 0; n < T * D; ++n) CHECK(std::abs(z[n] - want[to_size(n)]) < 1e-15 * K * T);
}

TEST_CASE("gate biases are uniform after their sigmoid", "[mixers]") {
  init::Generator rng(7);
  double low = 1, high = 0, mean = 0;
  for (int n = 0; n < 4000; ++n) {
    const double u = sigmoid(uniform_gate_bias(rng, 64));
    low = std::min(low, u), high = std::max(high, u), mean += u / 4000;
  }
  CHECK(low >= 1.0 / 64 - 1e-15);
  CHECK(high <= 63.0 / 64 + 1e-15);
  CHECK(low < 1.0 / 64 + 0.01);
  CHECK(high > 63.0 / 64 - 0.01);
  CHECK(std::abs(mean - 0.5) < 5 * 0.29 / std::sqrt(4000.0));               // five deviations of the mean
  CHECK(uniform_gate_bias(rng, 1) == 0);
}
