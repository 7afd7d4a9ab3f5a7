// SPDX-License-Identifier: MIT
#include <lcsm/mixers/gdn2.hpp>

#include "unit/mixers/dense_memory.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr Index T = 20, H = 2, HV = 4, K = 4, D = 3;

struct Raw {
  init::Generator rng{8};
  Stream q{rng, T, H, K}, k{rng, T, H, K}, v{rng, T, HV, D}, f{rng, T, H, K, 2}, b{rng, T, H, K, 2}, w{rng, T, HV, D, 2},
      A_log{rng, 1, H, 1}, dt_bias{rng, 1, H, K};
  double bound = -4;
  double plain(Index t, Index h, Index a) const { return -std::exp(*A_log.at(0, h)) * softplus(f.at(t, h)[a] + dt_bias.at(0, h)[a]); }
  double safe(Index t, Index h, Index a) const {
    return bound * sigmoid(std::exp(*A_log.at(0, h)) * (f.at(t, h)[a] + dt_bias.at(0, h)[a]));
  }
  template <class M> typename M::template In<const double> in() const {
    typename M::template In<const double> x{.q = q.view(), .k = k.view(), .v = v.view(), .f = f.view(), .b = b.view(), .w = w.view(),
                                            .A_log = A_log.parameter(), .dt_bias = dt_bias.parameter()};
    if constexpr (requires { x.lower_bound; }) x.lower_bound = {&bound, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}};
    return x;
  }
  template <class Log> void loop(const View<double>& y, double factor, Log&& log) const {
    for (Index h = 0; h < HV; ++h) {
      const Index group = h / (HV / H);
      DenseMemory memory(K, D);
      for (Index t = 0; t < T; ++t) {
        const Numbers key = l2(k.row(t, group));
        Numbers value = v.row(t, h);
        for (Index c = 0; c < D; ++c) value[to_size(c)] *= sigmoid(w.at(t, h)[c]);
        memory.step([&](std::size_t x, std::size_t z) {
          return (unit(x, z) - key[x] * factor * sigmoid(b.at(t, group)[z]) * key[z]) * std::exp(log(t, group, Index(z)));
        }, key, value.data());
        for (Index c = 0; c < D; ++c) y(0, t, h, c) = memory.read(l2(q.row(t, group)), c) / std::sqrt(double(K));
      }
    }
  }
};

}  // namespace

TEST_CASE("Gated DeltaNet-2's layer with each of its gates", "[mixers]") {
  const Raw raw;
  const auto plain = [&](Index t, Index h, Index a) { return raw.plain(t, h, a); };
  const auto safe = [&](Index t, Index h, Index a) { return raw.safe(t, h, a); };
  agrees<Gdn2Layer>(raw.in<Gdn2Layer>(), T, HV, K, D, [&](const View<double>& y) { raw.loop(y, 1, plain); });
  Buffer<double> want(1, T, HV, D), y(1, T, HV, D);
  const auto by_reference = [&]<class M>(M, double factor, const auto& log) {
    raw.loop(want.view(), factor, log), reference(M{}, raw.in<M>(), y.view());
    CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
  };
  by_reference(Gdn2LayerNegative{}, 2, plain);
  by_reference(Gdn2LayerSafe{}, 1, safe);
  by_reference(Gdn2LayerSafeNegative{}, 2, safe);
}

TEST_CASE("Gated DeltaNet-2 with one gate for both is KDA", "[mixers]") {
  init::Generator rng(9);
  const Stream q(rng, T, H, K), k(rng, T, H, K, 0.4), v(rng, T, H, D);
  Stream g(rng, T, H, K), beta(rng, T, H, 1);
  for (double& x : g.x) x = -std::abs(x);
  for (double& x : beta.x) x = sigmoid(x);
  View<const double> b = beta.view(), w = beta.view();
  b.extent[4] = K, b.stride[4] = 0, w.extent[4] = D, w.stride[4] = 0;
  Buffer<double> want(1, T, H, D), y(1, T, H, D);
  reference(Kda{}, Kda::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view(), .beta = beta.view()}, want.view());
  reference(Gdn2{}, Gdn2::In<const double>{.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view(), .b = b, .w = w}, y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(want).view()) < step_errors(T, K));
}

TEST_CASE("Gated DeltaNet-2's published start", "[mixers]") {
  init::Generator rng(7);
  double A_log[8], dt_bias[8 * 3], bound[1] = {0};
  const auto sound = [&] {
    for (const double x : A_log) CHECK((x > 0 && x < std::log(16.0) + 0x1p-50));
    for (const double x : dt_bias) CHECK((softplus(x) > 0.99999e-3 && softplus(x) < 0.100001));
    std::fill(A_log, A_log + 8, -1.0), std::fill(dt_bias, dt_bias + 24, 9.0);
  };
  initialise(Gdn2Layer{}, {.A_log = parameter(A_log, 8, 1), .dt_bias = parameter(dt_bias, 8, 3)}, rng), sound();
  initialise(Gdn2LayerNegative{}, {.A_log = parameter(A_log, 8, 1), .dt_bias = parameter(dt_bias, 8, 3)}, rng), sound();
  initialise(Gdn2LayerSafe{}, {.A_log = parameter(A_log, 8, 1), .dt_bias = parameter(dt_bias, 8, 3), .lower_bound = parameter(bound, 1, 1)},
             rng);
  sound();
  CHECK(bound[0] == -5);
  bound[0] = 0;
  initialise(Gdn2LayerSafeNegative{},
             {.A_log = parameter(A_log, 8, 1), .dt_bias = parameter(dt_bias, 8, 3), .lower_bound = parameter(bound, 1, 1)}, rng);
  sound();
  CHECK(bound[0] == -5);
}
