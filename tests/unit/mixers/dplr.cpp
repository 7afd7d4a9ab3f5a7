// SPDX-License-Identifier: MIT
#include <lcsm/mixers/dplr.hpp>

#include "unit/mixers/dense_memory.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {
constexpr Index T = 24, H = 2, K = 5, D = 3;
}

TEST_CASE("RWKV-7 from raw numbers", "[mixers]") {
  init::Generator rng(21);
  const Stream r(rng, T, H, K), w(rng, T, H, K, 3), k(rng, T, H, K), v(rng, T, H, D), a(rng, T, H, K, 2), k_k(rng, 1, H, K),
      k_a(rng, 1, H, K);
  Stream kk = k;
  for (std::size_t n = 0; n < kk.x.size(); ++n) kk.x[n] *= k_k.x[n % k_k.x.size()];                      // the layer's part
  std::fill_n(kk.x.begin() + 3 * H * K, K, 0.0);            // a token without direction erases nothing
  const Rwkv7Layer::In<const double> in{
      .r = r.view(), .w = w.view(), .k = k.view(), .v = v.view(), .kk = kk.view(), .a = a.view(), .k_a = k_a.parameter()};
  // Of the paper: w = exp(-exp(-1/2) sigmoid(.)), S <- S (diag(w) - kk^T (a*kk)) + v^T k~, transposed here.
  Stream log = w, minus = kk, gated = kk, key = k;
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h) {
      const double norm = std::sqrt(square(kk.row(t, h)));
      for (Index x = 0; x < K; ++x) {
        const std::size_t n = to_size((t * H + h) * K + x);
        const double gate = sigmoid(a.x[n]), direction = norm > 0 ? kk.x[n] / norm : 0;
        log.x[n] = -std::exp(-0.5) * sigmoid(w.x[n]), minus.x[n] = -direction, gated.x[n] = direction * gate;
        key.x[n] = k.x[n] * (1 + (gate - 1) * k_a.at(0, h)[x]);
      }
    }
  const auto loop = [&](const View<double>& y) {
    for (Index h = 0; h < H; ++h) {
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        memory.step([&](std::size_t x, std::size_t z) {
          return std::exp(log.at(t, h)[x]) * unit(x, z) + gated.at(t, h)[x] * minus.at(t, h)[z];
        }, key.row(t, h), v.at(t, h));
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(r.row(t, h), c);
      }
    }
  };
  agrees<Rwkv7Layer>(in, T, H, K, D, loop);
  Buffer<double> want(1, T, H, D), y(1, T, H, D), dplr(1, T, H, D);
  loop(want.view());
  reference(Rwkv7{},
            Rwkv7::In<const double>{.r = r.view(), .w = log.view(), .k = key.view(), .v = v.view(), .a = minus.view(), .b = gated.view()},
            y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  reference(Dplr{},
            Dplr::In<const double>{.q = r.view(), .k = key.view(), .v = v.view(), .a = minus.view(), .b = gated.view(), .g = log.view()},
            dplr.view());
  for (double& x : dplr) x *= std::sqrt(double(K));         // its scale
  CHECK(relative_error(std::as_const(dplr).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("the generalised delta rule without decay, and the delta rule in it", "[mixers]") {
  init::Generator rng(22);
  const Stream q(rng, T, H, K), v(rng, T, H, D);
  Stream k(rng, T, H, K), a = k, beta(rng, T, H, 1);
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h) {
      double& b = beta.x[to_size(t * H + h)];
      b = sigmoid(b);
      const Numbers key = l2(k.row(t, h));
      for (Index x = 0; x < K; ++x) {
        const std::size_t n = to_size((t * H + h) * K + x);
        a.x[n] = key[to_size(x)], k.x[n] = -b * key[to_size(x)];
      }
    }
  // m + b (a^T m) + k v^T with b = -beta a and k v^T of its own: here k = b too, so what is written is -beta a v^T.
  Buffer<double> want(1, T, H, D), y(1, T, H, D);
  reference(Iplr{}, Iplr::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .a = a.view(), .b = k.view()}, y.view());
  reference(DeltaRule{}, DeltaRule::In<const double>{.q = q.view(), .k = a.view(), .v = v.view(), .beta = beta.view()}, want.view());
  for (double& x : y) x = -x;
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("RWKV-7's published start", "[mixers]") {
  double k_a[3] = {};
  initialise(Rwkv7Layer{}, {.k_a = parameter(k_a, 1, 3)});
  for (const double x : k_a) CHECK(x == 1.02);
}
