// SPDX-License-Identifier: MIT
// One decay per head: fixed, of the token, and a turn.
#include "support/invariants.hpp"

#include <lcsm/stage/rules.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Retained : Mixer<expand::Data<map::RotaryPairs>, oscillation::FixedDecay<rule::Retention>,
                        shrink::Data<map::Then<map::RotaryPairs, map::RsqrtKeys>>> {};
struct Discretised : Mixer<Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>,
                           oscillation::Discretised<Data<in::delta, Axes::one, map::Softplus>, Learned<in::A, Axes::one, map::NegExp>>,
                           shrink::Data<map::Identity, in::C>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::one>>> {};
struct Turning
    : Mixer<expand::Data<map::EluPlusOne>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Learned<in::w, Axes::one>>>,
            shrink::Data<map::EluPlusOne>, Quotient<guard::Floor<-1>>> {};

}  // namespace

TEMPLATE_TEST_CASE("one decay per head: modes agree with the definition", "[property]", Retained, Discretised, Turning) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("one decay per head: what changes no bit", "[property]", Retained, Discretised, Turning) { Invariants<TestType>(3000).all(); }
