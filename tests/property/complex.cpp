// SPDX-License-Identifier: MIT
// Complex reads and writes, turns of both axes, a complex quotient.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Ends : Mixer<Stage<ComplexFactor<Data<in::B>, Data<in::B_imag>>>, oscillation::Polar<>,
                    Stage<ComplexFactor<Data<in::C>, Data<in::C_imag>>>, project::TwiceReal> {};
struct BothTurns
    : Mixer<expand::Data<>,
            Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase>>, PhaseTerm<Data<in::f, Axes::value>>>,
            shrink::Data<>, Input<Data<in::v, Axes::value>, Data<in::x, Axes::value>>, project::Complex> {};
struct Quotients : Mixer<expand::Data<map::EluPlusOne>, oscillation::Polar<>, shrink::Data<map::EluPlusOne>, Quotient<guard::Floor<-1>>> {};

}  // namespace

TEMPLATE_TEST_CASE("complex numbers on both ends: modes agree with the definition", "[property]", Ends, BothTurns, Quotients) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("complex numbers on both ends: what changes no bit", "[property]", Ends, BothTurns, Quotients) {
  Invariants<TestType>(3000).all();
}
