// SPDX-License-Identifier: MIT
// Every memory entry over its own total weight.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Steep {
  template <class V> static V apply(V x) { return map::constant<V>(100) * x; }
};
struct Plain : Mixer<expand::Exp<Steep>, oscillation::Identity, shrink::Data<map::RsqrtKeys>, Mean> {};
struct Forgetting : Mixer<expand::Exp<>, Stage<LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>, SignTerm<Data<in::g, Axes::key, map::Sign>>>, shrink::Data<>, Mean> {};
struct Weighted : Mixer<Stage<LogTerm<Data<in::k>>, FactorTerm<Data<in::beta, Axes::one>>>, oscillation::Scalar<map::LogSigmoid<>>,
                        shrink::Data<map::Softmax>, Mean, Skip<Learned<in::D, Axes::value>>> {};

}  // namespace

TEMPLATE_TEST_CASE("means: modes agree with the definition", "[property]", Plain, Forgetting, Weighted) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("means: what changes no bit", "[property]", Plain, Forgetting, Weighted) { Invariants<TestType>(3000).all(); }
