// SPDX-License-Identifier: MIT
// Numbers stored in fewer bits than they are computed in.
#include "support/invariants.hpp"

#include <lcsm/tensor/half.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Gated : Mixer<expand::Data<>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Data<map::RsqrtKeys>> {};
struct Sampled : Mixer<Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>,
                       oscillation::Discretised<Data<in::delta, Axes::value, map::Softplus>, Learned<in::A, Axes::matrix, map::NegExp>>,
                       shrink::Data<map::Identity, in::C>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {};

}  // namespace

TEMPLATE_TEST_CASE("storage: float, computed in double", "[property]", Gated, Sampled) { check_modes<TestType, float, double>(1000); }
TEMPLATE_TEST_CASE("storage: two bytes, computed in float", "[property]", Gated, Sampled) { check_modes<TestType, Bfloat16, float>(2000); }
TEMPLATE_TEST_CASE("storage: two bytes, what changes no bit", "[property]", Gated) { Invariants<TestType, Bfloat16, float>(3000).all(); }
