// SPDX-License-Identifier: MIT
// The adjoint of every mode against that of the definition, within the bound of support/gradient_bound.hpp.
#include "support/vjp_mixers.hpp"

using namespace lcsm::test;
using namespace lcsm::test::vjp_mixers;

TEMPLATE_TEST_CASE("adjoints of modes", "[property]", Everything, WideBonus, ComplexDelta, Rwkv, Means, ZeroOrderHold) { check_mode_gradients<TestType, double>(1000); }
TEMPLATE_TEST_CASE("adjoints of modes in float", "[property]", Codes, Lstm, DividedDelta) { check_mode_gradients<TestType, float>(2000); }
TEST_CASE("adjoints: no thread count changes a bit", "[property]") { check_gradient_bits<Lstm, float>(3000), check_gradient_bits<DividedDelta, float>(4000); }
TEMPLATE_TEST_CASE("adjoints: two calls are one", "[property]", ComplexDelta, Rwkv, Means, ZeroOrderHold, Codes) { check_gradients_of_two_calls<TestType>(5000); }
