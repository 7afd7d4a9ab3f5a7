// SPDX-License-Identifier: MIT
// One decay per value channel: signs, turns, complex inputs and outputs.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Signed : Mixer<expand::Data<>, oscillation::Multiplier<Axes::value>, shrink::Data<>> {};
struct ComplexInput
    : Mixer<expand::One, Stage<LogTerm<Data<in::g, Axes::value, map::LogSigmoid<>>>, PhaseTerm<Learned<in::phase, Axes::value>>>,
            shrink::One, Input<Data<in::v, Axes::value>, Data<in::x, Axes::value>>, project::Complex> {};
struct Lanes : Mixer<expand::PerValue<>, oscillation::Polar<Axes::value>, shrink::PerValue<>> {};
struct Preserving : Mixer<Stage<Tied<tie::VariancePreserving>, FactorTerm<Data<in::i, Axes::value, map::Sigmoid>>>,
                          oscillation::PerValue<map::LogSigmoid<>>, shrink::One> {};

}  // namespace

TEMPLATE_TEST_CASE("one decay per value channel: modes agree with the definition", "[property]", Signed, ComplexInput, Lanes, Preserving) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("one decay per value channel: what changes no bit", "[property]", Signed, ComplexInput, Lanes, Preserving) {
  Invariants<TestType>(3000).all();
}
