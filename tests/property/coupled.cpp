// SPDX-License-Identifier: MIT
// Couplings between keys: a token erases along one direction and writes along another.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
using Key = FactorTerm<Data<in::k, Axes::key, map::L2Norm>>;
struct Delta : Mixer<Stage<Key, Beta>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, LowRank<Stage<Key, Beta>, Stage<Key>>>,
                     shrink::Data<map::RsqrtKeys>> {};
struct EraseFirst
    : Mixer<Stage<Key, Beta>,
            Stage<LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>, LowRank<Stage<Key, Beta>, Stage<Key>, Order::before_decay>>,
            shrink::Data<>, Previous> {};

}  // namespace

TEMPLATE_TEST_CASE("couplings: modes agree with the definition", "[property]", Delta, EraseFirst) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("couplings: what changes no bit", "[property]", Delta, EraseFirst) { Invariants<TestType>(3000).all(); }
