// SPDX-License-Identifier: MIT
// The reference adjoint against central differences of the reference: with states, packed sequences, masks, directions, grouped heads, repeated axes.
#include "support/vjp_mixers.hpp"

using namespace lcsm::test;
using namespace lcsm::test::vjp_mixers;

TEMPLATE_TEST_CASE("reference_vjp: planes, readouts, couplings", "[property]", Everything, WideBonus, ComplexDelta, SignedStill) { check_gradients<TestType>(1000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: codes", "[property]", SoftCodebook) { check_gradients<TestType>(4000, 12); }
#if defined(LCSM_LONG_TESTS)                               // goldens have them too
TEMPLATE_TEST_CASE("reference_vjp: running maxima and means", "[property]", Lstm, Rwkv, Means) { check_gradients<TestType>(2000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: ties", "[property]", StillHold, BilinearRule, Complement) { check_gradients<TestType>(3000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: more of them", "[property]", SignedBonus, Delta, DividedDelta, PhasedMax, ZeroOrderHold, RealHold, Euler, Still, Preserving, Codes, Codebook) {
  check_gradients<TestType>(5000, 12);
}
#endif
