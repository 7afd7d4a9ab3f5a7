// SPDX-License-Identifier: MIT
// The adjoint of chunks under a coupling: one write and two, erases before and after the decay, gates of heads and keys, real and complex.
#include "chunkwise_vjp.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using UnitKey = FactorTerm<Data<in::k, Axes::key, map::L2Norm>>;
template <class... Gates> using DeltaRule = Stage<Gates..., LowRank<Stage<UnitKey, Beta>, UnitKey>>;

struct Ungated : Mixer<Stage<UnitKey, Beta>, DeltaRule<>, shrink::Data<>, Previous> {};
struct Delta : Mixer<Stage<UnitKey, Beta>, DeltaRule<HeadGate>, Stage<FactorTerm<Data<in::q>>, FactorTerm<Data<in::b, Axes::value>>>> {};
struct Divided : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::Sigmoid>>, Beta>, DeltaRule<Gate>, shrink::Data<map::Sigmoid>, Quotient<guard::Add<0>>> {};
struct Apart : Mixer<expand::Data<map::Tanh>, Stage<Gate, LowRank<FactorTerm<Data<in::b, Axes::key, map::UnitNorm>>, FactorTerm<Data<in::a, Axes::key, map::UnitNorm>>>>, shrink::Data<>, Bonus<FactorTerm<Data<in::u>>>> {};
struct Turned : Mixer<Stage<UnitKey, Beta>, DeltaRule<Gate, PhaseTerm<Data<in::phase>>>, shrink::Data<>> {};
struct TurnedApart : Mixer<expand::Data<map::EluPlusOne>, Stage<Gate, PhaseTerm<Data<in::phase>>, LowRank<FactorTerm<Data<in::b, Axes::key, map::UnitNorm>>, FactorTerm<Data<in::a>>, Order::before_decay>>,
                           shrink::Data<>, Previous> {};
static_assert(by_products<Ungated, Delta, Divided, Apart, Turned, TurnedApart>);

}  // namespace

TEMPLATE_TEST_CASE("chunkwise_vjp: couplings", "[property]", Ungated, Delta, Divided, Apart) { check<TestType, double>(100); }
TEMPLATE_TEST_CASE("chunkwise_vjp: couplings of memories that turn", "[property]", Turned, TurnedApart) { check<TestType, double>(110); }
TEMPLATE_TEST_CASE("chunkwise_vjp: couplings in float", "[property]", Delta, Apart) { check<TestType, float>(120); }
TEST_CASE("chunkwise_vjp: couplings whose gates close", "[property]") {
  constexpr double closed = -std::numeric_limits<double>::infinity();
  check_closed<Delta>(130, {-50, closed}), check_closed<Apart>(131, {-50, closed}), check_closed<Turned>(132, {-50, closed});
}
