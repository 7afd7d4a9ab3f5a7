// SPDX-License-Identifier: MIT
// No decay: plain sums, with denominators and with reads of the previous memory.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Plain : Mixer<expand::Data<>, oscillation::Identity, shrink::Data<>> {};
struct Normalised : Mixer<expand::Data<map::EluPlusOne>, oscillation::Identity, shrink::Data<map::EluPlusOne>, Quotient<guard::Add<-6>>> {};
struct Earlier : Mixer<expand::Data<map::Relu>, oscillation::Identity, shrink::Data<>, Previous, Skip<Learned<in::D, Axes::value>>> {};

}  // namespace

TEMPLATE_TEST_CASE("no decay: modes agree with the definition", "[property]", Plain, Normalised, Earlier) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("no decay: what changes no bit", "[property]", Plain, Normalised, Earlier) { Invariants<TestType>(3000).all(); }
