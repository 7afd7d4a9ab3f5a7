// SPDX-License-Identifier: MIT
// The vjp of every map, of one leaf, of several and of whole rows, against differences in double.
#include "support/catch.hpp"

#include <lcsm/stage/combine.hpp>
#include <lcsm/stage/row_maps.hpp>

#include <cmath>
#include <vector>

using namespace lcsm;

namespace {

// By five points: the error is h^4 / 30 = 7e-18 of a fifth derivative, and a few eps / h = 2e-12 of the values.
template <class F> double slope(F&& f, double x) {
  constexpr double h = 0x1p-13;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}
bool near(double given, double right) { return std::abs(given - right) <= 1e-9 * (1 + std::abs(right)); }

template <class Map> void check_map(std::initializer_list<double> at) {
  for (const double x : at) {
    INFO(Map::name << " at " << x);
    const double right = slope([](double y) { return Map::apply(y); }, x);
    CHECK(near(Map::vjp(x, 1.0), right));
    CHECK(Map::vjp(x, -2.0) == -2 * Map::vjp(x, 1.0));
    const double wide = Map::vjp(double(float(x)), 1.0);
    CHECK(std::abs(double(Map::vjp(float(x), 1.0f)) - wide) <= 8 * 0x1p-24 * (1 + std::abs(wide)));
  }
}

// Of a gate: the slope of its multiplier, by the map's own rule or by that of its log.
template <class Map> void check_gate(std::initializer_list<double> at) {
  check_map<Map>(at);
  for (const double x : at) {
    INFO(Map::name << ", multiplier at " << x);
    CHECK(near(stage::multiplier_vjp<Map>(x, 1.0), slope([](double y) { return stage::multiplier<Map>(y); }, x)));
  }
}

template <class Combine, std::size_t N> void check_combine(std::initializer_list<std::array<double, N>> at, bool is_gate = false) {
  for (const std::array<double, N>& x : at) {
    const auto with = [&](std::size_t n, double y) { auto z = x; return z[n] = y, z; };
    const auto bars = std::apply([](auto... y) { return Combine::vjp(-3.0, y...); }, x);
    for (std::size_t n = 0; n < N; ++n) {
      INFO(combine::name_of<Combine>() << ", argument " << n << " of " << x[0] << ", " << x[1]);
      CHECK(near(bars[n], -3 * slope([&](double y) { return std::apply([](auto... z) { return double(Combine::apply(z...)); }, with(n, y)); }, x[n])));
      if (!is_gate) continue;
      const auto gate = std::apply([](auto... y) { return combine::multiplier_vjp<Combine>(-3.0, y...); }, x);
      CHECK(near(gate[n], -3 * slope([&](double y) { return std::apply([](auto... z) { return double(combine::multiplier<Combine>(z...)); }, with(n, y)); }, x[n])));
    }
  }
}

// J^T bar, entry by entry.
template <class Map> void check_row(const std::vector<double>& x, const std::vector<double>& bar, const Where& w) {
  const Index n = Index(x.size());
  std::vector<double> given = bar, scratch(to_size(std::max<Index>(n * map::Slope<Map>::rows, 1)));
  map::pull_row<Map>(x.data(), given.data(), n, w, scratch.data());
  for (Index a = 0; a < n; ++a) {
    const auto loss = [&](double y) {
      std::vector<double> z = x;
      z[to_size(a)] = y, map::apply_row<Map>(z.data(), n, w);
      double sum = 0;
      for (Index b = 0; b < n; ++b) sum += z[to_size(b)] * bar[to_size(b)];
      return sum;
    };
    INFO(map::name_of<Map>() << ", entry " << a);
    CHECK(near(given[to_size(a)], slope(loss, x[to_size(a)])));
  }
}

}  // namespace

