// SPDX-License-Identifier: MIT
// Denominators: rows that see nothing, and decays over long inputs.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

// The cases' 1e-6 is the float next to it.
struct Guard { template <class V> static V apply(V d, V) { return d + V(simd::scalar_t<V>(1e-6f)); } };
struct ReluAttention : Mixer<expand::Data<map::Relu>, oscillation::Identity, shrink::Data<map::Relu>, Quotient<Guard>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
// A decay given as multiplier, one per head.
struct Decayed : Mixer<expand::Data<>, oscillation::Learned<map::LogAbs, in::a, Axes::one>, shrink::Data<>, Quotient<Guard>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}; };
};

}  // namespace

TEMPLATE_TEST_CASE("rows that see nothing are 0", "[cases][norm_01]", float, double) {
  using T = TestType;
  const Case file(case_path("norm_01"));
  REQUIRE(file.in("eps")[0] == double(1e-6f));
  const Numbers<T> q(file.in("q"), "bthf"), k(file.in("k"), "bthf"), v(file.in("v"), "bthf");
  const Array o = file.out("o"), state = file.out("final_state"), z = file.out("final_z");
  const Problem p{.batch = 1, .tokens = 8, .heads = 1, .keys = 3, .values = 2, .chunks = {1, 2, 3, 64}};
  every_way<ReluAttention, T>(ReluAttention::In<const T>{.q = q.view(), .k = k.view(), .v = v.view()}, p, [&](const Outcome& x) {
    agrees(x.y, arrange(o, "bthf"), tolerance<T>(file));
    agrees(x.m, arrange(state, "bhrf"), tolerance<T>(file));
    agrees(x.z, arrange(z, "bhf"), tolerance<T>(file));
    for (const Index t : {0, 1, 5})
      for (Index d = 0; d < 2; ++d) CHECK(x.y.view()(0, t, 0, d) == 0);
  });
}

TEMPLATE_TEST_CASE("a decay over a thousand tokens under a denominator", "[cases][norm_02]", float, double) {
  using T = TestType;
  const Case file(case_path("norm_02"));
  REQUIRE(file.in("eps")[0] == double(1e-6f));
  const Array q = file.in("q_block"), k = file.in("k_block"), v = file.in("v_block"), at = file.in("t"), o = file.out("o_at_t"), state = file.out("final_state"), z = file.out("final_z");
  const Index L = 1024;
  const auto repeat = [&](const Array& block, Index width) {
    Buffer<T> x(1, L, 1, width);
    for (Index n = 0; n < x.size(); ++n) x[n] = static_cast<T>(block[to_size(n % (32 * width))]);
    return x;
  };
  const Buffer<T> qs = repeat(q, 2), ks = repeat(k, 2), vs = repeat(v, 1);
  const T r = static_cast<T>(file.in("r")[0]);
  const Problem p{.batch = 1, .tokens = L, .heads = 1, .keys = 2, .values = 1, .chunks = {32, 64, 1024}};
  every_way<Decayed, T>(Decayed::In<const T>{.q = qs, .k = ks, .v = vs, .a = parameter(&r, 1, 1)}, p, [&](const Outcome& x) {
    Buffer<double> given(1, 6, 1, 1);
    for (Index n = 0; n < 6; ++n) given[n] = x.y[Index(at[to_size(n)])];
    agrees(given, arrange(o, "bthf"), tolerance<T>(file));
    agrees(x.m, arrange(state, "bhrf"), tolerance<T>(file));
    agrees(x.z, arrange(z, "bhf"), tolerance<T>(file));
    bool finite = true;
    for (const double y : x.y) finite = finite && std::isfinite(y);
    CHECK(finite);
  });
}

// A decay close to 1 must not be rounded to the type of the activations.
TEMPLATE_TEST_CASE("gates keep their digits beside short activations", "[cases][lowp_01]", float, double) {
  using T = TestType;
  const Case file(case_path("lowp_01"));
  const Array g = file.in("g"), at = file.in("t"), o = file.out("o_at_t"), state = file.out("final_state");
  const Index L = 4096;
  const auto repeat = [&](const char* name) {
    const Array block = file.in(name);
    Buffer<Bfloat16> x(1, L, 1, 2);
    for (Index n = 0; n < x.size(); ++n) {
      x[n] = Bfloat16(block[to_size(n % 128)]);
      REQUIRE(double(static_cast<float>(x[n])) == block[to_size(n % 128)]);
    }
    return x;
  };
  const Buffer<Bfloat16> q = repeat("q_block"), k = repeat("k_block"), v = repeat("v_block");
  const float gates[] = {static_cast<float>(g[0]), static_cast<float>(g[1])};
  struct Mixed { View<const Bfloat16> q, k, v; View<const float> g; };
  const Mixed in{q, k, v, View<const float>(gates, {1, 1, 1, 1, 2}, {0, 0, 0, 0, 1})};
  const Problem p{.batch = 1, .tokens = L, .heads = 1, .keys = 2, .values = 2, .chunks = {16, 64}};
  Buffer<double> at_recurrent;
  every_way<GatedAttention, T>(in, p, [&](const Outcome& x) {
    Buffer<double> given(1, 5, 1, 2);
    for (Index n = 0; n < 5; ++n)
      for (Index d = 0; d < 2; ++d) given.view()(0, n, 0, d) = x.y.view()(0, Index(at[to_size(n)]), 0, d);
    agrees(given, arrange(o, "bthf"), tolerance<T>(file));
    agrees(x.m, arrange(state, "bhrf"), tolerance<T>(file));
    if (x.way.starts_with("recurrent") && at_recurrent.size() == 0) at_recurrent = x.y;
  });
  // An output of the short type is the other one, rounded once: the state is not rounded with it.
  Buffer<Bfloat16> y(1, L, 1, 2);
  recurrent(Threads{}, GatedAttention{}, in, y.view(), Options<T>{});
  bool rounded = true;
  for (Index n = 0; n < y.size(); ++n) rounded = rounded && y[n].bits == Bfloat16(at_recurrent[n]).bits;
  CHECK(rounded);
}
