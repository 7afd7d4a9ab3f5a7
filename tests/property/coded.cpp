// SPDX-License-Identifier: MIT
// Codes: one row of the memory is written, one or all of them are read.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Table : Mixer<expand::Code<>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Code<>> {};
struct Counted : Mixer<Stage<FactorTerm<OneHot<in::code>>, FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>>, oscillation::Identity,
                       shrink::Code<>, Quotient<guard::Add<-3>>> {};
struct Codebook : Mixer<expand::Code<>, oscillation::Identity, shrink::CodebookExp<>, Quotient<guard::Add<-3>>> {};
struct ReadAlone : Mixer<expand::Data<>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Code<>> {};

}  // namespace

TEMPLATE_TEST_CASE("codes: modes agree with the definition", "[property]", Table, Counted, Codebook, ReadAlone) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("codes: what changes no bit", "[property]", Table, Counted, Codebook, ReadAlone) { Invariants<TestType>(3000).all(); }
