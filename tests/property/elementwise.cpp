// SPDX-License-Identifier: MIT
// Coefficients per memory entry: sampled systems, and gates of the token.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using StepSize = Learned<in::delta, Axes::value, map::Exp>;
struct Selective : Mixer<Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>,
                         oscillation::Discretised<Data<in::delta, Axes::value, map::Softplus>, Learned<in::A, Axes::matrix, map::NegExp>>,
                         shrink::Data<map::Identity, in::C>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {};
struct Diagonal : Mixer<expand::Tied<tie::ZeroOrderHold>,
                        oscillation::Discretised<StepSize, Learned<in::A, Axes::matrix, map::NegExp>,
                                                 Term<Plane::phase, combine::Product, StepSize, Learned<in::A_imag, Axes::matrix>>>,
                        Stage<ComplexFactor<Learned<in::C, Axes::matrix>, Learned<in::C_imag, Axes::matrix>>>,
                        Input<Data<in::x, Axes::value>>, project::TwiceReal, Skip<Learned<in::D, Axes::value>>> {};
struct Gated : Mixer<expand::Data<map::EluPlusOne>, oscillation::Elementwise<map::LogSigmoid<>>, shrink::Data<map::EluPlusOne>,
                     Quotient<guard::Add<-3>>> {};

}  // namespace

TEMPLATE_TEST_CASE("a coefficient per memory entry: modes agree with the definition", "[property]", Selective, Diagonal, Gated) {
  check_modes<TestType, float, float>(1000);
#ifdef LCSM_LONG_TESTS                                      // the conformance program runs both types every day
  check_modes<TestType, double, double>(2000);
#endif
  check_matrix<TestType, float>(2500);
}
TEMPLATE_TEST_CASE("a coefficient per memory entry: what changes no bit", "[property]", Selective, Diagonal, Gated) {
  Invariants<TestType>(3000).all();
}
