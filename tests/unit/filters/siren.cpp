// SPDX-License-Identifier: MIT
#include <lcsm/filters/siren.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Siren;

namespace {
using P = Parameters<Siren, double>;
void fill(P& p, Index width, Index hidden, Index heads, Index features, bool gain) {
  p.add_mlp(1, width, hidden, heads, features, true, gain), p.randomise();
}
}  // namespace

TEST_CASE("SIREN: the formula", "[filters]") {
  for (const bool gain : {false, true})
    for (const Index taps : {0, 1, 2, 35}) {
      INFO(taps << " taps");
      P p(Layout::strided);
      fill(p, 5, 1, 2, 3, gain);
      const Siren f{.omega = 3};
      Kernel<double> k({taps, 2, 3}, Layout::strided);
      f.taps(p.constant(), k.front.view);
      bool right = true;
      for (Index l = 0; l < taps; ++l) {
        const double at = taps > 1 ? 1 - 2 * double(l) / double(taps - 1) : 1;
        const Doubles h = network(p.in.mlp, {at}, [](Doubles x) {
          for (double& v : x) v = std::sin(3 * v);
          return x;
        });
        for (Index c = 0; c < 6; ++c) right = right && std::abs(k.front.view(0, l, c / 3, c % 3) - h[to_size(c)]) <= 1e-13;
      }
      CHECK(right);
    }
}

TEST_CASE("SIREN: positions of kernels of another length", "[filters]") {
  // A lower rate: every third position of 10, from -1 up, of which 1 is one. A higher rate: steps of a third.
  Siren::Line line = Siren{.train_length = 10}.positions(4);   // round(2.5) is 2: -1 ... 1 - 1 step of 2/9
  CHECK((line.rate == 2 && std::abs(line(0) - 7. / 9) <= 1e-15 && std::abs(line(3) + 1) <= 1e-15));
  line = Siren{.train_length = 10}.positions(3);               // every third: -1 ... 1
  CHECK((line.rate == 3 && line(0) == 1 && std::abs(line(1)) <= 1e-15));
  line = Siren{.train_length = 4}.positions(10);               // half steps, 9 of them: one beyond 1
  CHECK((line.rate == 0.5 && std::abs(line(0) - 4. / 3) <= 1e-15 && std::abs(line(9) + 1) <= 1e-15));
  line = Siren{.train_length = 10}.positions(9);               // nearest is the same rate
  CHECK((line.rate == 1 && line(0) == 1 && std::abs(line(8) + 1) <= 1e-15));
  // The rate scales the taps, and gradients with them.
  P p;
  fill(p, 4, 1, 1, 2, false);
  Kernel<double> k({3, 1, 2}, Layout::dense), full({10, 1, 2}, Layout::dense);
  Siren{.omega = 3, .train_length = 10}.taps(p.constant(), k.front.view), Siren{.omega = 3}.taps(p.constant(), full.front.view);
  const Index of[] = {0, 4, 9};
  for (const Index l : {0, 2}) CHECK(std::abs(k.front.view(0, l, 0, 1) - 3 * full.front.view(0, of[l], 0, 1)) <= 1e-14);
  check_differences(Siren{.omega = 3, .train_length = 10}, p, {3, 1, 2});
}

TEST_CASE("SIREN: gradients of every parameter", "[filters]") {
  for (const bool gain : {false, true})
    for (const Index taps : {0, 1, 2, 35}) {
      INFO(taps << " taps");
      P p(Layout::strided);
      fill(p, 4, 2, 2, 2, gain);
      check_differences(Siren{.omega = 3}, p, {taps, 2, 2});
    }
}

TEST_CASE("SIREN: storage, shared parameters, wrong arguments", "[filters]") {
  P p;
  fill(p, 35, 1, 2, 3, true);
  const Siren f{.omega = 2};
  const KernelShape n{37, 2, 3};
  check_storage(f, p, n);
  check_sharing(f, p, n, "mlp.output.bias", 4), check_sharing(f, p, n, "mlp.hidden[0].gain", 4);
  check_wrong_shapes(f, p, n);
  Kernel<double> k(n, Layout::dense);
  expect_error<OptionError>("train_length", [&] { Siren{.train_length = -1}.taps(p.constant(), k.front.view); });
}

TEST_CASE("SIREN: initialisation", "[filters]") {
  P p;
  fill(p, 32, 1, 1, 4, true);
  init::Generator rng(1);
  initialise(Siren{.omega = 10}, p.in, rng);
  const auto largest = [](const View<double>& v) {
    double most = 0;
    P::each(v, [&](double& x, Index, Index, Index, Index) { most = std::max(most, std::abs(x)); });
    return most;
  };
  const double bound = std::sqrt(6. / 32) / 10;
  CHECK((largest(p.in.mlp.input.weight) <= 1 && largest(p.in.mlp.input.weight) > 0.8));
  CHECK((largest(p.in.mlp.hidden[0].weight) <= bound && largest(p.in.mlp.hidden[0].weight) > 0.9 * bound));
  CHECK((largest(p.in.mlp.hidden[0].bias) <= 1 && largest(p.in.mlp.hidden[0].bias) > 0.8));
  P plain;
  plain.take(p), plain.in.mlp.input.gain = plain.in.mlp.hidden[0].gain = plain.in.mlp.output.gain = {};
  Kernel<double> a({9, 1, 4}, Layout::dense), b({9, 1, 4}, Layout::dense);
  Siren{}.taps(p.constant(), a.front.view), Siren{}.taps(plain.constant(), b.front.view);
  Doubles taps;
  a.each([&](double x) { taps.push_back(x); });
  std::size_t at = 0;
  b.each([&](double x) { CHECK(std::abs(taps[at++] - x) <= 1e-13); });   // gains start at the norms
}
