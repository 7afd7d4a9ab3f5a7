// SPDX-License-Identifier: MIT
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/linear_attention.hpp>

#include "unit/mixers/against_golden.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {
// The files of flash-linear-attention: q, k, v [B,L,H,.], state S [B,H,K,V].
template <class M, class Make> void fla(const char* mixer, Make&& make) {
  for_each_case(mixer, [&](Against& at) {
    const auto want = at("out", "o", "bthf");
    const auto q = at("in", "q", "bthf");
    State<M, double> state(want.batch(), want.head(), q.feature(), want.feature());
    const bool from = at.has("s0", "S");
    if (from) copy(at("s0", "S", "bhrf"), state.view().m);
    if (from && at.has("s0", "z")) copy(at("s0", "z", "brhf"), state.view().z);
    run<M>(make(at), want, state, from);
    close(state.view().m, at("s1", "S", "bhrf"));
    if constexpr (StateShape<M>::has_z) close(state.view().z, at("s1", "z", "brhf"));
  });
}
}  // namespace

TEST_CASE("linear attention is that of flash-linear-attention", "[mixers]") {
  using In = LinearAttention::In<const double>;
  fla<LinearAttention>("linear_attn",
                       [](Against& at) { return In{.q = at("in", "q", "bthf"), .k = at("in", "k", "bthf"), .v = at("in", "v", "bthf")}; });
}

TEST_CASE("linear attention with its denominator", "[mixers]") {
  using In = LinearAttentionNormalised::In<const double>;
  fla<LinearAttentionNormalised>("linear_attn_norm", [](Against& at) {
    return In{.q = at("in", "q", "bthf"), .k = at("in", "k", "bthf"), .v = at("in", "v", "bthf")};
  });
}

TEST_CASE("GLA and simple GLA", "[mixers]") {
  for (const char* file : {"gla", "gla_strong_gates"})
    fla<Gla>(file, [](Against& at) {
      return Gla::In<const double>{
          .q = at("in", "q", "bthf"), .k = at("in", "k", "bthf"), .v = at("in", "v", "bthf"), .g = at("in", "gk", "bthf")};
    });
  fla<SimpleGla>("simple_gla", [](Against& at) {
    return SimpleGla::In<const double>{
        .q = at("in", "q", "bthf"), .k = at("in", "k", "bthf"), .v = at("in", "v", "bthf"), .g = at("in", "g", "bth")};
  });
}

TEST_CASE("elu + 1 of raw q and k is the normalised form after the feature map", "[mixers]") {
  const double q[] = {-2, 0.5, 1, -0.25}, k[] = {0.5, -1, -3, 2}, v[] = {1, -2};
  double y[2];
  LinearTransformer::In<const double> in{.q = view(q, 1, 2, 1, 2), .k = view(k, 1, 2, 1, 2), .v = view(v, 1, 2, 1, 1)};
  reference(LinearTransformer{}, in, view(y, 1, 2, 1, 1));
  const auto phi = [](double x) { return x > 0 ? x + 1 : std::exp(x); };
  const auto dot = [&](int t, int s) { return phi(q[2 * t]) * phi(k[2 * s]) + phi(q[2 * t + 1]) * phi(k[2 * s + 1]); };
  const double second = (dot(1, 0) * v[0] + dot(1, 1) * v[1]) / (dot(1, 0) + dot(1, 1) + 1e-6);
  CHECK(std::abs(y[0] - dot(0, 0) / (dot(0, 0) + 1e-6)) < 1e-14);
  CHECK(std::abs(y[1] - second) < 1e-14);
}

TEST_CASE("GLA's layer gate is log sigmoid over 16", "[mixers]") {
  constexpr Index T = 5, K = 3, D = 2;
  double q[T * K], k[T * K], v[T * D], raw[T * K], log[T * K], y[T * D], z[T * D];
  for (int n = 0; n < T * K; ++n)
    q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n), raw[n] = 9 * std::sin(7.0 * n), log[n] = -std::log1p(std::exp(-raw[n])) / 16;
  for (int n = 0; n < T * D; ++n) v[n] = std::sin(3.0 * n + 1);
  const auto s = [&](const double* x, Index width) { return view(x, 1, T, 1, width); };
  reference(GlaLayerGate{}, GlaLayerGate::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(raw, K)}, view(y, 1, T, 1, D));
  reference(Gla{}, Gla::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(log, K)}, view(z, 1, T, 1, D));
  CHECK(relative_error(view<const double>(y, 1, T, 1, D), view<const double>(z, 1, T, 1, D)) < 1e-15 * T * K);
}
