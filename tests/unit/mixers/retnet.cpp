// SPDX-License-Identifier: MIT
#include <lcsm/mixers/retnet.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

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
