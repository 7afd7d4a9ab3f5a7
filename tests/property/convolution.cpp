// SPDX-License-Identifier: MIT
// Time-invariant mixers, which are convolutions too: an elementwise complex system, signs, complex inputs and outputs, mapped inputs, a bonus.
#include "support/convolution_mixers.hpp"
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

}  // namespace

TEST_CASE("a time-invariant mixer as a convolution: modes agree with the definition", "[property]") { check_modes<System, float, float>(1000); }
TEST_CASE("a time-invariant mixer as a convolution: what changes no bit", "[property]") { Invariants<Early>(3000).all(); }
#ifdef LCSM_LONG_TESTS
TEMPLATE_TEST_CASE("other time-invariant mixers as convolutions", "[property]", MappedParts, Coupled) { check_modes<TestType, float, float>(1000); }
TEST_CASE("a time-invariant mixer as a convolution, in double and mixed", "[property]") {
  check_modes<System, double, double>(4000), check_modes<MappedParts, float, double>(5000), check_modes<Early, float, float>(6000);
  check_matrix<System, double>(7000);
  Invariants<System>(8000).all();
}
#endif
