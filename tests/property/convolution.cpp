// SPDX-License-Identifier: MIT
// Time-invariant mixers, which are convolutions too: an elementwise complex system, signs, complex inputs and outputs, mapped inputs, a bonus.
#include "support/invariants.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct System
    : Mixer<Stage<FactorTerm<Learned<in::B, Axes::matrix>>>, Stage<LogTerm<Learned<in::g, Axes::matrix, map::LogSigmoid<1>>>, PhaseTerm<Learned<in::phase, Axes::matrix>>>,
            Stage<FactorTerm<Learned<in::C, Axes::matrix>>>, Input<Data<in::v, Axes::value>>, project::TwiceReal, Skip<Learned<in::D, Axes::value>>> {};
struct BothParts
    : Mixer<Stage<ComplexFactor<Learned<in::B>, Learned<in::B_imag>>>, Stage<LogTerm<Learned<in::g, Axes::key, map::LogSigmoid<1>>>, PhaseTerm<Learned<in::phase, Axes::key>>>,
            Stage<FactorTerm<Learned<in::C>>>, Input<Data<in::v, Axes::value, map::Tanh>, Data<in::x, Axes::value>>, project::Complex, Skip<Data<in::D, Axes::value>>> {};
struct Coupled : Mixer<Stage<FactorTerm<Learned<in::B>>>, Stage<LogTerm<Learned<in::g, Axes::key, map::LogSigmoid<1>>>, LowRank<Stage<FactorTerm<Learned<in::b, Axes::key, map::L2Norm>>, FactorTerm<Learned<in::beta, Axes::one, map::Sigmoid>>>, Stage<FactorTerm<Learned<in::b, Axes::key, map::L2Norm>>>, Order::after_decay>>,
                       Stage<FactorTerm<Learned<in::C>>>> {};
struct Early : Mixer<Stage<FactorTerm<Learned<in::B>>>, Stage<LogTerm<Learned<in::g, Axes::one, map::LogSigmoid<1>>>, SignTerm<Learned<in::a, Axes::one, map::Sign>>>,
                     Stage<FactorTerm<Learned<in::C>>>, Bonus<FactorTerm<Learned<in::u, Axes::one>>>> {};

}  // namespace

TEST_CASE("a time-invariant mixer as a convolution: modes agree with the definition", "[property]") { check_modes<System, float, float>(1000); }
TEST_CASE("a time-invariant mixer as a convolution: what changes no bit", "[property]") { Invariants<Early>(3000).all(); }
#ifdef LCSM_LONG_TESTS
TEMPLATE_TEST_CASE("other time-invariant mixers as convolutions", "[property]", BothParts, Coupled) { check_modes<TestType, float, float>(1000); }
TEST_CASE("a time-invariant mixer as a convolution, in double and mixed", "[property]") {
  check_modes<System, double, double>(4000), check_modes<BothParts, float, double>(5000), check_modes<Early, float, float>(6000);
  check_matrix<System, double>(7000);
  Invariants<System>(8000).all();
}
#endif
