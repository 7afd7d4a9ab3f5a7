// SPDX-License-Identifier: MIT
// A decay per key times one per value channel.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Plain : Mixer<expand::Data<>, oscillation::RankOne<map::LogSigmoid<>>, shrink::Data<>> {};
struct Normalised : Mixer<expand::Data<map::EluPlusOne>, oscillation::RankOne<map::LogSigmoid<>>, shrink::Data<map::EluPlusOne>,
                          Quotient<guard::Add<-3>>> {};
struct Early : Mixer<expand::Data<>,
                     Stage<LogTerm<Data<in::g, Axes::key, map::LogAbs>>, SignTerm<Data<in::g, Axes::key, map::Sign>>,
                           LogTerm<Data<in::f, Axes::value, map::NegSquare>>>,
                     Stage<FactorTerm<Data<in::q>>, FactorTerm<Data<in::x, Axes::value>>>, Previous> {};

}  // namespace

TEMPLATE_TEST_CASE("a decay per key times one per value channel: modes agree with the definition", "[property]", Plain, Normalised, Early) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("a decay per key times one per value channel: what changes no bit", "[property]", Plain, Normalised, Early) {
  Invariants<TestType>(3000).all();
}
