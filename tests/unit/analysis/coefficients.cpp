// SPDX-License-Identifier: MIT
// alpha by impulses through the recurrent mode against alpha from the row (A, b, phi, eta), one mixer for every part of the algebra. All published ones: published.cpp.
#include "impulses.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/rwkv4.hpp>
#include <lcsm/mixers/s5.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {
namespace {

// Composed here: a turning memory per key and a decay per value channel, read before the write, the own token by a bonus, twice the real part.
struct Mine : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g, Axes::value, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase>>>, shrink::Data<>, Bonus<FactorTerm<Learned<in::u>>>, project::TwiceReal> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}, u{}; };
};

}  // namespace
}  // namespace lcsm

TEST_CASE("coefficients by impulses and from the row agree", "[analysis]") {
  using namespace lcsm;
  test::check_impulses<GatedDeltaNet>("a coupling under a decay", 1);
  test::check_impulses<Mamba>("elementwise, tied writes, a skip", 2);
  test::check_impulses<Mlstm>("a running maximum and a guarded quotient", 3);
  test::check_impulses<Rwkv4>("a running maximum per channel, reads before the write, a bonus", 4);
  test::check_impulses<LightNet>("means", 5);
  test::check_impulses<S5>("complex inputs and outputs", 6);
  test::check_impulses<LongConvolution>("a shift", 7);
  test::check_impulses<Mine>("a composition of one's own", 8);
}

TEST_CASE("a head of a sequence, another order, a part", "[analysis]") {
  using namespace lcsm;
  test::Random random(9);
  const test::RandomInputs<GatedDeltaNet, double> inputs({.batch = 2, .tokens = 7, .heads = 2, .keys = 3, .values = 2}, {.broadcast = false}, random);
  const std::vector<Index> order{3, 0, 6, 1, 5, 2, 4};
  const analysis::Dynamics d = analysis::dynamics(GatedDeltaNet{}, inputs.in, {.batch = 1, .head = 1}), shuffled = analysis::dynamics(GatedDeltaNet{}, inputs.in, {.batch = 1, .head = 1, .order = order});
  REQUIRE(d.tokens == 7);
  REQUIRE(d.values == 2);
  for (Index t = 0; t < 7; ++t)
    for (Index a = 0; a < 3; ++a) {
      const std::size_t to = shuffled.at(t, 0) + to_size(a), from = d.at(order[to_size(t)], 0) + to_size(a);
      CHECK(shuffled.read[to] == d.read[from]);
      CHECK(shuffled.write[to] == d.write[from]);
      CHECK(shuffled.decay[to] == d.decay[from]);
      CHECK(shuffled.erase[to] == d.erase[from]);
    }
  const analysis::Coefficients all = analysis::coefficients(d), part = analysis::coefficients(d.prefix(4));
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j) CHECK(part.at(i, j) == all.at(i, j));
  CHECK_THROWS_AS(analysis::dynamics(GatedDeltaNet{}, inputs.in, {.batch = 2}), ShapeError);
  CHECK_THROWS_AS(analysis::dynamics(GatedDeltaNet{}, inputs.in, {.head = -1}), ShapeError);
  CHECK_THROWS_AS(analysis::dynamics(GatedDeltaNet{}, inputs.in, {.order = {0, 1}}), ShapeError);
}

// The row of the mixer as data: mLSTM's A is its forget gate, and its b exp(i).
TEST_CASE("the row of a mixer", "[analysis]") {
  using namespace lcsm;
  test::Random random(10);
  const test::Shape n{.batch = 1, .tokens = 5, .heads = 1, .keys = 3, .values = 2};
  const test::RandomInputs<Mlstm, double> m({n}, {.dense = true, .broadcast = false, .groups = false}, random);
  const analysis::Dynamics d = analysis::dynamics(Mlstm{}, m.in, {.values = 2});
  CHECK(d.normaliser == analysis::Eta::quotient);
  CHECK(d.structure == Structure::scalar);
  CHECK(d.state_numbers == 3 * 2 + 3 + 1);
  for (Index t = 0; t < 5; ++t) {
    CHECK(std::abs(d.scale[to_size(t)] / std::exp(m.in.i(0, t, 0, 0)) - 1) < 1e-14);
    for (Index a = 0; a < 3; ++a) {
      const std::size_t at = d.at(t, 0) + to_size(a);
      CHECK(std::abs(d.write[at] * std::exp(d.log_scale[to_size(t)]) - d.scale[to_size(t)] * m.in.k(0, t, 0, a)) < 1e-14);
      CHECK(std::abs(d.decay[at] - 1 / (1 + std::exp(-m.in.f(0, t, 0, 0)))) < 1e-15);
    }
  }
}
