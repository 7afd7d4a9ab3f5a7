// SPDX-License-Identifier: MIT
// Strong, nearly closed and closed gates.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

// The gate as a multiplier instead of its log.
struct Multiplied : Mixer<expand::Data<>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

}  // namespace

TEMPLATE_TEST_CASE("strong decays over a whole chunk", "[cases][decay_01]", float, double) {
  const Case file(case_path("decay_01"));
  const GatedInputs<TestType> inputs(file);
  Problem p = inputs.problem();
  p.chunks = {16, 32, 64};
  every_way<GatedAttention, TestType>(inputs.in(), p, agrees_with<TestType>(file, "o", "final_state"));
}

TEMPLATE_TEST_CASE("a gate almost closed for one token, at both ends of sub-blocks", "[cases][decay_02]", float, double) {
  const Case file(case_path("decay_02"));
  const GatedInputs<TestType> inputs(file);
  Problem p = inputs.problem();
  p.chunks = {8, 16, 32, 64};
  every_way<GatedAttention, TestType>(inputs.in(), p, agrees_with<TestType>(file, "o", "final_state"));
}

// The kind: wherever in a chunk or sub-block the strong gate lies, and however strong, the definition is met.
TEMPLATE_TEST_CASE("a strong gate at any place", "[cases][decay_02]", float, double) {
  const Case file(case_path("decay_02"));
  const GatedInputs<double> wide(file);
  GatedInputs<TestType> inputs(file);
  const Index L = 64, H = 2, K = 3, D = 2;
  for (const double strength : {-20.0, -100.0, -1e4, -std::numeric_limits<double>::infinity()})
    for (const Index place : {0, 1, 7, 8, 15, 16, 17, 31, 33, 62, 63}) {
      INFO("log gate " << strength << " at token " << place);
      std::vector<double> g(to_size(L * H * K), -0.01);
      for (Index h = 0; h < H; ++h) g[to_size((place * H + h) * K + h)] = g[to_size((place * H + h) * K + 2)] = strength;
      for (Index n = 0; n < L * H * K; ++n) inputs.g.data.data()[n] = static_cast<TestType>(g[to_size(n)] = double(static_cast<float>(g[to_size(n)])));
      Buffer<double> right(1, L, H, D);
      reference(GatedAttention{}, GatedAttention::In<const double>{wide.q.view(), wide.k.view(), wide.v.view(), lcsm::view(std::as_const(g).data(), 1, L, H, K)}, right.view());
      Buffer<TestType> y(1, L, H, D);
      for (const Way& way : ways_of<GatedAttention, TestType>({8, 16, 64})) {
        INFO(way.name);
        y.fill(std::numeric_limits<TestType>::quiet_NaN());
        run<GatedAttention>(way, Threads{}, inputs.in(), y.view(), Options<TestType>{});
        agrees(widened<TestType>(y.view()), right, tolerance<TestType>(file));
      }
    }
}

TEMPLATE_TEST_CASE("closed gates, and products of gates that underflow", "[cases][decay_04]", float, double) {
  const Case file(case_path("decay_04"));
  const GatedInputs<TestType> inputs(file);
  Problem p = inputs.problem();
  p.chunks = {4, 5, 8, 24};
  every_way<GatedAttention, TestType>(inputs.in(), p, agrees_with<TestType>(file, "o", "final_state"));

  // Gates given as multipliers are rounded to float in the file, for which it allows 1e-6 more.
  const Numbers<TestType> gate(file.in("gate_rounded"), "bthf");
  const GatedAttention::In<const TestType> logs = inputs.in();
  const Array o = file.out("o"), state = file.out("final_state");
  every_way<Multiplied, TestType>(Multiplied::In<const TestType>{logs.q, logs.k, logs.v, gate.view()}, p, [&](const Outcome& x) {
    const double limit = tolerance<TestType>(file) + 1e-6;
    agrees(x.y, arrange(o, "bthf"), limit);
    agrees(x.m, arrange(state, "bhrf"), limit);
  });
}