TEST_CASE("slopes of maps") {
  const std::initializer_list<double> all = {-7.3, -1.9, -0.6, -0.11, 0.13, 0.7, 2.2, 6.1};
  check_map<map::Identity>(all), check_map<map::Negate>(all), check_map<map::Exp>({-7.3, -1.9, 0.13, 1.5}), check_map<map::NegExp>({-7.3, -1.9, 0.13, 1.5});
  check_map<map::NegSquare>(all), check_map<map::Sigmoid>(all), check_map<map::TwiceSigmoid>(all), check_map<map::Softplus>(all), check_map<map::Tanh>(all);
  check_map<map::Relu>(all), check_map<map::ReluSquared>(all), check_map<map::Square>(all), check_map<map::EluPlusOne>(all), check_map<map::Elu>(all);
  check_map<map::AtMost<0>>(all), check_map<map::AtMost<0, -1>>(all), check_map<map::Silu>(all), check_map<map::Positive>(all), check_map<map::Sign>(all);
  check_gate<map::LogSigmoid<>>(all), check_gate<map::LogSigmoid<16>>(all), check_gate<map::LogComplement>(all), check_gate<map::Rwkv7Decay>(all), check_gate<map::LogAbs>({-7.3, -0.6, 0.13, 2.2});
}
TEST_CASE("slopes where a gate is closed or just open") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(stage::multiplier_vjp<map::LogSigmoid<>>(-inf, 1.0) == 0);
  CHECK(stage::multiplier_vjp<map::LogSigmoid<>>(inf, 1.0) == 0);
  CHECK(map::LogSigmoid<>::vjp(-inf, 1.0) == 1);
  CHECK(map::LogSigmoid<>::vjp(800.0, 1.0) == 0);
  CHECK(stage::multiplier_vjp<map::LogAbs>(0.0, 2.0) == 2);  // the multiplier is the input itself
  CHECK(map::LogAbs::vjp(0.0, 0.0) == 0);
  CHECK(combine::LowerBound::multiplier_vjp(1.0, -inf, 0.0)[1] == 1);
  CHECK(combine::Damped::multiplier_vjp(1.0, 1.0, 1.0)[0] == -1);
  CHECK(combine::Angle::vjp(1.0, 0.0, 0.0)[0] == 0);
  CHECK(combine::ModulusGate::vjp(1.0, 0.0, 0.0)[0] == 0);
  CHECK(map::Relu::vjp(0.0, 1.0) == 0);
}
TEST_CASE("slopes of maps of several leaves") {
  check_combine<combine::Product, 2>({{0.5, -1.5}, {2, 0}}, true), check_combine<combine::Product, 3>({{0.5, -1.5, 0.25}, {2, 0, -1}}, true);
  check_combine<combine::Sum, 2>({{0.5, -1.5}}, true), check_combine<combine::Of<map::LogSigmoid<>, combine::Sum>, 2>({{0.5, -1.5}, {-2, 0.1}}, true);
  check_combine<combine::LowerBound, 2>({{0.5, 0.3}, {-2, 0.7}, {4, 0.1}}, true), check_combine<combine::Share, 2>({{0.5, 0.3}, {-2, 3}, {4, -1}}, true);
  check_combine<combine::ModulusGate, 2>({{0.5, 0.3}, {-2, 3}}, true), check_combine<combine::Angle, 2>({{0.5, 0.3}, {-2, 3}, {-1, -0.5}});
  check_combine<combine::RecurrentGate, 2>({{0.5, 0.3}, {0.9, -2}}, true), check_combine<combine::Damped, 2>({{0.5, 0.3}, {0.9, 0.8}}, true);
  check_combine<combine::BilinearLog, 3>({{0.5, -0.3, 1.2}, {0.1, -2, -4}}, true), check_combine<combine::BilinearAngle, 3>({{0.5, -0.3, 1.2}, {0.1, -2, -4}});
  check_combine<combine::ReciprocalReal<-7>, 2>({{-0.5, 1.5}, {-2, 0.25}}), check_combine<combine::ReciprocalImag<-7>, 2>({{-0.5, 1.5}, {-2, 0.25}});
  check_combine<combine::ReciprocalReal<2>, 2>({{-0.5, 1.5}}), check_combine<combine::ReciprocalImag<2>, 2>({{-0.5, 1.5}});
  check_combine<combine::Rwkv7Key, 3>({{0.5, -0.3, 1.2}, {-1, 2, 0.4}});
}
TEST_CASE("slopes of the softmax over positions") {
  // Its length is a number of tokens, which has no slope.
  for (const auto& [re, im] : {std::pair{-0.3, 1.2}, {-0.02, 3.0}, {0.2, -0.7}}) {
    const std::array<double, 4> x{0.1, 0.15, re, im};
    for (std::size_t n = 0; n < 4; ++n) {
      const auto of = [&](auto combine, double y) { auto z = x; return z[n] = y, decltype(combine)::apply(z[0], z[1], z[2], z[3], 20.0); };
      INFO("argument " << n << " at re " << re);
      CHECK(near(combine::SoftmaxLog::vjp(1.0, x[0], x[1], x[2], x[3], 20.0)[n], slope([&](double y) { return of(combine::SoftmaxLog{}, y); }, x[n])));
      CHECK(near(combine::SoftmaxAngle::vjp(1.0, x[0], x[1], x[2], x[3], 20.0)[n], slope([&](double y) { return of(combine::SoftmaxAngle{}, y); }, x[n])));
    }
  }
}
TEST_CASE("slopes of maps of rows") {
  const std::vector<double> x{0.5, -1.5, 0.25, 2, -0.75, 1.125, 0.3, -0.9}, bar{1, 0.5, -2, 0.125, 0.7, -0.3, 1.5, 0.2};
  const Where w{.keys = 8, .values = 3, .heads = 2, .head = 1, .position = 5};
  check_row<map::RsqrtKeys>(x, bar, w), check_row<map::L2Norm>(x, bar, w), check_row<map::UnitNorm>(x, bar, w), check_row<map::Softmax>(x, bar, w);
  check_row<map::RotaryPairs>(x, bar, w), check_row<map::RotaryHalves>(x, bar, w), check_row<map::RotaryHalvesPart<true>>(x, bar, w), check_row<map::RotaryHalvesPart<false>>(x, bar, w);
  check_row<map::Silu>(x, bar, w), check_row<map::Then<map::Silu>>(x, bar, w), check_row<map::Then<map::Softmax, map::RsqrtKeys, map::Tanh>>(x, bar, w);
  check_row<map::Then<map::Then<map::Silu, map::L2Norm>, map::RotaryPairs, map::Then<map::RsqrtKeys, map::Exp>>>(x, bar, w);
  std::vector<double> reset = bar;
  map::ResetAtStart::row_vjp(x.data(), reset.data(), 8, Where{.position = 0});
  for (const double y : reset) CHECK(y == 0);
  std::vector<double> tiny(8, 1e-14), same = bar;           // a norm below its floor is a constant
  map::UnitNorm::row_vjp(tiny.data(), same.data(), 8, w);
  for (std::size_t a = 0; a < 8; ++a) CHECK(near(same[a], bar[a] * 1e12));
}
