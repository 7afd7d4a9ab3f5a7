// SPDX-License-Identifier: MIT
// Parts together that no published mixer has together.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Everything : Mixer<Stage<FactorTerm<Data<in::k>>, FactorTerm<Data<in::beta, Axes::value, map::Sigmoid>>,
                                FactorTerm<Data<in::i, Axes::one, map::Sigmoid>>>,
                          Stage<LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>, PhaseTerm<Learned<in::phase>>,
                                SignTerm<Data<in::a, Axes::value, map::Sign>>>,
                          Stage<FactorTerm<Data<in::q, Axes::key, map::Silu>>, FactorTerm<Learned<in::C, Axes::value>>>, Previous,
                          Skip<Data<in::D, Axes::value>>> {};
struct SignedBonus : Mixer<expand::Data<map::Square>, oscillation::Multiplier<Axes::key>, shrink::Data<map::EluPlusOne>,
                           Bonus<FactorTerm<Data<in::u, Axes::key, map::Exp>>>> {};
struct WideBonus : Mixer<expand::Data<map::EluPlusOne>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<map::EluPlusOne>,
                         Bonus<FactorTerm<Learned<in::u, Axes::value, map::Exp>>>, Quotient<guard::Add<0>>> {};

}  // namespace

TEMPLATE_TEST_CASE("compositions of no paper: modes agree with the definition", "[property]", Everything, SignedBonus, WideBonus) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("compositions of no paper: what changes no bit", "[property]", Everything, SignedBonus, WideBonus) {
  Invariants<TestType>(3000).all();
}
