// SPDX-License-Identifier: MIT
// The adjoint of chunks where logs are weights: running maxima and means, with their states; and of mixers whose chunks go token by token.
#include "chunkwise_vjp.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using HeadLog = LogTerm<Data<in::i, Axes::one>>;
struct Lstm : Mixer<Stage<FactorTerm<Data<in::k>>, HeadLog>, Stage<HeadGate>, shrink::Data<>, Quotient<guard::AtLeastOne<-6>>, RunningMax<FromZero>> {};
struct Bonused : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::Sigmoid>>, HeadLog>, Stage<HeadGate>, Stage<FactorTerm<Data<in::q, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::b, Axes::value, map::Sigmoid>>>,
                       Bonus<LogTerm<Learned<in::u, Axes::one>>>, Quotient<guard::Add<0>>, RunningMax<>> {};
struct Earlier : Mixer<Stage<FactorTerm<Data<in::k>>, HeadLog>, Stage<HeadGate>, shrink::Data<>, Quotient<guard::AtLeastOne<-6>>, RunningMax<FromZero>, Previous> {};
struct Means : Mixer<Stage<LogTerm<Data<in::k>>, FactorTerm<Data<in::beta, Axes::value>>>, Stage<HeadGate>, shrink::Data<>, Mean> {};
struct KeyMeans : Mixer<Stage<LogTerm<Data<in::k>>, FactorTerm<Data<in::b>>, LogTerm<Learned<in::u, Axes::one>>>, Stage<Gate, SignTerm<Data<in::a, Axes::key, map::Sign>>>, shrink::Data<>, Mean> {};
static_assert(by_products<Lstm, Earlier, Bonused, Means, KeyMeans>);

struct Valued : Mixer<expand::PerValue<>, Stage<LogTerm<Data<in::g, Axes::value, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase, Axes::value>>>, shrink::PerValue<>> {};
struct Rwkv : Mixer<Stage<LogTerm<Data<in::k, Axes::value>>>, Stage<LogTerm<Learned<in::w, Axes::value, map::NegExp>>>, Stage<>, Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<>> {};
static_assert(!by_products<Valued> && !by_products<Rwkv>);

}  // namespace

TEMPLATE_TEST_CASE("chunkwise_vjp: running maxima and means", "[property]", Lstm, Earlier, Bonused, Means, KeyMeans) { check<TestType, double>(200), check<TestType, float>(210); }
TEMPLATE_TEST_CASE("chunkwise_vjp: token by token", "[property]", Valued, Rwkv) { check<TestType, double>(220); }
TEST_CASE("chunkwise_vjp: weights under gates that close", "[property]") {
  constexpr double closed = -std::numeric_limits<double>::infinity();
  check_closed<Lstm>(230, {-50, closed}), check_closed<KeyMeans>(231, {-50, closed});
}
