// SPDX-License-Identifier: MIT
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mode/scan.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

namespace {
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
}

TEST_CASE("minLSTM, log-space, plain and unscaled", "[mixers]") {
  constexpr Index T = 80, D = 3;
  std::vector<double> x, f, i;
  for (Index n = 0; n < T * D; ++n)
    x.push_back(2 * std::sin(double(n) + 1)), f.push_back(4 * std::cos(7.0 * double(n))), i.push_back(4 * std::sin(5.0 * double(n)));
  const auto s = [](const std::vector<double>& a) { return view(a.data(), 1, T, 1, D); };
  const auto in = [&]<class M>(M) { return typename M::template In<const double>{.x = s(x), .f = s(f), .i = s(i)}; };
  Buffer<double> y(1, T, 1, D), z(1, T, 1, D), plain(1, T, 1, D), unscaled(1, T, 1, D);
  reference(MinLstm{}, in(MinLstm{}), y.view());
  scan(exec::seq, MinLstm{}, in(MinLstm{}), z.view());
  reference(MinLstmLinear{}, in(MinLstmLinear{}), plain.view());
  reference(MinLstmUnscaled{}, in(MinLstmUnscaled{}), unscaled.view());
  for (Index c = 0; c < D; ++c) {
    double h = 0, p = 0, u = 0, sum = 0;
    for (Index t = 0; t < T; ++t) {
      const std::size_t n = to_size(t * D + c);
      const double forget = sigmoid(f[n]), write = sigmoid(i[n]), kept = forget / (forget + write), added = write / (forget + write);
      h = kept * h + added * (x[n] >= 0 ? x[n] + 0.5 : sigmoid(x[n])), p = kept * p + added * x[n];
      u = forget * u + write * x[n], sum = forget * sum + std::abs(write * x[n]);
      // Averages of numbers up to 2.5; logs of gates go down to -4, whose roundings move the shares.
      CHECK(std::abs(y[t * D + c] - h) < 1e-15 * 25 * 3);
      CHECK(std::abs(z[t * D + c] - h) < 1e-15 * 25 * 3);
      CHECK(std::abs(plain[t * D + c] - p) < 1e-15 * 25 * 3);
      CHECK(std::abs(unscaled[t * D + c] - u) <= 1e-15 * 10 * (sum + 1));
    }
  }
}

TEST_CASE("minLSTM's share of two gates that are both nearly closed", "[mixers]") {
  // f / (f + i) with f and i of about exp(-2000), which no double holds: 1 / (1 + exp(i - f)).
  CHECK(std::abs(combine::Share::multiplier(-2000.0, -2001.0) - sigmoid(1)) < 4 * 0x1p-52 * 2000);
  CHECK(std::abs(combine::Share::apply(-2000.0, -2001.0) + std::log1p(std::exp(-1.0))) < 4 * 0x1p-52 * 2000);
  CHECK(combine::Share::multiplier(800.0, -800.0) == 1);
  CHECK(combine::Share::apply(-800.0, 800.0) == -800);
  CHECK(combine::Share::multiplier(3.0, 3.0) == 0.5);
}
