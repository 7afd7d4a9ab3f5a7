// SPDX-License-Identifier: MIT
// Exponential writes under a running maximum: per head, per value channel, and over the keys.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

template <int N> struct Times {
  template <class V> static V apply(V x) { return map::constant<V>(N) * x; }
};
using Steep = Times<100>;                                   // far outside of what exp can hold in float
using Wide = Times<60>;                                     // below 80, where AtLeastOne caps its exponent and so begins to depend on the scale
struct PerChannel : Mixer<Stage<LogTerm<Data<in::k, Axes::value, Steep>>>, Stage<LogTerm<Learned<in::w, Axes::value, map::NegExp>>>,
                          shrink::One, Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<>> {};
struct PerHead : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::EluPlusOne>>, LogTerm<Data<in::i, Axes::one, Wide>>>,
                       oscillation::Scalar<map::LogSigmoid<>, in::f>, shrink::Data<map::EluPlusOne>, Quotient<guard::AtLeastOne<-6>>,
                       RunningMax<FromZero>> {};
struct OverKeys : Mixer<expand::Exp<>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Data<map::EluPlusOne>,
                        Quotient<guard::AtLeastOne<-6>>, RunningMax<FromZero>> {};  // the guard sees the scale

}  // namespace

TEMPLATE_TEST_CASE("running maxima: modes agree with the definition", "[property]", PerChannel, PerHead, OverKeys) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("running maxima: what changes no bit", "[property]", PerChannel, PerHead, OverKeys) { Invariants<TestType>(3000).all(); }
