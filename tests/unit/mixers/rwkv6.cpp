// SPDX-License-Identifier: MIT
#include <lcsm/mixers/rwkv6.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/reference.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <vector>

using namespace lcsm;

namespace {
constexpr std::size_t T = 40, H = 2, K = 4, D = 3;
struct Numbers {
  std::vector<double> q, k, v, raw, w, decay, u;
  Numbers() : q(T * H * K), k(q), v(T * H * D), raw(q), w(q), decay(H * K), u(H * K) {
    for (std::size_t n = 0; n < H * K; ++n) decay[n] = 0.3 * double(n) - 2, u[n] = std::sin(3.0 * double(n));
    for (std::size_t n = 0; n < T * H * K; ++n) {
      const double x = double(n);
      q[n] = std::sin(x + 1), k[n] = std::cos(2 * x), raw[n] = std::sin(7 * x), w[n] = -std::exp(raw[n] + decay[n % (H * K)]);
    }
    for (std::size_t n = 0; n < T * H * D; ++n) v[n] = std::sin(3.0 * double(n) + 1);
  }
  static View<const double> stream(const std::vector<double>& x) { return view(x.data(), 1, T, H, Index(x.size() / (T * H))); }
  static View<const double> parameter(const std::vector<double>& x) {
    auto p = view(x.data(), 1, 1, H, K);
    p.stride[0] = p.stride[1] = 0;
    return p;
  }
  Rwkv6::In<const double> in() const { return {.q = stream(q), .k = stream(k), .v = stream(v), .w = stream(w), .u = parameter(u)}; }
};
// Sums of at most T K products of magnitude 1, each with a decay of up to T rounded factors.
constexpr double rounding = 0x1p-52 * double(T * K) * double(T);
}  // namespace

TEST_CASE("RWKV-6 reads the memory before the token, and the token through the bonus", "[mixers]") {
  const Numbers x;
  std::vector<double> y(T * H * D), z(y);
  reference(Rwkv6{}, x.in(), view(y.data(), 1, T, H, D));
  chunkwise(exec::seq, Rwkv6{}, x.in(), view(z.data(), 1, T, H, D), {.tuning = {.chunk = 16}});
  for (std::size_t h = 0; h < H; ++h) {
    double m[K][D] = {};
    for (std::size_t t = 0; t < T; ++t) {
      for (std::size_t c = 0; c < D; ++c) {
        double want = 0;
        for (std::size_t a = 0; a < K; ++a) {
          const std::size_t at = (t * H + h) * K + a;
          want += x.q[at] * (m[a][c] + x.u[h * K + a] * x.k[at] * x.v[(t * H + h) * D + c]);
        }
        CHECK(std::abs(y[(t * H + h) * D + c] - want) < rounding);
        CHECK(std::abs(z[(t * H + h) * D + c] - want) < rounding);
      }
      for (std::size_t a = 0; a < K; ++a)
        for (std::size_t c = 0; c < D; ++c) {
          const std::size_t at = (t * H + h) * K + a;
          m[a][c] = std::exp(x.w[at]) * m[a][c] + x.k[at] * x.v[(t * H + h) * D + c];
        }
    }
  }
}

TEST_CASE("RWKV-6's layer decays by exp(-exp(w + time_decay))", "[mixers]") {
  const Numbers x;
  std::vector<double> y(T * H * D), z(y);
  reference(Rwkv6{}, x.in(), view(y.data(), 1, T, H, D));
  reference(Rwkv6Layer{},
            Rwkv6Layer::In<const double>{.q = x.stream(x.q), .k = x.stream(x.k), .v = x.stream(x.v), .w = x.stream(x.raw),
                                         .time_decay = x.parameter(x.decay), .u = x.parameter(x.u)},
            view(z.data(), 1, T, H, D));
  for (std::size_t n = 0; n < y.size(); ++n) CHECK(std::abs(y[n] - z[n]) < rounding);
}

TEST_CASE("RWKV-6 starts as its code does", "[mixers]") {
  double decay[H * K], u[H * K], other[H * K];
  initialise(Rwkv6Layer{}, {.time_decay = view(decay, 1, 1, H, K), .u = view(u, 1, 1, H, K)}, 1, 5);
  initialise(Rwkv6{}, {.u = view(other, 1, 1, H, K)}, 1, 5);
  for (int c = 0; c < int(H * K); ++c) {
    CHECK(decay[c] == -6 + 5 * std::pow(c / 7.0, 0.7 + 1.3 * 0.25));
    CHECK(std::abs(u[c] - (0.25 * (1 - c / 7.0) + 0.1 * ((c + 1) % 3 - 1))) < 1e-15);
    CHECK(other[c] == u[c]);
  }
}
