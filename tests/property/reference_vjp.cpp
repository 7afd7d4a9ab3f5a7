// SPDX-License-Identifier: MIT
// The reference adjoint against central differences of the reference: with states, packed sequences, masks, directions, grouped heads, repeated axes.
#include "support/vjp_mixers.hpp"

using namespace lcsm::test;
using namespace lcsm::test::vjp_mixers;

TEMPLATE_TEST_CASE("reference_vjp: planes, readouts, couplings", "[property]", Everything, SignedBonus, WideBonus, Delta, ComplexDelta, DividedDelta) { check_gradients<TestType>(1000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: running maxima and means", "[property]", Lstm, Rwkv, PhasedMax, Means) { check_gradients<TestType>(2000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: ties", "[property]", ZeroOrderHold, StillHold, RealHold, Euler, Still, BilinearRule, Complement, Preserving) { check_gradients<TestType>(3000, 12); }
TEMPLATE_TEST_CASE("reference_vjp: codes", "[property]", Codes, Codebook, SoftCodebook) { check_gradients<TestType>(4000, 12); }
