// SPDX-License-Identifier: MIT
#include <lcsm/filters/sgconv.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::SgConv;

namespace {
using P = Parameters<SgConv, double>;
void fill(P& p, Index scales, Index numbers, Index heads, Index features, bool decay = true) {
  for (Index i = 0; i < scales; ++i) p.in.kernels.push_back(p.add({1, numbers, heads, 1, features}));
  p.randomise();
  const auto positive = [&](View<double>& v, double low) {
    v = p.add(heads, 1, features);
    P::each(v, [&](double& x, Index, Index h, Index, Index d) { x = low + 0.25 * double(h) + 0.125 * double(d); });
  };
  positive(p.in.multiplier, 0.75), positive(p.in.norm, 1.5);
  if (decay) positive(p.in.decay, 0.5);
}
// Stretched by 2^times, by doubling.
Doubles stretched(Doubles x, Index times) {
  const Index n = Index(x.size()), by = Index(1) << times;
  Doubles out;
  for (Index j = 0; j < n * by; ++j) {
    const double at = std::clamp((double(j) + 0.5) / double(by) - 0.5, 0., double(n - 1)), part = at - std::floor(at);
    const std::size_t low = std::size_t(at);
    out.push_back(part == 0 ? x[low] : (1 - part) * x[low] + part * x[low + 1]);
  }
  return out;
}
}  // namespace

TEST_CASE("SGConv: linear interpolation, pieces side by side or summed", "[filters]") {
  const Doubles published{0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3};
  CHECK(stretched({0, 1, 2, 3}, 1) == published);
  for (const bool sum : {false, true})
    for (const bool ascending : {false, true})
      for (const Index init_scale : {0, 1})
        for (const Index taps : {0, 1, 2, 11, 64}) {
          P p;
          fill(p, 3, 3, 2, 2);
          const SgConv f{.mode = sum ? SgConv::Mode::sum : SgConv::Mode::cat, .init_scale = init_scale, .ascending = ascending};
          Kernel<double> k({taps, 2, 2}, Layout::strided), norm({1, 2, 2}, Layout::dense);
          f.taps(p.constant(), k.front.view), f.norm(p.constant(), norm.front.view);
          bool right = true;
          for (Index h = 0; h < 2; ++h)
            for (Index d = 0; d < 2; ++d) {
              Doubles full(64);
              std::size_t first = 0, end = 0;
              for (Index i = 0; i < 3; ++i) {
                Doubles piece;
                for (Index a = 0; a < 3; ++a) piece.push_back(p.in.kernels[to_size(i)](0, a, h, d));
                piece = stretched(piece, init_scale + (sum ? i : std::max<Index>(i - 1, 0)));
                for (std::size_t j = 0; j < piece.size(); ++j) full[first + j] += piece[j] * std::pow(p.in.multiplier(0, 0, h, d), double(ascending ? i : 2 - i));
                end = std::max(end, first + piece.size());
                if (!sum) first += piece.size();
              }
              CHECK(end == std::size_t(12 << init_scale));
              double square = 0;
              for (std::size_t l = 0; l < full.size(); ++l) full[l] *= std::pow(double(l + 1), -p.in.decay(0, 0, h, d)), square += full[l] * full[l];
              for (Index l = 0; l < taps; ++l) right = right && std::abs(k.front.view(0, l, h, d) - full[to_size(l)] / p.in.norm(0, 0, h, d)) <= 1e-14;
              right = right && std::abs(norm.front.view(0, 0, h, d) / std::sqrt(square) - 1) <= 1e-14;
            }
          CHECK(right);
        }
}

TEST_CASE("SGConv: gradients of every parameter", "[filters]") {
  for (const bool sum : {false, true})
    for (const Index taps : {0, 1, 2, 11, 20}) {
      INFO(taps << " taps");
      P p(Layout::strided);
      fill(p, 3, 3, 2, 2);
      check_differences(SgConv{.mode = sum ? SgConv::Mode::sum : SgConv::Mode::cat, .ascending = sum}, p, {taps, 2, 2});
    }
}

TEST_CASE("SGConv: storage, shared parameters, wrong arguments", "[filters]") {
  P p;
  fill(p, 3, 4, 2, 3);
  const SgConv f;
  const KernelShape n{13, 2, 3};
  check_storage(f, p, n);
  check_sharing(f, p, n, "kernels[1]", 2), check_sharing(f, p, n, "multiplier", 2), check_sharing(f, p, n, "norm", 4);
  check_wrong_shapes(f, p, n);
  Kernel<double> k(n, Layout::dense);
  expect_error<ShapeError>("kernels", [&] { f.taps(SgConv::In<const double>{}, k.front.view); });
  expect_error<OptionError>("init_scale", [&] { SgConv{.init_scale = -1}.taps(p.constant(), k.front.view); });
  expect_error<ShapeError>("to", [&] { f.norm(p.constant(), k.front.view); });
  SgConv::In<double> two;
  two.kernels.resize(2);
  expect_error<ShapeError>("gradient of kernels", [&] { f.taps_vjp(p.constant(), k.front.view, two); });
}

TEST_CASE("SGConv: initialisation", "[filters]") {
  for (const Index taps : {1, 8, 9, 64, 100}) {
    const Index scales = filter::sgconv_scales(taps, 8);
    CHECK(scales == 1 + std::max(0, int(std::ceil(std::log2(double(taps) / 8)))));
  }
  P p;
  fill(p, 4, 8, 1, 3, false);
  init::Generator rng(1);
  initialise(SgConv{}, p.in, rng, 1, 3);
  for (Index d = 0; d < 3; ++d) CHECK(p.in.multiplier(0, 0, 0, d) == 1 + double(d));
  Kernel<double> k({64, 1, 3}, Layout::dense);
  SgConv{}.taps(p.constant(), k.front.view);
  for (Index d = 0; d < 3; ++d) {
    double sum = 0;
    for (Index l = 0; l < 64; ++l) sum += std::pow(k.front.view(0, l, 0, d), 2);
    CHECK(std::abs(sum - 1) <= 1e-14);
  }
}
