// SPDX-License-Identifier: MIT
#include <lcsm/filters/hyena.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Hyena;

namespace {
using P = Parameters<Hyena, double>;
struct Sizes { Index length, inputs, width, hidden, heads, features; bool freq = true, deltas = true; };
void fill(P& p, const Sizes& n, bool bias = false) {
  p.in.z = p.add({1, n.length, 1, 1, n.inputs});
  if (n.freq) p.in.freq = p.add(1, 1, n.width);
  if (n.deltas) p.in.t = p.add({1, n.length, 1, 1, 1}), p.in.deltas = p.add(n.heads, 1, n.features);
  p.add_mlp(n.inputs, n.width, n.hidden, n.heads, n.features, bias), p.randomise();
}
}  // namespace

TEST_CASE("Hyena's filter: the formula", "[filters]") {
  for (const bool normalised : {false, true})
    for (const bool full : {false, true})
      for (const Index taps : {0, 1, 2, 35}) {
        INFO(taps << " taps");
        P p(Layout::strided);
        fill(p, {37, 5, 4, 2, 2, 3, full, full});
        const Hyena f{.shift = 0.25, .normalised = normalised};
        Kernel<double> k({taps, 2, 3}, Layout::strided);
        f.taps(p.constant(), k.front.view);
        CHECK(k.front.slack_is_untouched());
        bool right = true;
        for (Index l = 0; l < taps; ++l) {
          Doubles z;
          for (Index e = 0; e < 5; ++e) z.push_back(p.in.z(0, l, 0, e));
          Doubles h = network(p.in.mlp, z, [&](Doubles x) {
            for (std::size_t c = 0; c < x.size(); ++c) x[c] = std::sin((full ? p.in.freq(0, 0, 0, Index(c)) : 1) * x[c]);
            return x;
          });
          double sum = 0;
          for (Index c = 0; c < 6; ++c) {
            if (full) h[to_size(c)] *= std::exp(-p.in.t(0, l, 0, 0) * std::abs(p.in.deltas(0, 0, c / 3, c % 3))) + 0.25;
            sum += std::abs(h[to_size(c)]);
          }
          for (Index c = 0; c < 6; ++c) right = right && std::abs(k.front.view(0, l, c / 3, c % 3) - h[to_size(c)] / (normalised ? sum : 1)) <= 1e-14;
        }
        CHECK(right);
      }
}

TEST_CASE("Hyena's filter: gradients of every parameter", "[filters]") {
  for (const bool normalised : {false, true})
    for (const Index taps : {0, 1, 2, 35}) {
      INFO(taps << " taps, normalised " << normalised);
      P p(Layout::strided);
      fill(p, {36, 3, 4, taps == 2 ? 0 : 2, 2, 2}, true);
      check_differences(Hyena{.shift = 0.5, .normalised = normalised}, p, {taps, 2, 2});
    }
}

TEST_CASE("Hyena's filter: storage, shared parameters, wrong arguments", "[filters]") {
  P p;
  fill(p, {40, 3, 5, 2, 2, 3}, true);
  const Hyena f{.normalised = true};
  const KernelShape n{37, 2, 3};
  check_storage(f, p, n);
  check_sharing(f, p, n, "freq", 4), check_sharing(f, p, n, "deltas", 2), check_sharing(f, p, n, "mlp.output.weight", 2), check_sharing(f, p, n, "mlp.hidden[1].weight", 3);
  check_wrong_shapes(f, p, n);
  Kernel<double> longer({41, 2, 3}, Layout::dense), bar(n, Layout::dense);
  expect_error<ShapeError>("z", [&] { f.taps(p.constant(), longer.front.view); });
  Hyena::In<const double> in = p.constant();
  in.t = in.t.tokens(0, 30);
  expect_error<ShapeError>("t", [&] { f.taps_vjp(in, bar.front.view, Hyena::In<double>{}); });
  in = p.constant(), in.deltas = {};
  P g;
  g.take_places(p);
  expect_error<ShapeError>("gradient of deltas and t", [&] { f.taps_vjp(in, bar.front.view, g.in); });
  g.in.mlp.hidden.resize(1);
  expect_error<ShapeError>("gradient of mlp.hidden", [&] { f.taps_vjp(p.constant(), bar.front.view, g.in); });
  g.in.mlp.hidden.clear(), g.in.mlp.input.gain = g.add(1, 1, 5);
  expect_error<ShapeError>("gradient of mlp.input.gain", [&] { f.taps_vjp(p.constant(), bar.front.view, g.in); });
  CHECK(g.is_untouched());
}

TEST_CASE("Hyena's filter: initialisation", "[filters]") {
  P p;
  fill(p, {9, 7, 16, 2, 1, 4}, true);
  init::Generator rng(1);
  initialise(Hyena{}, p.in, rng, 10);
  CHECK((p.in.freq(0, 0, 0, 3) == 10 && p.in.t(0, 8, 0, 0) == 1 && p.in.z(0, 4, 0, 0) == 0.5));
  // Three bands: 1e-4, 1.00005 and 2, of a period of 9 positions.
  const double angle = 2 * std::numbers::pi * 5 / 9 * 2;
  CHECK((std::abs(p.in.z(0, 5, 0, 3) - std::cos(angle)) <= 1e-15 && std::abs(p.in.z(0, 5, 0, 6) + std::sin(angle)) <= 1e-15));
  CHECK((std::abs(p.in.deltas(0, 0, 0, 0) - std::log(0.01) / 1.5) <= 1e-14 && std::abs(p.in.deltas(0, 0, 0, 3) - std::log(0.01) / 0.3) <= 1e-14));
  double largest = 0;
  P::each(p.in.mlp.hidden[0].weight, [&](double& x, Index, Index, Index, Index) { largest = std::max(largest, std::abs(x)); });
  CHECK((largest <= 0.25 && largest >= 0.2));               // 1/sqrt(16), of 256 numbers
  expect_error<ShapeError>("z", [&] { filter::hyena_positions(p.in.z.features(0, 4)); });
}
