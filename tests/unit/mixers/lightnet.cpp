// SPDX-License-Identifier: MIT
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mode/scan.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("LightNet, its means and the logs of their weights", "[mixers]") {
  for_each_case("lightnet", [](Against& at) {
    const auto want = at("out", "o", "bthf"), q = at("in", "q", "bthf");
    State<LightNet, double> state(want.batch(), want.head(), q.feature(), want.feature());
    const bool from = at.has("s0", "S");
    if (from) copy(at("s0", "S", "bhrf"), state.view().m), copy(at("s0", "z", "bhf"), state.view().z);
    run<LightNet>(LightNet::In<const double>{.q = q, .k = at("in", "k", "bthf"), .v = at("in", "v", "bthf")}, want, state, from);
    close(state.view().m, at("s1", "S", "bhrf")), close(state.view().z, at("s1", "z", "bhf"));
  });
}

TEST_CASE("LightNet is a softmax over the past of every key, of logits of any size", "[mixers]") {
  constexpr Index T = 48, K = 3, D = 2;
  std::vector<double> q, k, v;
  for (Index n = 0; n < T * K; ++n) q.push_back(std::sin(double(n) + 1)), k.push_back(3 * std::cos(2 * double(n)));
  for (Index n = 0; n < T * D; ++n) v.push_back(std::sin(3 * double(n) + 1));
  for (Index t = 0; t < T; ++t) k[to_size(t * K + 1)] += 2000, k[to_size(t * K + 2)] = t < T / 2 ? -1e4 : 1e4 * double(t);      // rising without end
  const auto s = [](const std::vector<double>& x, Index width) { return view(x.data(), 1, T, 1, width); };
  const auto in = [&]<class M>(M) { return typename M::template In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D)}; };
  Buffer<double> y(1, T, 1, D), z(1, T, 1, D), layer(1, T, 1, D);
  reference(LightNet{}, in(LightNet{}), y.view());
  scan(exec::seq, LightNet{}, in(LightNet{}), z.view());
  reference(LightNetLayer{}, in(LightNetLayer{}), layer.view());
  for (Index t = 0; t < T; ++t)
    for (Index c = 0; c < D; ++c) {
      double plain = 0, activated = 0;
      for (Index a = 0; a < K; ++a) {
        const auto key = [&](Index j) { return k[to_size(j * K + a)]; };
        double top = key(0), above = 0, below = 0;
        for (Index j = 1; j <= t; ++j) top = std::max(top, key(j));
        for (Index j = 0; j <= t; ++j) above += std::exp(key(j) - top) * v[to_size(j * D + c)], below += std::exp(key(j) - top);
        const double x = q[to_size(t * K + a)];
        plain += x * above / below, activated += x / (1 + std::exp(-x)) * above / below;
      }
      // Logs of size 2000 are right to 2000 units, at every step.
      const double tolerance = 0x1p-52 * 2010 * double(T) * K;
      CHECK(std::abs(y[t * D + c] - plain / std::sqrt(double(K))) < tolerance);
      CHECK(std::abs(z[t * D + c] - plain / std::sqrt(double(K))) < tolerance);
      CHECK(std::abs(layer[t * D + c] - activated / std::sqrt(double(K))) < tolerance);
    }
}
