// SPDX-License-Identifier: MIT
// The adjoint of chunks against that of the definition: structures, channel sides, readouts, gates that close, and how time is cut.
#include "chunkwise_vjp.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

template <Axes X = Axes::key> using Open = FactorTerm<Data<std::conditional_t<X == Axes::key, in::k, in::beta>, X, map::Sigmoid>>;
struct Ring {
  static double at(const Where&, Index a) { return 0.3 * double(a + 1); }
};

struct Plain : Mixer<Stage<FactorTerm<Data<in::k>>, Beta>, oscillation::Identity, shrink::Data<map::Silu>> {};
struct Headed : Mixer<expand::Data<>, oscillation::Scalar<map::LogSigmoid<>>, Stage<FactorTerm<Data<in::q>>, FactorTerm<Data<in::b, Axes::value>>>, Skip<Learned<in::D, Axes::value>>> {};
struct Keyed : Mixer<Stage<Tied<tie::Complement>, FactorTerm<Data<in::beta, Axes::value>>>, Stage<Gate, LogTerm<Learned<in::w, Axes::one, map::NegExp>>>, shrink::Data<>> {};
struct Divided : Mixer<Stage<Open<>, Open<Axes::value>>, Stage<Gate>, Stage<FactorTerm<Data<in::q, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::b, Axes::value, map::Sigmoid>>>, Quotient<guard::Add<0>>> {};
struct EarlyHead : Mixer<Stage<Open<>>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<map::Sigmoid>, Previous, Quotient<guard::AtLeastOne<-3>>> {};
template <Axes X> struct SignedBonus : Mixer<expand::Data<>, oscillation::Multiplier<X>, shrink::Data<>, Bonus<FactorTerm<Data<in::u, Axes::key, map::Exp>>>> {};
struct Turned : Mixer<expand::Data<>, Stage<Gate, PhaseTerm<Data<in::phase>>>, shrink::Data<>> {};
struct TurnedWhole : Mixer<Stage<ComplexFactor<Data<in::B>, Data<in::B_imag>>>, Stage<HeadGate, PhaseTerm<Learned<in::phase, Axes::one>>>, shrink::Data<>,
                           Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>, project::Complex, Bonus<FactorTerm<Data<in::u>>>> {};
struct TurnedSides : Mixer<Stage<Open<>>, Stage<HeadGate, PhaseTerm<Fixed<Ring, Axes::key>>, PhaseTerm<Fixed<Ring, Axes::value>>>,
                           Stage<FactorTerm<Data<in::q, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::b, Axes::value>>>, Quotient<guard::AtLeastOne<0>>> {};

static_assert(by_products<Plain, Headed, Keyed, Divided, EarlyHead, SignedBonus<Axes::one>, SignedBonus<Axes::key>, Turned, TurnedWhole, TurnedSides>);

}  // namespace

TEMPLATE_TEST_CASE("chunkwise_vjp: decays of the keys", "[property]", Divided) { check<TestType, double>(20); }
TEMPLATE_TEST_CASE("chunkwise_vjp: memories that turn", "[property]", Turned) { check<TestType, double>(40); }
TEST_CASE("chunkwise_vjp: gates that close under a turn, or hardly do", "[property]") { check_closed<Turned>(62, {-50, -std::numeric_limits<double>::infinity()}), check_closed<Turned>(63, {30, 40, 800}); }
#if defined(LCSM_LONG_TESTS)
TEMPLATE_TEST_CASE("chunkwise_vjp: in float", "[property]", Headed) { check<TestType, float>(50); }
TEMPLATE_TEST_CASE("chunkwise_vjp: one decay for all keys", "[property]", EarlyHead) { check<TestType, double>(10); }
TEMPLATE_TEST_CASE("chunkwise_vjp: more of them", "[property]", Plain, Headed, Keyed, TurnedWhole, TurnedSides) { check<TestType, double>(10); }
TEMPLATE_TEST_CASE("chunkwise_vjp: multipliers of either sign", "[property]", SignedBonus<Axes::one>, SignedBonus<Axes::key>) { check<TestType, double>(30); }
TEMPLATE_TEST_CASE("chunkwise_vjp: more of them in float", "[property]", Divided, Turned) { check<TestType, float>(50); }
TEST_CASE("chunkwise_vjp: gates that close", "[property]") {
  constexpr double closed = -std::numeric_limits<double>::infinity();
  check_closed<Headed>(60, {-50, closed}), check_closed<Keyed>(61, {-50, closed});
  check_closed<SignedBonus<Axes::one>>(63, {0.0, -0.0}), check_closed<SignedBonus<Axes::key>>(64, {0.0, -0.0});
}
TEMPLATE_TEST_CASE("chunkwise_vjp: threads", "[property]", Headed, Divided, Turned) { check_threads<TestType>(70); }
#endif
