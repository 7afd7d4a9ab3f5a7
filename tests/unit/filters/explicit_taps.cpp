// SPDX-License-Identifier: MIT
#include <lcsm/filters/explicit_taps.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Explicit;

namespace {
using P = Parameters<Explicit, double>;
void fill(P& p, Index length, Index heads, Index features, double low = -1, double high = 1) { p.in.taps = p.add({1, length, heads, 1, features}), p.randomise(low, high); }
}  // namespace

TEST_CASE("explicit taps: moving average, then soft threshold", "[filters]") {
  // The average counts the zeros outside, as AvgPool1d does.
  P p;
  p.in.taps = p.add({1, 5, 1, 1, 1});
  for (Index l = 0; l < 5; ++l) p.in.taps(0, l, 0, 0) = double(l * l) - 3;       // -3 -2 1 6 13
  Kernel<double> k({5, 1, 1}, Layout::dense);
  Explicit{.lam = 0.5, .smooth = 3}.taps(p.constant(), k.front.view);
  const double want[] = {-5. / 3 + 0.5, -4. / 3 + 0.5, 5. / 3 - 0.5, 20. / 3 - 0.5, 19. / 3 - 0.5};
  for (Index l = 0; l < 5; ++l) CHECK(std::abs(k.front.view(0, l, 0, 0) - want[l]) <= 4e-15);
  Explicit{.lam = 2.5}.taps(p.constant(), k.front.view);
  const double squashed[] = {-0.5, 0, 0, 3.5, 10.5};
  for (Index l = 0; l < 5; ++l) CHECK(k.front.view(0, l, 0, 0) == squashed[l]);
  Explicit{.lam = 0}.taps(p.constant(), k.front.view);
  for (Index l = 0; l < 5; ++l) CHECK(k.front.view(0, l, 0, 0) == p.in.taps(0, l, 0, 0));
  // A shorter kernel: its average sees what lies behind it.
  Kernel<double> cut({2, 1, 1}, Layout::dense);
  Explicit{.lam = 0, .smooth = 3}.taps(p.constant(), cut.front.view);
  CHECK(std::abs(cut.front.view(0, 1, 0, 0) + 4. / 3) <= 4e-15);
}

TEST_CASE("explicit taps: gradients", "[filters]") {
  for (const Index taps : {0, 1, 2, 9})
    for (const Index smooth : {1, 3, 7}) {
      INFO(taps << " taps, smooth " << smooth);
      P p(Layout::strided);
      fill(p, taps + 2, 2, 3);
      check_differences(Explicit{.lam = 0.05, .smooth = smooth}, p, {taps, 2, 3});
    }
  // A corner has slope 0; without a threshold zeros are like other numbers.
  P p, g;
  p.in.taps = p.add({1, 2, 1, 1, 1}), p.in.taps(0, 0, 0, 0) = 0, p.in.taps(0, 1, 0, 0) = 0.5;
  g.take_places(p);
  Kernel<double> bar({2, 1, 1}, Layout::dense);
  bar.randomise();
  Explicit{.lam = 0.5}.taps_vjp(p.constant(), bar.front.view, g.in);
  CHECK((g.in.taps(0, 0, 0, 0) == 0 && g.in.taps(0, 1, 0, 0) == 0));
  Explicit{.lam = 0}.taps_vjp(p.constant(), bar.front.view, g.in);
  CHECK((g.in.taps(0, 0, 0, 0) == bar.front.view(0, 0, 0, 0) && g.in.taps(0, 1, 0, 0) == bar.front.view(0, 1, 0, 0)));
}

TEST_CASE("explicit taps: storage, shared parameters, wrong arguments", "[filters]") {
  P p;
  fill(p, 7, 2, 3);
  const Explicit f{.lam = 0.1, .smooth = 3};
  check_storage(f, p, {5, 2, 3});
  check_sharing(f, p, {5, 2, 3}, "taps", 2), check_sharing(f, p, {5, 2, 3}, "taps", 4);
  check_wrong_shapes(f, p, {5, 2, 3});
  Kernel<double> k({5, 2, 3}, Layout::dense), longer({8, 2, 3}, Layout::dense);
  expect_error<ShapeError>("taps", [&] { f.taps(p.constant(), longer.front.view); });
  expect_error<OptionError>("lam", [&] { Explicit{.lam = -1}.taps(p.constant(), k.front.view); });
  expect_error<OptionError>("smooth", [&] { Explicit{.smooth = 4}.taps(p.constant(), k.front.view); });
  bool untouched = true;
  k.each([&](double x) { untouched = untouched && is_poison(x); });
  CHECK(untouched);
}

TEST_CASE("explicit taps: initialisation", "[filters]") {
  P p;
  p.in.taps = p.add({1, 2000, 1, 1, 4});
  init::Generator rng(1);
  const auto deviation = [&](Index first, Index count, Index d) {
    double sum = 0;
    for (Index l = first; l < first + count; ++l) sum += std::pow(p.in.taps(0, l, 0, d), 2);
    return std::sqrt(sum / double(count));
  };
  // A deviation from n normal numbers errs by 1/sqrt(2n) of itself; five of those.
  initialise(Explicit{}, p.in, rng);
  CHECK(std::abs(deviation(0, 2000, 2) / 0.002 - 1) <= 5 / std::sqrt(4000.));
  initialise(Explicit{}, p.in, rng, filter::ExplicitStart::double_exp);
  for (const Index d : {0, 3}) CHECK(std::abs(deviation(1900, 100, d) / (0.02 * std::exp(-0.975 * std::pow(2., double(d) / 4))) - 1) <= 5 / std::sqrt(200.) + 0.05);
}
