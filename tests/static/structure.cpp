// SPDX-License-Identifier: MIT
// Structure, domain and axes are computed from the terms: the short names, and the rules behind them.
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

namespace {
using namespace lcsm;
namespace osc = lcsm::oscillation;

template <class O> constexpr Structure of = structure_of(O::axes);
static_assert(of<osc::Identity> == Structure::identity);
static_assert(of<osc::Scalar<>> == Structure::scalar && of<osc::FixedDecay<rule::Retention>> == Structure::scalar);
static_assert(of<osc::PerKey<>> == Structure::per_key && of<osc::Learned<>> == Structure::per_key && of<osc::Polar<>> == Structure::per_key);
static_assert(of<osc::PerValue<>> == Structure::per_value && of<osc::Multiplier<>> == Structure::per_value);
static_assert(of<osc::RankOne<>> == Structure::rank_one);
static_assert(of<osc::Elementwise<>> == Structure::elementwise && of<osc::Polar<Axes::matrix>> == Structure::elementwise);
static_assert(of<osc::Discretised<Data<in::delta, Axes::one>, Learned<in::A, Axes::one>>> == Structure::scalar);
static_assert(of<osc::Discretised<Data<in::delta, Axes::one>, Learned<in::A, Axes::key>>> == Structure::per_key);
static_assert(of<osc::Discretised<Data<in::delta, Axes::value>, Learned<in::A, Axes::key>>> == Structure::elementwise);

// Terms multiply: the axes are their union.
static_assert(of<Stage<LogTerm<Data<in::g, Axes::one>>, LogTerm<Data<in::f, Axes::key>>>> == Structure::per_key);
static_assert(of<Stage<LogTerm<Data<in::g, Axes::value>>, PhaseTerm<Data<in::phase, Axes::key>>>> == Structure::rank_one);
static_assert(of<Stage<LogTerm<Data<in::g, Axes::matrix>>, LogTerm<Data<in::f, Axes::key>>>> == Structure::elementwise);
// A coupling is beside the diagonal.
static_assert(of<Stage<LogTerm<Data<in::g, Axes::one>>, LowRank<FactorTerm<Data<in::k>>, FactorTerm<Data<in::k>>>>> == Structure::scalar);

template <class E, class O, class S, class... More> using X = Mixer<E, O, S, More...>;
// Complex through a phase, a complex factor or a complex input, anywhere.
static_assert(!X<expand::Data<>, osc::PerKey<>, shrink::Data<>>::complex);
static_assert(X<expand::Data<>, osc::Polar<>, shrink::Data<>>::complex && X<expand::Data<>, osc::FixedRotation<rule::RotaryAngle, Axes::key>, shrink::Data<>>::complex);
static_assert(X<Stage<ComplexFactor<Data<in::B>, Data<in::B_imag>>>, osc::PerKey<>, shrink::Data<>>::complex);
static_assert(X<expand::Data<>, osc::PerKey<>, shrink::Data<>, Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>>::complex);
// A tied write is complex as its rule is, and varies as its oscillation does.
static_assert(X<expand::Tied<tie::ZeroOrderHold>, osc::Polar<>, shrink::Data<>>::expand::domain == Domain::complex);
static_assert(X<expand::Tied<tie::Complement>, osc::Polar<>, shrink::Data<>>::expand::domain == Domain::real);
static_assert(X<expand::Tied<tie::Complement>, osc::PerValue<>, shrink::One>::expand::axes == Axes::value);
static_assert(X<expand::Tied<tie::Complement>, osc::RankOne<>, shrink::One>::expand::axes == Axes::matrix);
static_assert(X<expand::Tied<tie::Euler>, osc::Discretised<Data<in::delta, Axes::value>, Learned<in::A, Axes::matrix>>, shrink::One>::expand::axes == Axes::value);

// One coefficient system per value channel, denominators per channel, log scales per channel.
static_assert(!X<expand::Data<>, osc::PerKey<>, shrink::Data<>>::per_channel && X<expand::Data<>, osc::PerValue<>, shrink::Data<>>::per_channel);
static_assert(!X<expand::Data<>, osc::PerKey<>, shrink::PerValue<>>::denominator_per_channel && X<expand::Data<>, osc::PerValue<>, shrink::Data<>>::denominator_per_channel);
static_assert(!X<expand::Exp<>, osc::PerKey<>, shrink::Data<>, Quotient<guard::None>, RunningMax<>>::scale_per_channel);
static_assert(X<expand::Exp<map::Identity, in::k, Axes::value>, osc::PerKey<>, shrink::Data<>, Quotient<guard::None>, RunningMax<>>::scale_per_channel);

// Sources: the largest of a stage's terms; a positional map makes at least a position.
static_assert(osc::Identity::source == Source::fixed && osc::FixedDecay<rule::Retention>::source == Source::fixed);
static_assert(osc::Learned<>::source == Source::learned && osc::PerKey<>::source == Source::data);
static_assert(osc::FixedDecay<rule::ResetAtStart>::source == Source::position && osc::Learned<map::ResetAtStart>::source == Source::position);
static_assert(osc::Polar<>::source == Source::data);

// Parts in any order, with plain defaults.
using Plain = X<expand::Data<>, osc::PerKey<>, shrink::Data<>>;
static_assert(std::is_same_v<Plain::readout, Post> && std::is_same_v<Plain::normaliser, Unnormalised> && std::is_same_v<Plain::skip, NoSkip>);
using One = X<expand::Exp<>, osc::PerKey<>, shrink::Data<>, RunningMax<>, Quotient<guard::None>, Previous>;
using Two = X<expand::Exp<>, osc::PerKey<>, shrink::Data<>, Previous, RunningMax<>, Quotient<guard::None>>;
static_assert(One::stabiliser::scaled && One::normaliser::quotient && One::readout::previous);
static_assert(Two::stabiliser::scaled && Two::normaliser::quotient && Two::readout::previous);

// Names of the aggregate.
struct Inputs { View<const float> q{}, k{}, v{}, g{}; };
struct Lacking { View<const float> q{}, k{}, v{}; };
static_assert(Plain::bound<Inputs> && !Plain::bound<Lacking> && X<expand::Data<>, osc::Identity, shrink::Data<>>::bound<Lacking>);

}  // namespace
