// SPDX-License-Identifier: MIT
// A step allocates nothing and throws nothing: a server may take it between two frames.
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/step.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace {

using namespace lcsm;

struct Polar : Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<map::RsqrtKeys>> {};
struct Maximum : Mixer<Stage<LogTerm<Data<in::k, Axes::value>>>, Stage<LogTerm<Learned<in::w, Axes::value, map::NegExp>>>, shrink::One,
                       Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<>> {};
struct Sampled : Mixer<Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>,
                       oscillation::Discretised<Data<in::delta, Axes::value, map::Softplus>, Learned<in::A, Axes::matrix, map::NegExp>>,
                       shrink::Data<map::Identity, in::C>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {};
struct Means : Mixer<expand::Exp<>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Data<map::Softmax>, Mean> {};
struct Codes : Mixer<expand::Code<>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Code<>> {};
using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
using Key = FactorTerm<Data<in::k, Axes::key, map::L2Norm>>;
struct Delta : Mixer<Stage<Key, Beta>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, LowRank<Stage<Key, Beta>, Stage<Key>>>,
                     shrink::Data<>> {};

template <class M, class S, class T> void check_step() {
  test::Random random(3);
  const test::Shape n{2, 1, 4, test::has_keys<M>() ? 9 : 1, 19};
  const test::RandomInputs<M, S> inputs(n, {}, random);
  const test::Guarded<S> y({n.batch, 1, n.heads, 1, M::projection::parts * n.values}, test::Layout::strided, random);
  State<M, T> state(n.batch, n.heads, n.keys, n.values);
  static_assert(noexcept(step(M{}, inputs.in, y.view, state)));
  const long before = test::allocations;
  for (int t = 0; t < 3; ++t) step(M{}, inputs.in, y.view, state);
  const long after = test::allocations;
  CHECK(after == before);
  CHECK(state.view().position.at(1, 0, 0, 0, 0) == 3);
}

}  // namespace

TEST_CASE("allocations are counted", "[step]") {
  const long before = test::allocations;
  { const Buffer<float> one(3); }
  if (test::allocations_count) CHECK(test::allocations > before);
}
TEMPLATE_TEST_CASE("a step allocates nothing", "[step]", Polar, Maximum, Sampled, Means, Codes, Delta) {
  check_step<TestType, float, float>();
  check_step<TestType, double, double>();
  check_step<TestType, float, double>();
}
