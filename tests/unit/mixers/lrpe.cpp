// SPDX-License-Identifier: MIT
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mode/chunkwise.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

namespace {
constexpr Index T = 37, H = 2, K = 8, D = 3;

struct Numbers {
  std::vector<double> q, k, v;
  Numbers() {
    for (Index n = 0; n < T * H * K; ++n) q.push_back(std::sin(double(n) + 1)), k.push_back(std::cos(2 * double(n)));
    for (Index n = 0; n < T * H * D; ++n) v.push_back(std::sin(3 * double(n) + 1));
  }
  template <class M> typename M::template In<const double> in(Index first = 0, Index count = T) const {
    typename M::template In<const double> x;
    x.q = view(q.data(), 1, T, H, K).tokens(first, count), x.k = view(k.data(), 1, T, H, K).tokens(first, count);
    x.v = view(v.data(), 1, T, H, D).tokens(first, count);
    return x;
  }
};

// The published operators: rotate turns the halves against each other, cosine doubles the row. `angle(h, a)` per pair or per key.
template <class Angle> std::vector<double> rotate(const double* x, Index t, Index h, Angle&& angle) {
  std::vector<double> out(to_size(K));
  for (Index a = 0; a < K / 2; ++a) {
    const double c = std::cos(double(t) * angle(h, a)), s = std::sin(double(t) * angle(h, a));
    out[to_size(a)] = x[a] * c - x[a + K / 2] * s, out[to_size(a + K / 2)] = x[a] * s + x[a + K / 2] * c;
  }
  return out;
}
template <class Angle> std::vector<double> cosine(const double* x, Index t, Index h, Angle&& angle) {
  std::vector<double> out;
  for (Index a = 0; a < K; ++a) out.push_back(x[a] * std::cos(double(t) * angle(h, a)));
  for (Index a = 0; a < K; ++a) out.push_back(x[a] * std::sin(double(t) * angle(h, a)));
  return out;
}
// A plain decayed sum over the rows that the operator makes of q and k. Sums of T K terms below 1, angles right to a unit each.
template <class Operator> void compare(const Numbers& x, const View<const double>& y, Operator&& of) {
  for (Index h = 0; h < H; ++h)
    for (Index t = 0; t < T; ++t) {
      const std::vector<double> q = of(x.q.data() + (t * H + h) * K, t, h);
      double sum[D] = {};
      for (Index s = 0; s <= t; ++s) {
        const std::vector<double> k = of(x.k.data() + (s * H + h) * K, s, h);
        double score = 0;
        for (std::size_t a = 0; a < q.size(); ++a) score += q[a] * k[a];
        for (Index c = 0; c < D; ++c) sum[c] += score * x.v[to_size((s * H + h) * D + c)];
      }
      for (Index c = 0; c < D; ++c) CHECK(std::abs(y(0, t, h, c) - sum[c]) < 0x1p-52 * double(T * K * T));
    }
}
double theta(Index, Index a) { return std::pow(1e4, -2 * double(a) / double(K)); }
}  // namespace

TEST_CASE("LRPE, rotate: all pairs, low and high frequencies", "[mixers]") {
  const Numbers x;
  Buffer<double> y(1, T, H, D);
  const auto turned = [](auto&& used) {
    return [used](const double* row, Index t, Index h) { return rotate(row, t, h, [&](Index g, Index a) { return used(a) ? theta(g, a) : 0; }); };
  };
  reference(LrpeRotate{}, x.in<LrpeRotate>(), y.view());
  compare(x, y.view(), turned([](Index) { return true; }));
  reference(LrpeRotateLow{}, x.in<LrpeRotateLow>(), y.view());
  compare(x, y.view(), turned([](Index a) { return a >= K / 4; }));
  reference(LrpeRotateHigh{}, x.in<LrpeRotateHigh>(), y.view());
  compare(x, y.view(), turned([](Index a) { return a < K / 4; }));
}

TEST_CASE("LRPE, cosine: complex keys are the published doubled rows", "[mixers]") {
  const Numbers x;
  Buffer<double> y(1, T, H, D);
  const auto doubled = [](auto&& angle) { return [angle](const double* row, Index t, Index h) { return cosine(row, t, h, angle); }; };
  reference(LrpeCosine{}, x.in<LrpeCosine>(), y.view());
  compare(x, y.view(), doubled(theta));
  reference(LrpeCosineLow{}, x.in<LrpeCosineLow>(), y.view());
  compare(x, y.view(), doubled([](Index h, Index a) { return a < K / 2 ? 0 : theta(h, a); }));
  reference(LrpeCosineHigh{}, x.in<LrpeCosineHigh>(), y.view());
  compare(x, y.view(), doubled([](Index h, Index a) { return a < K / 2 ? theta(h, a) : 0; }));

  // Learned angles, in chunks, from a state that brings the position of its rotation along.
  double phase[H * K];
  auto first = x.in<LrpeLearned>(0, 20), second = x.in<LrpeLearned>(20, T - 20);
  initialise(LrpeLearned{}, {.phase = parameter(phase, H, K)});
  for (Index n = 0; n < H * K; ++n) CHECK(phase[n] == std::pow(1e4, -2 * double(n) / double(H * K)));
  first.phase = second.phase = parameter<const double>(phase, H, K);
  State<LrpeLearned, double> state(1, H, K, D);
  chunkwise(exec::seq, LrpeLearned{}, first, y.view().tokens(0, 20), Options<double>{.final = state});
  chunkwise(exec::seq, LrpeLearned{}, second, y.view().tokens(20, T - 20), Options<double>{.initial = state});
  compare(x, y.view(), doubled([&](Index h, Index a) { return phase[h * K + a]; }));
}

TEST_CASE("LRPE's scores depend on the distance alone, also far out", "[mixers]") {
  // q and k of one token against each other, a distance of 5 apart, from the start and after 10^9 tokens.
  const Numbers x;
  const auto at = [&](std::int64_t position) {
    State<LrpeRotate, double> state(1, H, K, D);
    state.view().position.at(0, 0, 0, 0, 0) = position;
    Buffer<double> y(1, 6, H, D);
    reference(LrpeRotate{}, x.in<LrpeRotate>(0, 6), y.view(), Options<double>{.initial = state});
    return y;
  };
  const Buffer<double> near = at(0), far = at(1000000000);
  for (Index n = 0; n < 6 * H * D; ++n) CHECK(std::abs(near[n] - far[n]) < 1e9 * 0x1p-52 * 6 * K);      // half a unit of each angle
}
