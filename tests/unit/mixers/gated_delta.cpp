// SPDX-License-Identifier: MIT
#include <lcsm/mixers/gated_delta.hpp>

#include "unit/mixers/dense_memory.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr Index T = 19, H = 2, HV = 6, K = 4, D = 3;

struct Raw {
  init::Generator rng{5};
  Stream q{rng, T, H, K}, k{rng, T, H, K}, v{rng, T, HV, D}, a{rng, T, HV, 1, 2}, b{rng, T, HV, 1, 2}, A_log{rng, 1, HV, 1},
      dt_bias{rng, 1, HV, 1};
  double beta(Index t, Index h) const { return sigmoid(*b.at(t, h)); }
  double log_decay(Index t, Index h) const { return -std::exp(*A_log.at(0, h)) * softplus(*a.at(t, h) + *dt_bias.at(0, h)); }
  template <class M> typename M::template In<const double> in() const {
    return {.q = q.view(), .k = k.view(), .v = v.view(), .a = a.view(), .b = b.view(),
            .A_log = A_log.parameter(), .dt_bias = dt_bias.parameter()};
  }
  // Value heads are served by the query heads in order, HV / H by each.
  void loop(const View<double>& y, double factor) const {
    for (Index h = 0; h < HV; ++h) {
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = l2(k.row(t, h / (HV / H)));
        const double write = factor * beta(t, h), alpha = std::exp(log_decay(t, h));
        memory.step([&](std::size_t x, std::size_t z) { return alpha * (unit(x, z) - write * key[x] * key[z]); }, scaled(key, write),
                    v.at(t, h));
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(l2(q.row(t, h / (HV / H))), c) / std::sqrt(double(K));
      }
    }
  }
};

}  // namespace

TEST_CASE("Gated DeltaNet from raw numbers, grouped value heads", "[mixers]") {
  const Raw raw;
  agrees<GatedDeltaNet>(raw.in<GatedDeltaNet>(), T, HV, K, D, [&](const View<double>& y) { raw.loop(y, 1); });
  Buffer<double> want(1, T, HV, D), y(1, T, HV, D);
  raw.loop(want.view(), 2);
  reference(GatedDeltaNetNegative{}, raw.in<GatedDeltaNetNegative>(), y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("the kernels' gates are the layer's after their maps", "[mixers]") {
  const Raw raw;
  Stream g = raw.a, beta = raw.b;
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < HV; ++h) g.x[to_size(t * HV + h)] = raw.log_decay(t, h), beta.x[to_size(t * HV + h)] = raw.beta(t, h);
  Buffer<double> want(1, T, HV, D), y(1, T, HV, D);
  raw.loop(want.view(), 1);
  const auto in = [&]<class M>(M) {
    return typename M::template In<const double>{
        .q = raw.q.view(), .k = raw.k.view(), .v = raw.v.view(), .g = g.view(), .beta = beta.view()};
  };
  reference(GatedDeltaRuleNorm{}, in(GatedDeltaRuleNorm{}), y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  // Shut gates forget everything before them: the last token alone is left, with its key as it is.
  for (double& x : g.x) x = -std::numeric_limits<double>::infinity();
  reference(GatedDeltaRule{}, in(GatedDeltaRule{}), y.view());
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < HV; ++h) {
      double score = 0;
      for (Index x = 0; x < K; ++x) score += raw.q.at(t, h / 3)[x] * raw.k.at(t, h / 3)[x];
      for (Index c = 0; c < D; ++c) {
        const double value = raw.v.at(t, h)[c], terms = square(raw.q.row(t, h / 3)) + square(raw.k.row(t, h / 3));
        CHECK(std::abs(y.view()(0, t, h, c) - beta.at(t, h)[0] * score * value / 2) <=
              (K + 8) * std::numeric_limits<double>::epsilon() * terms * std::abs(value));
      }
    }
}

TEST_CASE("Gated DeltaNet's published start", "[mixers]") {
  init::Generator rng(7);
  double A_log[64], dt_bias[64], again[64];
  initialise(GatedDeltaNet{}, {.A_log = parameter(A_log, 64, 1), .dt_bias = parameter(dt_bias, 64, 1)}, rng);
  double low = 16, high = 0;
  for (int h = 0; h < 64; ++h) {
    const double A = std::exp(A_log[h]), step = softplus(dt_bias[h]);
    CHECK((A >= 0 && A < 16 * (1 + 0x1p-50)));
    CHECK((step > 0.99999e-3 && step < 0.100001));
    low = std::min(low, A), high = std::max(high, A);
  }
  CHECK((low < 2 && high > 14));                            // 64 numbers in [0, 16)
  rng.seed(7), initialise(GatedDeltaNetNegative{}, {.A_log = parameter(again, 64, 1)}, rng);
  CHECK(std::equal(again, again + 64, A_log));
}
