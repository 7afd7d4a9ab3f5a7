// SPDX-License-Identifier: MIT
#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mode/chunkwise.hpp>

#include "unit/mixers/against_golden.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

namespace {
// As it is published: every weight split into sine and cosine of two positions, cumulative sums of both.
struct Published {
  Index T, K, D;
  std::vector<double> q, k, v;
  std::vector<double> run(Index longest) const {
    std::vector<double> y, kv(to_size(2 * K * D)), sum(to_size(2 * K)), qs(to_size(2 * K));
    for (Index t = 0; t < T; ++t) {
      const double u = std::numbers::pi / 2 * double(t + 1) / double(longest);
      for (Index a = 0; a < 2 * K; ++a) {
        const double wave = a < K ? std::sin(u) : std::cos(u), key = std::max(k[to_size(t * K + a % K)], 0.0) * wave;
        qs[to_size(a)] = std::max(q[to_size(t * K + a % K)], 0.0) * wave, sum[to_size(a)] += key;
        for (Index c = 0; c < D; ++c) kv[to_size(a * D + c)] += key * v[to_size(t * D + c)];
      }
      double below = 0;
      for (Index a = 0; a < 2 * K; ++a) below += qs[to_size(a)] * sum[to_size(a)];
      for (Index c = 0; c < D; ++c) {
        double above = 0;
        for (Index a = 0; a < 2 * K; ++a) above += qs[to_size(a)] * kv[to_size(a * D + c)];
        y.push_back(above / std::max(below, 1e-6));
      }
    }
    return y;
  }
};
Published numbers(Index T, Index K, Index D) {
  Published x{T, K, D, {}, {}, {}};
  for (Index n = 0; n < T * K; ++n) x.q.push_back(std::sin(double(n) + 1) + 0.5), x.k.push_back(std::cos(2 * double(n)) + 0.5);
  for (Index n = 0; n < T * D; ++n) x.v.push_back(std::sin(3 * double(n) + 1));
  return x;
}
CosFormer::In<const double> inputs_of(const Published& x, const double* phase, Index first, Index count) {
  return {.q = view(x.q.data(), 1, x.T, 1, x.K).tokens(first, count), .k = view(x.k.data(), 1, x.T, 1, x.K).tokens(first, count),
          .v = view(x.v.data(), 1, x.T, 1, x.D).tokens(first, count), .phase = parameter(phase, 1, 1)};
}
}  // namespace

TEST_CASE("cosFormer on sines and cosines", "[mixers]") {
  Published x{4, 2, 2, {}, {}, {}};
  for (int t = 1; t <= 4; ++t)
    for (int a = 0; a < 2; ++a)
      x.q.push_back(std::sin(0.7 * t + 1.3 * a)), x.k.push_back(std::cos(0.5 * t - 0.9 * a)), x.v.push_back(std::sin(0.3 * t + 0.8 * a));
  const double want[] = {0.295520206661, 0.891207360061, 0.417073149476, 0.933773282017, 0.437352396307, 0.936693662273, 0.467495516104, 0.945559246667};
  double phase = 0, y[8];
  initialise(CosFormer{}, {.phase = parameter(&phase, 1, 1)}, 4);
  CHECK(phase == std::numbers::pi / 8);
  reference(CosFormer{}, inputs_of(x, &phase, 0, 4), view(y, 1, 4, 1, 2));
  for (int n = 0; n < 8; ++n) CHECK(std::abs(y[n] - want[n]) < 1e-12);      // printed to 12 digits
}

TEST_CASE("cosFormer is the published split into sine and cosine, carried over a cut, too", "[mixers]") {
  constexpr Index T = 70, K = 3, D = 2;
  const Published x = numbers(T, K, D);
  double phase = 0;
  initialise(CosFormer{}, {.phase = parameter(&phase, 1, 1)}, T);
  const std::vector<double> want = x.run(T);
  Buffer<double> y(1, T, 1, D), z(1, T, 1, D);
  State<CosFormer, double> state(1, 1, K, D);
  reference(CosFormer{}, inputs_of(x, &phase, 0, T), y.view());
  chunkwise(exec::seq, CosFormer{}, inputs_of(x, &phase, 0, 41), z.view().tokens(0, 41), Options<double>{.final = state});
  chunkwise(exec::seq, CosFormer{}, inputs_of(x, &phase, 41, T - 41), z.view().tokens(41, T - 41), Options<double>{.initial = state, .final = state});
  // Denominators are at least 0.3 of the sums of moduli here; each has at most T K terms.
  for (Index n = 0; n < T * D; ++n) {
    CHECK(std::abs(y[n] - want[to_size(n)]) < 1e-15 * T * K);
    CHECK(std::abs(z[n] - want[to_size(n)]) < 1e-15 * T * K);
  }
}

TEST_CASE("cosFormer beyond its longest distance: the denominator sits on its floor, and nothing is NaN", "[mixers]") {
  // One key at the start, then none: the weight of the first token falls as a cosine and is negative after distance M.
  Published x{12, 1, 1, std::vector<double>(12, 1.0), std::vector<double>(12, -1.0), std::vector<double>(12, 3.0)};
  x.k[0] = 1;
  double phase = 0, y[12];
  initialise(CosFormer{}, {.phase = parameter(&phase, 1, 1)}, 4);
  reference(CosFormer{}, inputs_of(x, &phase, 0, 12), view(y, 1, 12, 1, 1));
  for (int t = 0; t < 12; ++t) {
    const double weight = std::cos(std::numbers::pi / 8 * t);
    if (t % 8 == 4) CHECK(std::abs(y[t]) < 3 * 1e-14 / 1e-6);               // a zero of the cosine over the floor
    else CHECK(std::abs(y[t] - 3 * weight / std::max(weight, 1e-6)) < 1e-14 * 3e6);
  }
  x.k[0] = 0;
  reference(CosFormer{}, inputs_of(x, &phase, 0, 12), view(y, 1, 12, 1, 1));
  for (const double e : y) CHECK(e == 0);                                   // relu closed every key
}
