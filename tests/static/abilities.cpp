// SPDX-License-Identifier: MIT
// What a mixer can do follows from its terms: concepts, positive and negative.
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <string_view>

namespace {
using namespace lcsm;

template <class O, class E = expand::Data<>, class S = shrink::Data<>, class... More> struct M : Mixer<E, O, S, More...> {};
using Coupling = LowRank<FactorTerm<Joined<combine::Product, Data<in::k>, Data<in::beta, Axes::one>>>, FactorTerm<Data<in::k>>>;
using Delta = M<Stage<Coupling>>;
using GatedDelta = M<Stage<LogTerm<Data<in::g, Axes::one>>, Coupling>>;

// Chunks are matrix products where every coefficient is a key side times a channel side.
static_assert(Chunkable<M<oscillation::Identity>> && Chunkable<M<oscillation::Scalar<>>> && Chunkable<M<oscillation::PerKey<>>>);
static_assert(Chunkable<M<oscillation::PerValue<>>> && Chunkable<M<oscillation::RankOne<>>> && Chunkable<M<oscillation::Polar<>>>);
static_assert(!Chunkable<M<oscillation::Elementwise<>>>);
static_assert(!Chunkable<M<oscillation::Discretised<Data<in::delta, Axes::value>, Learned<in::A, Axes::matrix>>>>);
static_assert(!Chunkable<M<oscillation::Identity, expand::Learned<map::Identity, in::B, Axes::matrix>>>);
static_assert(!Chunkable<M<oscillation::Identity, expand::Data<>, shrink::Learned<map::Identity, in::C, Axes::matrix>>>);
static_assert(Chunkable<Delta> && Chunkable<GatedDelta> && !Chunkable<M<Stage<Coupling>, expand::Learned<map::Identity, in::B, Axes::matrix>>>);
// A key-side and a value-side leaf in one term are a K x D table; in two terms they factor.
static_assert(!Chunkable<M<Stage<Term<Plane::log, combine::Sum, Data<in::g, Axes::key>, Data<in::f, Axes::value>>>>>);
static_assert(Chunkable<M<Stage<LogTerm<Data<in::g, Axes::key>>, LogTerm<Data<in::f, Axes::value>>>>>);

// A scan needs a diagonal oscillation, or a coupling that all value channels share.
static_assert(Scannable<M<oscillation::Identity>> && Scannable<M<oscillation::Elementwise<>>> && Scannable<M<oscillation::Polar<Axes::matrix>>>);
static_assert(Scannable<M<oscillation::PerKey<>, expand::Exp<>, shrink::Data<>, RunningMax<>, Quotient<guard::None>>>);
using ElementwiseDelta = M<Stage<LogTerm<Data<in::g, Axes::matrix>>, Coupling>>;
static_assert(Scannable<Delta> && Scannable<GatedDelta> && !Scannable<ElementwiseDelta>);

// Time-invariant: no stage reads the token or its position. The input may.
static_assert(TimeInvariant<M<oscillation::Learned<>, expand::One, shrink::One>>);
static_assert(TimeInvariant<M<oscillation::FixedDecay<rule::Retention>, expand::Learned<>, shrink::Learned<>>>);
static_assert(TimeInvariant<M<oscillation::Learned<>, expand::Tied<tie::Complement>, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::Learned<>, expand::Data<>, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::PerKey<>, expand::One, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::PerKey<>, expand::Tied<tie::Complement>, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::Learned<map::ResetAtStart>, expand::One, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::FixedDecay<rule::ResetAtStart>, expand::One, shrink::One>>);
static_assert(!TimeInvariant<M<oscillation::Learned<>, expand::One, shrink::One, Bonus<LogTerm<Data<in::u, Axes::key>>>>>);

// Everything so far keeps a memory of a fixed size.
static_assert(FiniteState<M<oscillation::Elementwise<>>> && FiniteState<Delta>);

// A missing mode has a reason, a present one none.
constexpr bool explained(bool present, const char* reason) { return present == std::string_view(reason).empty(); }
template <class X> constexpr bool all_explained() {
  for (const Mode mode : {Mode::reference, Mode::recurrent, Mode::scan, Mode::chunkwise, Mode::attention, Mode::convolution})
    if (!explained(has_mode<X>(mode), why_not<X>(mode))) return false;
  return has_mode<X>(Mode::reference) && has_mode<X>(Mode::recurrent);
}
static_assert(all_explained<M<oscillation::PerKey<>>>() && all_explained<M<oscillation::Elementwise<>>>() && all_explained<ElementwiseDelta>());
static_assert(!has_mode<M<oscillation::Elementwise<>>>(Mode::chunkwise) && has_mode<M<oscillation::Elementwise<>>>(Mode::scan));

}  // namespace
