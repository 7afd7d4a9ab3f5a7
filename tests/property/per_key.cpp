// SPDX-License-Identifier: MIT
// One decay per key, with turns, a bonus and a tied write.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Gated : Mixer<expand::Data<>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Data<map::RsqrtKeys>> {};
struct Polar : Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<>> {};
struct BonusPerKey : Mixer<expand::Data<>, oscillation::PerKey<map::NegExp, in::w>, shrink::Data<>, Bonus<FactorTerm<Learned<in::u>>>> {};
struct TiedWrite : Mixer<expand::Tied<tie::Complement>, Stage<Term<Plane::log, combine::LowerBound, Data<in::f>, Learned<in::lower_bound>>>,
                         shrink::Data<map::RsqrtKeys>> {};

}  // namespace

TEMPLATE_TEST_CASE("one decay per key: modes agree with the definition", "[property]", Gated, Polar, BonusPerKey, TiedWrite) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("one decay per key: what changes no bit", "[property]", Gated, Polar, BonusPerKey, TiedWrite) {
  Invariants<TestType>(3000).all();
}
