// SPDX-License-Identifier: MIT
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mode/scan.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("minGRU, log-space and plain", "[mixers]") {
  constexpr Index T = 80, D = 3;
  std::vector<double> x, i;
  for (Index n = 0; n < T * D; ++n) x.push_back(2 * std::sin(double(n) + 1)), i.push_back(4 * std::cos(7.0 * double(n)));
  x[5 * D] = -800, i[6 * D + 1] = 800, i[7 * D + 2] = -800, x[8 * D] = 0, x[9 * D] = -0.0;
  const auto s = [](const std::vector<double>& a) { return view(a.data(), 1, T, 1, D); };
  Buffer<double> y(1, T, 1, D), z(1, T, 1, D), plain(1, T, 1, D);
  const MinGru::In<const double> in{.x = s(x), .i = s(i)};
  // From a negative state, which the log-space code of the package cannot have.
  State<MinGru, double> start(1, 1, 1, D);
  for (Index c = 0; c < D; ++c) start.view().m.at(0, 0, 0, 0, c) = double(c) - 1;
  reference(MinGru{}, in, y.view(), Options<double>{.initial = start});
  scan(exec::seq, MinGru{}, in, z.view(), Options<double>{.initial = start});
  reference(MinGruLinear{}, MinGruLinear::In<const double>{.x = s(x), .i = s(i)}, plain.view());
  for (Index c = 0; c < D; ++c) {
    double h = double(c) - 1, p = 0;
    for (Index t = 0; t < T; ++t) {
      const double a = x[to_size(t * D + c)], gate = 1 / (1 + std::exp(-i[to_size(t * D + c)]));
      h = (1 - gate) * h + gate * (a >= 0 ? a + 0.5 : 1 / (1 + std::exp(-a)));
      p = (1 - gate) * p + gate * a;
      CHECK(std::abs(y[t * D + c] - h) < 1e-15 * 10 * 3);                  // averages of numbers up to 2.5, a few roundings each
      CHECK(std::abs(z[t * D + c] - h) < 1e-15 * 10 * 3);
      CHECK(std::abs(plain[t * D + c] - p) <= 1e-15 * 10 * std::max(3.0, std::abs(p)));
    }
  }
}

TEST_CASE("minGRU's g is continuous, growing and positive", "[mixers]") {
  CHECK(map::Positive::apply(0.0) == 0.5);
  CHECK(map::Positive::apply(-0.0) == 0.5);
  CHECK(map::Positive::apply(2.0) == 2.5);
  CHECK(map::Positive::apply(-700.0) > 0);
  CHECK(std::abs(map::Positive::apply(-1e-9) - (0.5 - 0.25e-9)) < 1e-16);
  CHECK(std::isnan(map::Positive::apply(std::nan(""))));
}

TEST_CASE("minGRU keeps what a gate that is nearly open for the past writes", "[mixers]") {
  // 1 - z rounds to 1 in float from z = 6e-8 on; the write must not.
  const float x[] = {0.5f}, i[] = {-20.0f};
  float y[1];
  scan(exec::seq, MinGru{}, MinGru::In<const float>{.x = view(x, 1, 1, 1, 1), .i = view(i, 1, 1, 1, 1)}, view(y, 1, 1, 1, 1));
  CHECK(std::abs(double(y[0]) / (1 / (1 + std::exp(20.0))) - 1) < 6 * 0x1p-23);
}
