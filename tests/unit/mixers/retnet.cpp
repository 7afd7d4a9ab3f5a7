// SPDX-License-Identifier: MIT
#include <lcsm/mixers/retnet.hpp>

#include "unit/mixers/against_golden.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("retention is that of flash-linear-attention", "[mixers]") {
  for_each_case("retention", [](Against& at) {
    const auto want = at("out", "o", "bhtf"), q = at("in", "q", "bhtf");
    State<Retention, double> state(want.batch(), want.head(), q.feature(), want.feature());
    run<Retention>(Retention::In<const double>{.q = q, .k = at("in", "k", "bhtf"), .v = at("in", "v", "bhtf")}, want, state, false);
  });
}

// Rotating q and k by their positions is a complex decay: sum over pairs of Re(q conj(k) exp(i angle (t - s))).
TEST_CASE("both rotations depend on the distance alone", "[mixers]") {
  constexpr Index T = 7, K = 6;
  double q[T * K], k[T * K], v[T], y[T];
  for (int n = 0; n < T * K; ++n) q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n);
  for (int n = 0; n < T; ++n) v[n] = std::sin(3.0 * n + 1);
  const auto expected = [&](Index t, bool halves) {
    double sum = 0;
    for (Index s = 0; s <= t; ++s)
      for (Index j = 0; j < K / 2; ++j) {
        const Index re = halves ? j : 2 * j, im = halves ? j + K / 2 : 2 * j + 1;
        const double angle = double(t - s) * std::pow(1e4, halves ? -2.0 * double(j) / double(K) : -double(j) / (double(K) / 2 - 1));
        const double a = q[t * K + re] * k[s * K + re] + q[t * K + im] * k[s * K + im],
                     b = q[t * K + im] * k[s * K + re] - q[t * K + re] * k[s * K + im];
        sum += std::pow(1 - 1.0 / 32, double(t - s)) / std::sqrt(double(K)) * (a * std::cos(angle) - b * std::sin(angle)) * v[s];
      }
    return sum;
  };
  const auto in = [&]<class M>(M) {
    return typename M::template In<const double>{
        .q = view<const double>(q, 1, T, 1, K), .k = view<const double>(k, 1, T, 1, K), .v = view<const double>(v, 1, T, 1, 1)};
  };
  reference(RetNet{}, in(RetNet{}), view(y, 1, T, 1, 1));
  for (Index t = 0; t < T; ++t) CHECK(std::abs(y[t] - expected(t, false)) < 1e-14 * double(K * T));
  reference(RetNetFla{}, in(RetNetFla{}), view(y, 1, T, 1, 1));
  for (Index t = 0; t < T; ++t) CHECK(std::abs(y[t] - expected(t, true)) < 1e-14 * double(K * T));
}

