// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/dense_vjp.hpp>
#include <lcsm/layers/norm.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "support/random_mixers.hpp"

#include <algorithm>
#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

namespace {

void fill(const Guarded<double>& v, Random& random, double offset = 0) {
  v.each([&](double& x) { x = offset + random.uniform(-1, 1); });
}
template <class F> void check_slopes(const char* name, const Guarded<double>& x, const Guarded<double>& given, double scale, F&& loss) {
  INFO(name);
  std::vector<double> bars;
  given.each([&](double g) { bars.push_back(g); });
  double worst = 0, largest = 1;
  std::size_t n = 0;
  x.each([&](double& number) {
    const double want = central_difference(number, loss), off = std::abs(bars[n++] - want);
    largest = std::max(largest, std::abs(want)), worst = std::isnan(off) ? INFINITY : std::max(worst, off);
  });
  CHECK(worst <= scale * difference_tolerance * largest);
  CHECK(given.slack_is_untouched());
}

}  // namespace

TEST_CASE("a dense map and its adjoint", "[layers]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Index B = random.between(1, 2), T = random.one_of({0, 1, 5, 33}), I = random.between(1, 6), O = random.between(1, 6);
    const Guarded<double> x({B, T, 1, 1, I}, any_layout(random), random), w({1, 1, 1, O, I}, any_layout(random), random), b({1, 1, 1, 1, O}, any_layout(random), random), y_bar({B, T, 1, 1, O}, any_layout(random), random);
    for (const Guarded<double>* v : {&x, &w, &b, &y_bar}) fill(*v, random);
    const bool biased = random.one_in(2);
    Guarded<double> y({B, T, 1, 1, O}, any_layout(random), random), x_bar(x.view.extent, any_layout(random), random), w_bar(w.view.extent, any_layout(random), random), b_bar(b.view.extent, any_layout(random), random);
    const auto run = [&](const auto& exec) { dense(exec, View<const double>(w.view), biased ? View<const double>(b.view) : View<const double>(), View<const double>(x.view), y.view); };
    run(exec::Par{3});
    CHECK(y.slack_is_untouched());
    double worst = 0;
    for (Index n = 0; n < B; ++n)
      for (Index t = 0; t < T; ++t)
        for (Index o = 0; o < O; ++o) {
          double sum = biased ? b.view(0, 0, 0, o) : 0, size = std::abs(sum);
          for (Index i = 0; i < I; ++i) sum += w.view.at(0, 0, 0, o, i) * x.view(n, t, 0, i), size += std::abs(w.view.at(0, 0, 0, o, i) * x.view(n, t, 0, i));
          worst = std::max(worst, std::abs(y.view(n, t, 0, o) - sum) / (double(2 * I + 4) * 0x1p-52 * size));
        }
    CHECK(worst <= 1);
    dense_vjp(exec::Par{2}, View<const double>(w.view), View<const double>(x.view), View<const double>(y_bar.view), DenseGradients<double>{x_bar.view, w_bar.view, b_bar.view});
    const auto loss = [&] {
      run(exec::seq);
      double sum = 0;
      for (Index n = 0; n < B; ++n)
        for (Index t = 0; t < T; ++t)
          for (Index o = 0; o < O; ++o) sum += y.view(n, t, 0, o) * y_bar.view(n, t, 0, o);
      return sum;
    };
    check_slopes("x", x, x_bar, 1, loss), check_slopes("weight", w, w_bar, 1, loss);
    if (biased) check_slopes("bias", b, b_bar, 1, loss);
  }
}

TEST_CASE("norms and their adjoints", "[layers]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Random random(100 + seed);
    const Index B = random.between(1, 2), T = random.one_of({0, 1, 4}), groups = random.between(1, 3), D = groups * random.between(2, 5);
    const bool rms = random.one_in(2), gained = random.one_in(2);
    const Guarded<double> x({B, T, 1, 1, D}, any_layout(random), random), gain({1, 1, 1, 1, D}, any_layout(random), random), bias({1, 1, 1, 1, D}, any_layout(random), random), y_bar({B, T, 1, 1, D}, any_layout(random), random);
    for (const Guarded<double>* v : {&x, &gain, &bias, &y_bar}) fill(*v, random);
    Norm<const double> n{rms ? NormKind::rms : NormKind::layer, {}, {}, 1e-2, groups};
    if (gained) n.gain = gain.view, n.bias = bias.view;
    Guarded<double> y({B, T, 1, 1, D}, any_layout(random), random), x_bar(x.view.extent, any_layout(random), random), gain_bar(gain.view.extent, any_layout(random), random), bias_bar(bias.view.extent, any_layout(random), random);
    norm(exec::Par{2}, n, View<const double>(x.view), y.view);
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index g = 0; g < groups; ++g) {
          const Index width = D / groups;
          double mean = 0, square = 0;
          for (Index c = g * width; c < (g + 1) * width; ++c) mean += rms ? 0 : x.view(b, t, 0, c) / double(width);
          for (Index c = g * width; c < (g + 1) * width; ++c) square += std::pow(x.view(b, t, 0, c) - mean, 2) / double(width);
          for (Index c = g * width; c < (g + 1) * width; ++c) {
            const double want = (x.view(b, t, 0, c) - mean) / std::sqrt(square + 1e-2) * (gained ? gain.view(0, 0, 0, c) : 1) + (gained ? bias.view(0, 0, 0, c) : 0);
            CHECK(std::abs(y.view(b, t, 0, c) - want) <= 1e-14);
          }
        }
    norm_vjp(exec::Par{2}, n, View<const double>(x.view), View<const double>(y_bar.view), NormGradients<double>{x_bar.view, gain_bar.view, bias_bar.view});
    const auto loss = [&] {
      norm(exec::seq, n, View<const double>(x.view), y.view);
      double sum = 0;
      for (Index b = 0; b < B; ++b)
        for (Index t = 0; t < T; ++t)
          for (Index c = 0; c < D; ++c) sum += y.view(b, t, 0, c) * y_bar.view(b, t, 0, c);
      return sum;
    };
    check_slopes("x", x, x_bar, 10, loss);                        // deviations down to a tenth
    if (gained) check_slopes("gain", gain, gain_bar, 1, loss), check_slopes("bias", bias, bias_bar, 1, loss);
  }
  // A common offset of a million costs nothing but its own rounding.
  float x[] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3}, y[4];
  norm(exec::seq, Norm<const float>{}, view(static_cast<const float*>(x), 1, 1, 1, 4), view(y, 1, 1, 1, 4));
  for (int n = 0; n < 4; ++n) CHECK(std::abs(double(y[n]) - (n - 1.5) / std::sqrt(1.25 + 1e-5)) < 1e-6);
  CHECK_THROWS_AS(norm(exec::seq, Norm<const float>{.groups = 3}, view(static_cast<const float*>(x), 1, 1, 1, 4), view(y, 1, 1, 1, 4)), OptionError);
}
