// SPDX-License-Identifier: MIT
// The published layer itself is held by tests/conformance/mega_layer.cpp.
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"
#include "unit/layers/mega.hpp"

#include <cmath>
#include <limits>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("Mega's gradients are slopes, with other weights and both directions", "[layers]") {
  const auto check = [&]<class W>(std::uint64_t seed, std::type_identity<W>) {
    Random random(seed);
    MegaLayer layer(random, 8);
    INFO("seed " << seed << ", tokens " << layer.time);
    MegaOptions options{.chunk = random.one_of({0, 3}), .causal = random.one_in(2), .direction = random.one_in(2) ? Direction::reverse : Direction::forward};
    Buffer<double> y(layer.batch, layer.time, 1, layer.D), x_bar(layer.batch, layer.time, 1, layer.D);
    const auto loss = [&] {
      mega(exec::seq, Attention<W>{}, MegaEma{}, layer.p.memory, layer.p.maps, std::as_const(layer.x).view(), y.view(), options);
      double sum = 0;
      for (Index n = 0; n < y.size(); ++n) sum += y[n] * layer.y_bar[n];
      return sum;
    };
    mega_vjp(exec::Par{2}, Attention<W>{}, MegaEma{}, layer.p.memory, layer.p.maps, std::as_const(layer.x).view(), layer.y_bar.view(), layer.grads.memory, layer.grads.maps, x_bar.view(), options);
    constexpr double tolerance = 10 * difference_tolerance;  // a norm of one or two features is steep
    check_slopes("x", layer.x.data(), x_bar.data(), x_bar.size(), tolerance, loss), check_parameter_slopes(layer, tolerance, loss);
  };
  for (std::uint64_t seed = 0; seed < 4; ++seed) check(seed, std::type_identity<weight::Softmax>{}), check(10 + seed, std::type_identity<weight::SquaredRelu>{});
}

TEST_CASE("Mega: padding is not read, packed sequences are as apart, no thread count changes a bit", "[layers]") {
  Random random(31);
  for (int round = 0; round < 12; ++round) {
    INFO("round " << round);
    MegaLayer layer(random, 50);
    const Index T = layer.time, D = layer.D;
    const auto call = [&](const auto& exec, const View<const double>& x, const View<double>& y, const MegaOptions& o) { mega(exec, SoftmaxAttention{}, MegaEma{}, layer.p.memory, layer.p.maps, x, y, o); };
    Buffer<double> y(layer.batch, T, 1, D), other(y);
    call(exec::seq, layer.x.view(), y.view(), {.chunk = 7}), call(exec::Par{3}, layer.x.view(), other.view(), {.chunk = 7});
    CHECK(std::equal(y.begin(), y.end(), other.begin()));
    const auto as_one = [&](auto v) {
      v.extent[0] = 1, v.extent[1] = layer.batch * T;
      return v;
    };
    std::vector<std::int32_t> offsets;
    for (Index b = 0; b <= layer.batch; ++b) offsets.push_back(std::int32_t(b * T));
    call(exec::seq, as_one(std::as_const(layer.x).view()), as_one(other.view()), {.chunk = 7, .sequences = offsets});
    double worst = 0;
    for (Index n = 0; n < y.size(); ++n) worst = std::max(worst, std::abs(y[n] - other[n]));
    CHECK(worst <= 1e-13);                                  // Eigen's blocks begin elsewhere
    // Padding of NaN after every token, and what it does to gradients.
    Buffer<double> wide(layer.batch, 2 * T, 1, D), wide_y(wide), wide_bar(wide), wide_x_bar(wide), x_bar(layer.batch, T, 1, D);
    Buffer<std::uint8_t> mask(layer.batch, 2 * T, 1, 1);
    wide.fill(std::numeric_limits<double>::quiet_NaN()), wide_bar.fill(std::numeric_limits<double>::infinity()), mask.fill(0);
    for (Index b = 0; b < layer.batch; ++b)
      for (Index t = 0; t < T; ++t) {
        mask.view()(b, 2 * t, 0, 0) = 1;
        for (Index c = 0; c < D; ++c) wide.view()(b, 2 * t, 0, c) = layer.x.view()(b, t, 0, c), wide_bar.view()(b, 2 * t, 0, c) = layer.y_bar.view()(b, t, 0, c);
      }
    const MegaOptions masked{.chunk = 7, .mask = std::as_const(mask).view()};
    call(exec::seq, wide.view(), wide_y.view(), masked);
    const auto adjoint = [&](const View<const double>& x, const View<const double>& bar, const View<double>& to, const MegaOptions& o) {
      mega_vjp(exec::seq, SoftmaxAttention{}, MegaEma{}, layer.p.memory, layer.p.maps, x, bar, layer.grads.memory, layer.grads.maps, to, o);
      std::vector<double> all;
      layer.grads.each([&](const char*, View<double>& v, const char*) { all.insert(all.end(), v.data, v.data + v.row() * v.feature()); });
      return all;
    };
    const std::vector<double> plain = adjoint(layer.x.view(), layer.y_bar.view(), x_bar.view(), {.chunk = 7}), padded = adjoint(wide.view(), wide_bar.view(), wide_x_bar.view(), masked);
    worst = 0;
    double largest = 1;
    for (std::size_t n = 0; n < plain.size(); ++n) largest = std::max(largest, std::abs(plain[n])), worst = std::max(worst, std::isnan(padded[n]) ? INFINITY : std::abs(plain[n] - padded[n]));
    for (Index b = 0; b < layer.batch; ++b)
      for (Index t = 0; t < 2 * T; ++t)
        for (Index c = 0; c < D; ++c) {
          const bool there = t % 2 == 0;
          const double off = std::abs(wide_y.view()(b, t, 0, c) - (there ? y.view()(b, t / 2, 0, c) : 0)), off_bar = std::abs(wide_x_bar.view()(b, t, 0, c) - (there ? x_bar.view()(b, t / 2, 0, c) : 0));
          if (there) largest = std::max(largest, std::abs(x_bar.view()(b, t / 2, 0, c)));
          worst = std::max({worst, std::isnan(off) ? INFINITY : off, std::isnan(off_bar) ? INFINITY : off_bar});
        }
    CHECK(worst <= 1e-12 * largest);
  }
}
