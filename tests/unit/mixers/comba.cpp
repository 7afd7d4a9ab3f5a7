// SPDX-License-Identifier: MIT
#include <lcsm/mixers/comba.hpp>

#include "unit/mixers/dense_memory.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {
constexpr Index T = 22, H = 2, HV = 4, K = 4, D = 3;
}

TEST_CASE("Comba's layer: its correction before, its gates and norms inside", "[mixers]") {
  init::Generator rng(12);
  Stream q(rng, T, H, K);
  const Stream k(rng, T, H, K), v(rng, T, HV, D), a(rng, T, HV, 1, 2), b(rng, T, HV, 1, 2), A_log(rng, 1, HV, 1), dt_bias(rng, 1, HV, 1),
      decay(rng, 1, H, 1), feedback(rng, 1, H, 1);
  Stream p = k;
  for (std::size_t n = 0; n < p.x.size(); ++n) {            // the layer's part: p = sigmoid(decay) k, q - D p
    const Index h = Index(n) / K % H;
    p.x[n] *= sigmoid(*decay.at(0, h)), q.x[n] -= *feedback.at(0, h) * p.x[n];
  }
  const CombaLayer::In<const double> in{.q = q.view(), .k = k.view(), .v = v.view(), .p = p.view(), .a = a.view(), .b = b.view(),
                                        .A_log = A_log.parameter(), .dt_bias = dt_bias.parameter()};
  agrees<CombaLayer>(in, T, HV, K, D, [&](const View<double>& y) {
    for (Index h = 0; h < HV; ++h) {
      const Index group = h / (HV / H);
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = l2(k.row(t, group)), erase = l2(p.row(t, group));
        const double beta = sigmoid(*b.at(t, h)), alpha = std::exp(-std::exp(*A_log.at(0, h)) * softplus(*a.at(t, h) + *dt_bias.at(0, h)));
        memory.step([&](std::size_t x, std::size_t z) { return alpha * unit(x, z) - beta * key[x] * erase[z]; }, scaled(key, beta),
                    v.at(t, h));
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(l2(q.row(t, group)), c) / std::sqrt(double(K));
      }
    }
  });
}

TEST_CASE("Comba's two orders, and what they are for p = k", "[mixers]") {
  init::Generator rng(13);
  const Stream q(rng, T, H, K), k(rng, T, H, K, 0.4), p(rng, T, H, K, 0.4), v(rng, T, H, D);
  Stream g(rng, T, H, 1), beta(rng, T, H, 1);
  for (double& x : g.x) x = -0.2 * std::abs(x);
  for (double& x : beta.x) x = sigmoid(x);
  const auto in = [&]<class M>(M, const Stream& erase) {
    return typename M::template In<const double>{
        .q = q.view(), .k = k.view(), .v = v.view(), .p = erase.view(), .g = g.view(), .beta = beta.view()};
  };
  Buffer<double> want(1, T, H, D), y(1, T, H, D), other(1, T, H, D);
  const auto loop = [&](bool decayed) {
    for (Index h = 0; h < H; ++h) {
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = k.row(t, h), erase = p.row(t, h);
        const double alpha = std::exp(*g.at(t, h)), write = *beta.at(t, h);
        memory.step([&](std::size_t x, std::size_t z) { return alpha * unit(x, z) - (decayed ? alpha : 1) * write * key[x] * erase[z]; },
                    scaled(key, write), v.at(t, h));
        for (Index c = 0; c < D; ++c) want.view()(0, t, h, c) = memory.read(q.row(t, h), c) / std::sqrt(double(K));
      }
    }
  };
  loop(false), reference(Comba{}, in(Comba{}, p), y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  loop(true), reference(CombaDecayed{}, in(CombaDecayed{}, p), other.view());
  CHECK(relative_error(std::as_const(other).view(), std::as_const(want).view()) < step_errors(T, K));
  CHECK(relative_error(std::as_const(other).view(), std::as_const(y).view()) > 1e-3);                    // they do differ
  reference(CombaDecayed{}, in(CombaDecayed{}, k), y.view());
  reference(GatedDeltaRule{},
            GatedDeltaRule::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view(), .beta = beta.view()}, want.view());
  for (Index n = 0; n < want.size(); ++n) CHECK(y[n] == want[n]);
}

TEST_CASE("Comba's published start", "[mixers]") {
  init::Generator rng(7);
  double A_log[16], dt_bias[16];
  initialise(CombaLayer{}, {.A_log = parameter(A_log, 16, 1), .dt_bias = parameter(dt_bias, 16, 1)}, rng);
  for (int h = 0; h < 16; ++h) {
    CHECK(std::exp(A_log[h]) < 16 * (1 + 0x1p-50));
    CHECK((softplus(dt_bias[h]) > 0.99999e-3 && softplus(dt_bias[h]) < 0.100001));
  }
}
