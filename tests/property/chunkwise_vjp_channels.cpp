// SPDX-License-Identifier: MIT
// The adjoint of chunks where value channels decay, each by itself: alone and with keys, every readout, signs and zeros, denominators per channel.
#include "chunkwise_vjp.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using ValueGate = LogTerm<Data<in::f, Axes::value, map::LogSigmoid<>>>;
struct RankOne : Mixer<expand::Data<>, oscillation::RankOne<map::LogSigmoid<>>, shrink::Data<>> {};
struct Signed : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g, Axes::value, map::LogAbs>>, SignTerm<Data<in::g, Axes::value, map::Sign>>, LogTerm<Learned<in::w, Axes::one, map::NegExp>>>,
                      Stage<FactorTerm<Data<in::q>>, FactorTerm<Data<in::b, Axes::value>>>, Previous> {};
struct Bonused : Mixer<expand::Data<>, Stage<ValueGate>, shrink::Data<>, Bonus<FactorTerm<Data<in::u>>>> {};
struct Divided : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::beta, Axes::value, map::Sigmoid>>>, Stage<Gate, ValueGate>, shrink::Data<map::Sigmoid>, Quotient<guard::Add<0>>, Previous> {};
static_assert(by_products<RankOne, Signed, Bonused, Divided>);

}  // namespace

TEMPLATE_TEST_CASE("chunkwise_vjp: decays of value channels", "[property]", RankOne, Signed, Bonused, Divided) { check<TestType, double>(300); }
TEMPLATE_TEST_CASE("chunkwise_vjp: decays of value channels in float", "[property]", RankOne, Divided) { check<TestType, float>(310); }
TEST_CASE("chunkwise_vjp: decays of value channels that close", "[property]") {
  check_closed<Signed>(320, {0.0, -0.0}), check_closed<RankOne>(321, {-50, -std::numeric_limits<double>::infinity()});
}