// torchscale's three forms as they are published, on rotated and scaled q and k, against the plain form times its scale.
TEST_CASE("torchscale's parallel, recurrent and chunkwise forms are the plain one times a positive number", "[mixers]") {
  constexpr Index T = 24, H = 3, K = 4, D = 2, C = 8;
  std::vector<double> q, k, v, plain(to_size(T * H * D));
  for (Index n = 0; n < T * H * K; ++n) q.push_back(3 * std::sin(double(n) + 1)), k.push_back(3 * std::cos(2 * double(n)));
  for (Index n = 0; n < T * H * D; ++n) v.push_back(4 * std::sin(3 * double(n) + 1));
  const auto qv = view<const double>(q.data(), 1, T, H, K), kv = view<const double>(k.data(), 1, T, H, K), vv = view<const double>(v.data(), 1, T, H, D);
  reference(RetNet{}, RetNet::In<const double>{.q = qv, .k = kv, .v = vv}, view(plain.data(), 1, T, H, D));
  Buffer<double> parallel(1, T, H, 1), moduli(1, T, H, 1), recurrent(1, T, H, 1), chunks(1, T, H, 1);
  retnet_parallel_scale(qv, kv, parallel.view()), retnet_parallel_scale(qv, kv, moduli.view(), RetNetRow::sum_of_moduli), retnet_recurrent_scale(recurrent.view()), retnet_chunk_scale(qv, kv, vv, C, chunks.view());

  const auto turned = [&](const std::vector<double>& x, Index t, Index h, double scale) {
    std::vector<double> out;
    for (Index j = 0; j < K / 2; ++j) {
      const double angle = double(t) * std::pow(10000, -double(j) / (double(K) / 2 - 1));
      const double even = x[to_size((t * H + h) * K + 2 * j)] * scale, odd = x[to_size((t * H + h) * K + 2 * j + 1)] * scale;
      out.push_back(even * std::cos(angle) - odd * std::sin(angle)), out.push_back(odd * std::cos(angle) + even * std::sin(angle));
    }
    return out;
  };
  const auto same = [&](Index t, Index h, Index c, double published, const Buffer<double>& scale) {
    const double here = plain[to_size((t * H + h) * D + c)] * scale[t * H + h];
    CHECK(scale[t * H + h] > 0);
    CHECK(std::abs(published - here) < 1e-15 * 20 * T * K * 4);             // rows are at most 4, the largest v, and have T K terms of mixed sign
  };
  double sharpest = 0;
  for (Index h = 0; h < H; ++h) {
    const double gamma = 1 - std::exp2(-5 - double(h));
    std::vector<std::vector<double>> Q, Key;
    for (Index t = 0; t < T; ++t) Q.push_back(turned(q, t, h, 1)), Key.push_back(turned(k, t, h, 1 / std::sqrt(double(K))));
    const auto dot = [&](Index t, Index s) {
      double sum = 0;
      for (std::size_t a = 0; a < K; ++a) sum += Q[to_size(t)][a] * Key[to_size(s)][a];
      return sum;
    };
    const auto value = [&](Index s, Index c) { return v[to_size((s * H + h) * D + c)]; };
    // Rows of a decay mask over their root, and of scores over their absolute sum.
    const auto inner = [&](Index first, Index t, double most, std::vector<double>& row) {
      double weight = 0, size = 0;
      for (Index s = first; s <= t; ++s) weight += std::pow(gamma, double(t - s));
      row.clear();
      for (Index s = first; s <= t; ++s) row.push_back(dot(t, s) * std::pow(gamma, double(t - s)) / std::sqrt(weight)), size += std::abs(row.back());
      size = std::clamp(size, 1.0, most);
      for (double& x : row) x /= size;
      return size;
    };
    std::vector<double> row, state(K * D), memory(K * D);
    double scale = 0;
    for (Index t = 0; t < T; ++t) {
      const double divided = inner(0, t, 5e4, row);
      double total = 0;
      for (const double x : row) total += x * divided;
      sharpest = std::max(sharpest, std::abs(total));
      const double before = scale;
      scale = before * gamma + 1;
      for (Index c = 0; c < D; ++c) {
        double sum = 0, read = 0;
        for (Index s = 0; s <= t; ++s) sum += row[to_size(s)] * value(s, c);
        same(t, h, c, sum, moduli), same(t, h, c, sum * divided / std::max(std::abs(total), 1.0), parallel);
        for (Index a = 0; a < K; ++a) {
          double& x = state[to_size(a * D + c)];
          x = x * std::sqrt(before) * gamma / std::sqrt(scale) + Key[to_size(t)][to_size(a)] * value(t, c) / std::sqrt(scale);
          read += Q[to_size(t)][to_size(a)] * x;
        }
        same(t, h, c, read, recurrent);
      }
    }
    double all = 0, rho = 1;
    for (Index j = 0; j < C; ++j) all += std::pow(gamma, double(j));
    for (Index first = 0; first < T; first += C) {
      for (Index t = first; t < first + C; ++t) {
        const double sigma = inner(first, t, 1e300, row), larger = std::max(sigma, rho);
        double weight = 0;
        for (Index j = 0; j <= t - first; ++j) weight += std::pow(gamma, double(j));
        for (Index c = 0; c < D; ++c) {
          double in_chunk = 0, cross = 0;
          for (Index s = first; s <= t; ++s) in_chunk += row[to_size(s - first)] * value(s, c);
          for (Index a = 0; a < K; ++a) cross += Q[to_size(t)][to_size(a)] * std::pow(gamma, double(t - first + 1)) / (std::sqrt(weight) / all) * memory[to_size(a * D + c)] / rho;
          same(t, h, c, in_chunk / (larger / sigma) + cross / (larger / rho), chunks);
        }
      }
      rho = 1;
      for (Index c = 0; c < D; ++c) {
        double column = 0;
        for (Index a = 0; a < K; ++a) {
          double& x = memory[to_size(a * D + c)];
          x *= std::pow(gamma, double(C));
          for (Index s = first; s < first + C; ++s) x += Key[to_size(s)][to_size(a)] * value(s, c) * std::pow(gamma, double(first + C - 1 - s)) / all;
          column += std::abs(x);
        }
        rho = std::max(rho, column);
      }
    }
    CHECK(rho > 1);                                         // both clamps were at work
  }
  CHECK(sharpest > 1);
}
