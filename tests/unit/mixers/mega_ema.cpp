// SPDX-License-Identifier: MIT
#include <lcsm/mixers/mega_ema.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("Mega's moving average, one direction and both", "[mixers]") {
  for_each_case("mega_ema", [](Against& at) {
    if (at.golden.size("truncation") > 0) return;             // a truncated kernel is a convolution, not this recurrence
    const auto want = at("out", "y", "tbf"), x = at("in", "x", "tbf");
    const Index D = want.feature();
    const bool both = at.golden.flag("bidirectional"), from = at.has("s0", "h");
    const auto half = [&](const char* name, const char* axes, Index n) { return at("par", name, axes).features(n * D, D); };
    const auto in = [&](Index n, View<const double> omega) {
      return MegaEma::In<const double>{.x = x,
                                       .delta = half("delta", "frn", n),
                                       .alpha = half("alpha", "frn", n),
                                       .beta = half("beta", "frn", n),
                                       .gamma = half("gamma", "fr", n),
                                       .omega = omega};
    };
    State<MegaEma, double> state(want.batch(), 1, at("par", "gamma", "fr").row(), D);
    Options<double> options{.final = state};
    if (from) copy(at("s0", "h", "bfr"), state.view().m), options.initial = state.view();
    Buffer<double> y(x.batch(), x.time(), 1, D), back(y);
    reference(MegaEma{}, in(0, at("par", "omega", "f")), y.view(), options);
    if (from) close(state.view().m, at("s1", "h", "bfr"));
    if (both) {
      const double zero = 0;
      reference(MegaEma{}, in(1, {&zero, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}}), back.view(), {.direction = Direction::reverse});
    }
    for (Index n = 0; n < y.size(); ++n) y[n] += back[n], y[n] /= 1 + std::exp(-y[n]);
    close(y, want);
  });
}

TEST_CASE("Mega's published start", "[mixers]") {
  init::Generator rng(2);
  constexpr Index N = 16, D = 64;
  Buffer<double> delta(1, 1, 1, N, D), alpha(1, 1, 1, N, D), beta(1, 1, 1, N, D), gamma(1, 1, 1, N, D), omega(D);
  initialise(MegaEma{}, {.delta = delta, .alpha = alpha, .beta = beta, .gamma = gamma, .omega = omega}, rng);
  double square = 0, unit = 0;
  for (Index n = 0; n < N; ++n)
    for (Index c = 0; c < D; ++c) {
      CHECK(std::abs(beta.view().at(0, 0, 0, n, c) - (n % 2 == 0 ? 1 : -1)) < 6 * 0.02);
      square += delta.view().at(0, 0, 0, n, c) * delta.view().at(0, 0, 0, n, c) / (N * D),
          unit += gamma.view().at(0, 0, 0, n, c) * gamma.view().at(0, 0, 0, n, c) / (N * D);
    }
  const double five = 5 * std::sqrt(2.0 / (N * D));          // five deviations of a sample variance
  CHECK(std::abs(square / 0.04 - 1) < five);
  CHECK(std::abs(unit - 1) < five);
}
