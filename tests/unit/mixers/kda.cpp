// SPDX-License-Identifier: MIT
#include <lcsm/mixers/kda.hpp>

#include "unit/mixers/dense_memory.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr Index T = 23, H = 2, HV = 4, K = 5, D = 3;

struct Raw {
  init::Generator rng{6};
  Stream q{rng, T, H, K}, k{rng, T, H, K}, v{rng, T, HV, D}, f{rng, T, HV, K, 2}, b{rng, T, HV, 1, 2}, A_log{rng, 1, HV, 1},
      dt_bias{rng, 1, HV, K};
  double plain(Index t, Index h, Index a) const { return -std::exp(*A_log.at(0, h)) * softplus(f.at(t, h)[a] + dt_bias.at(0, h)[a]); }
  double safe(Index t, Index h, Index a) const { return -5 * sigmoid(std::exp(*A_log.at(0, h)) * (f.at(t, h)[a] + dt_bias.at(0, h)[a])); }
  template <class M> typename M::template In<const double> in() const {
    typename M::template In<const double> x{
        .q = q.view(), .k = k.view(), .v = v.view(), .f = f.view(), .b = b.view(),
        .A_log = A_log.parameter(), .dt_bias = dt_bias.parameter()};
    static constexpr double bound = -5;
    if constexpr (requires { x.lower_bound; }) x.lower_bound = {&bound, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}};
    return x;
  }
  // (I - beta k k^T) diag(alpha): every column of the reflection times its key's decay.
  template <class Log> void loop(const View<double>& y, double factor, Log&& log) const {
    for (Index h = 0; h < HV; ++h) {
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = l2(k.row(t, h / (HV / H)));
        const double beta = factor * sigmoid(*b.at(t, h));
        memory.step([&](std::size_t x, std::size_t z) { return (unit(x, z) - beta * key[x] * key[z]) * std::exp(log(t, h, Index(z))); },
                    scaled(key, beta), v.at(t, h));
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(l2(q.row(t, h / (HV / H))), c) / std::sqrt(double(K));
      }
    }
  }
};

}  // namespace

TEST_CASE("KDA's layer with each of its gates", "[mixers]") {
  const Raw raw;
  const auto plain = [&](Index t, Index h, Index a) { return raw.plain(t, h, a); };
  const auto safe = [&](Index t, Index h, Index a) { return raw.safe(t, h, a); };
  agrees<KdaLayerSafe>(raw.in<KdaLayerSafe>(), T, HV, K, D, [&](const View<double>& y) { raw.loop(y, 1, safe); });
  Buffer<double> want(1, T, HV, D), y(1, T, HV, D);
  const auto by_reference = [&]<class M>(M, const typename M::template In<const double>& in, double factor, const auto& log) {
    raw.loop(want.view(), factor, log), reference(M{}, in, y.view());
    CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  };
  by_reference(KdaLayer{}, raw.in<KdaLayer>(), 1, plain);
  by_reference(KdaLayerNegative{}, raw.in<KdaLayerNegative>(), 2, plain);
  by_reference(KdaLayerSafeNegative{}, raw.in<KdaLayerSafeNegative>(), 2, safe);
  Stream g = raw.f, beta = raw.b;
  for (std::size_t n = 0; n < g.x.size(); ++n) g.x[n] = raw.plain(Index(n) / (HV * K), Index(n) / K % HV, Index(n) % K);
  for (double& x : beta.x) x = sigmoid(x);
  by_reference(KdaNorm{}, {.q = raw.q.view(), .k = raw.k.view(), .v = raw.v.view(), .g = g.view(), .beta = beta.view()}, 1, plain);
}

TEST_CASE("KDA with a gate per head is Gated DeltaNet", "[mixers]") {
  const Raw raw;
  Stream g = raw.f, beta = raw.b;
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < HV; ++h)
      for (Index a = 0; a < K; ++a) g.x[to_size((t * HV + h) * K + a)] = raw.plain(t, h, 0);
  for (double& x : beta.x) x = sigmoid(x);
  View<const double> one = g.view();
  one.extent[4] = 1;
  Buffer<double> want(1, T, HV, D), y(1, T, HV, D);
  reference(GatedDeltaRuleNorm{},
            GatedDeltaRuleNorm::In<const double>{.q = raw.q.view(), .k = raw.k.view(), .v = raw.v.view(), .g = one, .beta = beta.view()},
            want.view());
  reference(KdaNorm{},
            KdaNorm::In<const double>{.q = raw.q.view(), .k = raw.k.view(), .v = raw.v.view(), .g = g.view(), .beta = beta.view()},
            y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("KDA's published start", "[mixers]") {
  init::Generator rng(7);
  double A_log[8], dt_bias[8 * 3], safe[8], bound[1];
  initialise(KdaLayer{}, {.A_log = parameter(A_log, 8, 1), .dt_bias = parameter(dt_bias, 8, 3)}, rng);
  for (const double x : A_log) CHECK((x >= 0 && x < std::log(16.0) + 0x1p-50));
  for (const double x : dt_bias) CHECK((softplus(x) > 0.99999e-3 && softplus(x) < 0.100001));
  CHECK(A_log[0] != A_log[1]);
  initialise(KdaLayerNegative{}, {.A_log = parameter(safe, 8, 1)}, rng);
  for (const double x : safe) CHECK((x > 0 && x < std::log(16.0) + 0x1p-50));
  initialise(KdaLayerSafe{}, {.A_log = parameter(safe, 8, 1), .dt_bias = parameter(dt_bias, 8, 3), .lower_bound = parameter(bound, 1, 1)},
             rng);
  for (const double x : safe) CHECK(x == 0);
  for (const double x : dt_bias) CHECK((softplus(x) > 0.99999e-3 && softplus(x) < 0.100001));
  CHECK(bound[0] == -5);
  bound[0] = 0, initialise(KdaLayerSafeNegative{}, {.lower_bound = parameter(bound, 1, 1)}, rng);
  CHECK(bound[0] == -5);
}
