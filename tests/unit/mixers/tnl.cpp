// SPDX-License-Identifier: MIT
#include <lcsm/mixers/tnl.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("ALiBi slopes, also where the heads are no power of two", "[mixers]") {
  CHECK(alibi_slope(0, 8) == 0.5);
  CHECK(alibi_slope(7, 8) == std::exp2(-8.0));
  CHECK(alibi_slope(3, 4) == std::exp2(-8.0));
  CHECK(alibi_slope(4, 6) == alibi_slope(0, 8));
  CHECK(alibi_slope(5, 6) == alibi_slope(2, 8));
}

TEST_CASE("TNL's decays fall with depth", "[mixers]") {
  CHECK(tnl_log_decay(0, 8, 0, 4) == -0.5 * (1 + 1e-5));
  CHECK(std::abs(tnl_log_decay(0, 8, 3, 4) + 0.5e-5) < 1e-16);
  CHECK(std::isfinite(tnl_log_decay(0, 8, 0, 1)));
  CHECK(tnl_log_decay_paper(0, 8, 2, 4) == 0);
  CHECK(tnl_log_decay_paper(4, 8, 1, 4) == -3);
}

TEST_CASE("TNL is the decayed sum over silu(q) and silu(k)", "[mixers]") {
  constexpr Index T = 6, H = 2, K = 3, D = 2;
  double q[T * H * K], k[T * H * K], v[T * H * D], g[H], y[T * H * D], plain[T * H * D], scaled[T * H * D];
  for (int n = 0; n < T * H * K; ++n) q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n);
  for (int n = 0; n < T * H * D; ++n) v[n] = std::sin(3.0 * n + 1);
  for (Index h = 0; h < H; ++h) g[h] = tnl_log_decay(h, H, 1, 3);
  const auto in = [&]<class M>(M) {
    return typename M::template In<const double>{.q = view<const double>(q, 1, T, H, K),
                                                 .k = view<const double>(k, 1, T, H, K),
                                                 .v = view<const double>(v, 1, T, H, D),
                                                 .g = parameter<const double>(g, H, 1)};
  };
  reference(Tnl{}, in(Tnl{}), view(y, 1, T, H, D));
  reference(Lightning{}, in(Lightning{}), view(plain, 1, T, H, D));
  reference(LightningFla{}, in(LightningFla{}), view(scaled, 1, T, H, D));
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h)
      for (Index c = 0; c < D; ++c) {
        double with = 0, without = 0;
        for (Index s = 0; s <= t; ++s)
          for (Index a = 0; a < K; ++a) {
            const double x = q[(t * H + h) * K + a], z = k[(s * H + h) * K + a], decay = std::exp(g[h] * double(t - s)) * v[(s * H + h) * D + c];
            with += silu(x) * silu(z) * decay, without += x * z * decay;
          }
        const Index n = (t * H + h) * D + c;
        CHECK(std::abs(y[n] - with) < 1e-15 * T * K);
        CHECK(std::abs(plain[n] - without) < 1e-15 * T * K * 2);
        CHECK(std::abs(scaled[n] - without / std::sqrt(double(K))) < 1e-15 * T * K * 2);
      }
}

TEST_CASE("the layer of lightning-attention activates v, too, and TNL's decay goes with a rotation", "[mixers]") {
  constexpr Index T = 40, H = 2, K = 3, D = 2;
  double q[T * H * K], k[T * H * K], v[T * H * D], g[H], phase[H * K], y[T * H * D], rotated[T * H * D];
  for (int n = 0; n < T * H * K; ++n) q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n);
  for (int n = 0; n < T * H * D; ++n) v[n] = std::sin(3.0 * n + 1);
  initialise(TnlSiluValue{}, {.g = parameter(g, H, 1)}, 1, 3);
  CHECK(g[1] == tnl_log_decay(1, H, 1, 3));
  initialise(LightningFla{}, {.g = parameter(g, H, 1)}, 1, 3);
  CHECK(g[0] == 0);                                         // fla's first head does not decay
  CHECK(g[1] == tnl_log_decay_paper(1, H, 1, 3));
  initialise(TnlLrpe{}, {.g = parameter(g, H, 1), .phase = parameter(phase, H, K)}, 1, 3);
  CHECK(phase[4] == std::pow(1e4, -8.0 / 6));
  const auto stream = [](const double* x, Index width) { return view(x, 1, T, H, width); };
  reference(TnlSiluValue{}, TnlSiluValue::In<const double>{.q = stream(q, K), .k = stream(k, K), .v = stream(v, D), .g = parameter<const double>(g, H, 1)},
            view(y, 1, T, H, D));
  reference(TnlLrpe{},
            TnlLrpe::In<const double>{.q = stream(q, K), .k = stream(k, K), .v = stream(v, D), .g = parameter<const double>(g, H, 1),
                                      .phase = parameter<const double>(phase, H, K)},
            view(rotated, 1, T, H, D));
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h)
      for (Index c = 0; c < D; ++c) {
        double want = 0, turned = 0;
        for (Index s = 0; s <= t; ++s)
          for (Index a = 0; a < K; ++a) {
            const double term = silu(q[(t * H + h) * K + a]) * silu(k[(s * H + h) * K + a]) * std::exp(g[h] * double(t - s)), x = v[(s * H + h) * D + c];
            want += term * silu(x), turned += term * std::cos(phase[h * K + a] * double(t - s)) * x;
          }
        CHECK(std::abs(y[(t * H + h) * D + c] - want) < 1e-15 * 2 * T * K);
        CHECK(std::abs(rotated[(t * H + h) * D + c] - turned) < 1e-15 * 2 * T * K);
      }
}
