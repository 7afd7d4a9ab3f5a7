// SPDX-License-Identifier: MIT
#include <lcsm/filters/tnn.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Tnn;

namespace {
using P = Parameters<Tnn, double>;
void fill(P& p, const Tnn& f, Index width, Index hidden, Index heads, Index features) {
  p.add_mlp(1, width, hidden, heads, features);
  if (f.decay != Tnn::Decay::none) p.in.gamma = p.add(heads, 1, features);
  p.randomise();
  if (f.decay == Tnn::Decay::fixed) P::each(p.in.gamma, [](double& x, Index, Index, Index, Index) { x = 0.9 + 0.05 * x; });
}
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
const Tnn kinds[] = {{}, {.decay = Tnn::Decay::learned, .positions = Tnn::Positions::fraction, .lambda = 0.7}, {.decay = Tnn::Decay::none, .positions = Tnn::Positions::fraction, .length = 50, .residual = true},
                     {.residual = true, .silu = true}};
}  // namespace

TEST_CASE("TNN's coefficients: the formula", "[filters]") {
  for (const Tnn& f : kinds)
    for (const auto& [taps, back] : {std::pair<Index, Index>{0, 0}, {1, 0}, {2, 1}, {35, 34}, {3, 5}}) {
      INFO(taps << " and " << back << " taps");
      P p(Layout::strided);
      fill(p, f, 5, 2, 2, 2);
      Kernel<double> k({taps, 2, 2, back}, Layout::strided);
      f.taps(p.constant(), k.front.view, k.back.view);
      CHECK((k.front.slack_is_untouched() && k.back.slack_is_untouched()));
      const Index n = f.length > 0 ? f.length : taps;
      double worst = 0;
      for (Index d = -back; d < taps; ++d) {
        const double position = f.positions == Tnn::Positions::index ? double(d) : double(d) / double(std::max<Index>(n - 1, 1));
        const Doubles h = network(p.in.mlp, {position}, [&](Doubles x) {
          double sum = 0;
          for (const double v : x) sum += v * v;
          for (double& v : x) v /= std::sqrt(sum) / std::sqrt(double(x.size())) + 1e-8, v = f.silu ? v * sigmoid(v) : std::max(v, 0.);
          return x;
        }, f.residual);
        for (Index c = 0; c < 4; ++c) {
          const double gamma = f.decay == Tnn::Decay::none ? 1 : p.in.gamma(0, 0, c / 2, c % 2), base = f.decay == Tnn::Decay::learned ? f.lambda + (1 - f.lambda) * sigmoid(gamma) : gamma;
          const double given = d >= 0 ? k.front.view(0, d, c / 2, c % 2) : k.back.view(0, -d - 1, c / 2, c % 2);
          worst = std::max(worst, std::abs(given - std::pow(base, std::abs(double(d))) * h[to_size(c)]));
        }
      }
      CHECK(worst <= 1e-13);
    }
}

TEST_CASE("TNN's coefficients: gradients of every parameter", "[filters]") {
  for (const Tnn& f : kinds)
    for (const auto& [taps, back] : {std::pair<Index, Index>{0, 0}, {1, 0}, {2, 1}, {9, 8}}) {
      INFO(taps << " and " << back << " taps");
      P p(Layout::strided);
      fill(p, f, 4, 2, 2, 2);
      check_differences(f, p, {taps, 2, 2, back});
    }
}

TEST_CASE("TNN's coefficients: storage, shared parameters, wrong arguments", "[filters]") {
  const Tnn& f = kinds[1];
  P p;
  fill(p, f, 6, 2, 2, 3);
  const KernelShape n{37, 2, 3, 36};
  check_storage(f, p, n);
  check_sharing(f, p, n, "gamma", 4), check_sharing(f, p, n, "gamma", 2), check_sharing(f, p, n, "mlp.output.weight", 3);
  check_wrong_shapes(f, p, n);
  Kernel<double> k(n, Layout::dense), other({37, 2, 2, 36}, Layout::dense);
  expect_error<ShapeError>("back", [&] { f.taps(p.constant(), k.front.view, other.back.view); });
  expect_error<ShapeError>("back_bar", [&] { f.taps_vjp(p.constant(), k.front.view, other.back.view, Tnn::In<double>{}); });
  expect_error<OptionError>("length", [&] { Tnn{.length = -1}.taps(p.constant(), k.front.view); });
  P g;
  g.take_places(p);
  expect_error<ShapeError>("gradient of gamma", [&] { Tnn{.decay = Tnn::Decay::none}.taps_vjp(p.constant(), k.front.view, g.in); });
  Tnn::In<const double> in = p.constant();
  in.gamma = {};
  expect_error<ShapeError>("gamma", [&] { f.taps(in, k.front.view); });
}

TEST_CASE("TNN's coefficients: a row of zeros, and initialisation", "[filters]") {
  // The norm of nothing has slope 0.
  P p, g;
  p.add_mlp(1, 4, 1, 1, 2), p.randomise(), g.take_places(p);
  P::each(p.in.mlp.input.bias, [](double& x, Index, Index, Index, Index) { x = 0; });
  Kernel<double> bar({3, 1, 2}, Layout::dense);
  bar.randomise();
  Tnn{.decay = Tnn::Decay::none}.taps_vjp(p.constant(), bar.front.view, g.in);
  for (auto& [name, view] : list<double>(g.in)) P::each(*view, [](double& x, Index, Index, Index, Index) { CHECK(std::isfinite(x)); });
  P fresh;
  fill(fresh, Tnn{}, 16, 1, 1, 3);
  init::Generator rng(1);
  initialise(Tnn{}, fresh.in, rng, 0.99);
  CHECK(fresh.in.gamma(0, 0, 0, 2) == 0.99);
}
