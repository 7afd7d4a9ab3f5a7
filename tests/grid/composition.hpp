// SPDX-License-Identifier: MIT
#pragma once

#include "covering.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lcsm::grid {

// From a choice to a type. Choice::detail picks maps, gates, ties and guards; each of its users takes other bits of it.

// Hand-crafted numbers. Imaginary parts have numbers of their own: the product of two complex numbers of equal parts has no real part.
struct Decreasing {                    // a factor
  static constexpr const char* name = "1 / (1 + a)";
  static double at(const Where& w, Index a) { return 1.0 / double(1 + a + w.head); }
};
struct Narrowing {                     // a factor, of imaginary parts
  static constexpr const char* name = "1 / (2 + 3 a)";
  static double at(const Where& w, Index a) { return 1.0 / double(2 + 3 * a + w.head); }
};
struct Alternating {                   // +1 or -1
  static constexpr const char* name = "(-1)^a";
  static double at(const Where& w, Index a) { return (a + w.head) % 2 == 0 ? -1 : 1; }
};
struct Slopes {                        // the log of a multiplier: the slopes of ALiBi, negated
  static constexpr const char* name = "-2^(-8 (a + 1) / K)";
  static double at(const Where& w, Index a) { return -std::exp2(-8.0 * double(a + 1) / double(w.keys)); }
};
struct ByPosition {                    // a factor that reads the position
  static constexpr const char* name = "cos(position)";
  static constexpr bool positional = true;
  static double at(const Where& w, Index a) { return std::cos(0.3 * double(w.position) + double(a)); }
};

// The value of an integer, as a type: what the lists below are searched by.
template <unsigned N, class... Types> using pick = std::tuple_element_t<N % sizeof...(Types), std::tuple<Types...>>;
template <unsigned N, class List> struct pick_from;
template <unsigned N, template <class...> class List, class... Types> struct pick_from<N, List<Types...>> { using type = pick<N, Types...>; };

template <class...> struct Maps {};
template <class A, class B> struct joined;
template <class... A, class... B> struct joined<Maps<A...>, Maps<B...>> { using type = Maps<A..., B...>; };
// Maps of the factors of e and s. Positive numbers first, so that a denominator can be: without zeros, then with them; maps of whole rows that turn
// pairs last. Without map::LogSigmoid<1>: test inputs give it closed gates, and a factor of minus infinity is no number.
using FactorMaps = Maps<map::Exp, map::Sigmoid, map::Softplus, map::EluPlusOne, map::Softmax, map::TwiceSigmoid, map::Positive,
                        map::Relu, map::ReluSquared, map::Square,
                        map::Identity, map::Negate, map::NegExp, map::NegSquare, map::Tanh, map::Elu, map::AtMost<-1>, map::Silu, map::LogSigmoid<16>, map::LogComplement,
                        map::Rwkv7Decay, map::LogAbs, map::Sign, map::RsqrtKeys, map::L2Norm, map::UnitNorm,
                        map::RotaryPairs, map::RotaryHalves, map::RotaryHalvesPart<true>, map::RotaryHalvesPart<false>, map::Then<map::RotaryPairs, map::RsqrtKeys>>;
inline constexpr unsigned log_maps = 5, strictly_positive_maps = 7, positive_maps = 10, any_maps = 26, factor_maps = 31;
// Maps of the logs of exponential writes: not above what exp can hold without a running maximum.
using LogMaps = Maps<map::Identity, map::Tanh, map::LogSigmoid<1>, map::NegSquare, map::Negate>;
// The sizes of what a map of rows adds up, for maps that are linear: |J| |x|.
template <class Map> struct TermSizes {
  static constexpr const char* name = Map::name;
  static constexpr bool positional = Map::positional;
  template <class T> static void row(T* x, Index n, const Where& w) {
    std::vector<T> unit(to_size(n)), sum(to_size(n));
    for (Index b = 0; b < n; ++b) {
      std::fill(unit.begin(), unit.end(), T(0)), unit[to_size(b)] = x[b];
      map::apply_row<Map>(unit.data(), n, w);
      for (Index a = 0; a < n; ++a) sum[to_size(a)] += std::abs(unit[to_size(a)]);
    }
    std::copy(sum.begin(), sum.end(), x);
  }
};
template <class Map> struct sized { using type = Map; };
template <> struct sized<map::RotaryPairs> { using type = TermSizes<map::RotaryPairs>; };
template <> struct sized<map::RotaryHalves> { using type = TermSizes<map::RotaryHalves>; };
template <bool High> struct sized<map::RotaryHalvesPart<High>> { using type = TermSizes<map::RotaryHalvesPart<High>>; };
template <class... Then> struct sized<map::Then<map::RotaryPairs, Then...>> { using type = TermSizes<map::Then<map::RotaryPairs, Then...>>; };
template <class... Types> struct sized<Maps<Types...>> { using type = Maps<typename sized<Types>::type...>; };
// Gates of one leaf. The last, a log as the caller has it, may grow.
using Gates = Maps<map::LogSigmoid<1>, map::LogSigmoid<16>, map::LogComplement, map::LogAbs, map::NegExp, map::NegSquare, map::Rwkv7Decay, map::Then<map::Softplus, map::Negate>,
                   map::Then<map::LogSigmoid<1>, map::ResetAtStart>, map::Identity>;
inline constexpr unsigned gates = 10, closing_gates = 9, log_abs = 3;
// Gates of several leaves.
enum Joint : unsigned { lower_bound, recurrent_gate, damped, share, sampled, bilinear, modulus_gate };
inline constexpr unsigned joint_gates = 7;                  // the last one has an angle
constexpr bool has_step(unsigned joint) { return joint == sampled || joint == bilinear; }
inline constexpr unsigned ties = 6, ties_without_step = 3;

// What the bits of detail say. Kept apart from the types, so that a test can count it.
struct Details {
  unsigned map_e = 0, map_s = 0, gate = 0, tie = 0, guard = 0, start = 0, skip = 0, weight = 0;
  bool positive = false, strictly = false, joint_gate = false, position = false, product = false, own_write = false, extra = false;
};
constexpr Details details(const Choice& c) {
  Details d;
  const EndKind e = expand_kind(c.expand), s = shrink_kind(c.shrink);
  const OscillationKind o = oscillation_kind(c.oscillation);
  const unsigned x = scramble(c.detail + 1), y = scramble(c.detail + 2), z = scramble(c.detail + 3);
  d.weight = y % 3, d.skip = y / 3 % 3, d.start = y / 9 % 2, d.position = y / 18 % 4 == 0, d.product = y / 72 % 2 == 0;
  d.own_write = y / 144 % 2 == 0, d.extra = y / 288 % 3 == 0;
  // A denominator is positive if everything is; half of the quotients ask for it.
  const bool can_be_positive = (e.form != Form::complex) && s.form != Form::complex && o.turn == Turn::real && !is_coupled(c) && e.form != Form::tie;
  d.positive = c.normaliser == Normaliser::quotient && can_be_positive && z % 2 == 0;
  d.strictly = d.positive && z / 2 % 2 == 0 && c.readout == Readout::post && e.form != Form::code && s.form != Form::code;
  // Maps of whole rows need rows of more than one number.
  const auto map_of = [&](Axes a, unsigned n) { return n % (d.strictly ? strictly_positive_maps : d.positive ? positive_maps : a == Axes::key || a == Axes::value ? factor_maps : any_maps); };
  d.map_e = e.form == Form::log ? x % 4099 % log_maps : map_of(e.axes, x % 4099), d.map_s = map_of(s.axes, x / 4099 % 4099);
  d.guard = d.strictly ? z / 4 % 4 : d.positive ? 1 + z / 4 % 3 : 2 + z / 4 % 2;
  // Gates of several leaves want numbers that are no rule; two of them give a step size to tie to.
  const bool moves = c.source_o != Source::fixed && o.structure != Structure::identity;
  d.joint_gate = moves && z / 16 % 3 == 0;
  if (d.joint_gate) d.gate = z / 48 % (o.turn == Turn::phase ? joint_gates : joint_gates - 1);
  else d.gate = z / 48 % (e.form == Form::tie ? closing_gates : gates);
  d.tie = d.joint_gate && has_step(d.gate) ? z / 4096 % ties : z / 4096 % ties_without_step;
  return d;
}

// One leaf with the source of its stage. Rule: of hand-crafted numbers, which know no matrix axis.
template <class Name, Axes X, Source S, class Map, class Rule> using leaf = std::conditional_t<S == Source::fixed, Fixed<Rule, X == Axes::matrix ? Axes::key : X>, Named<Name, X, S, Map>>;

template <Plane P, class Name, class Other, Axes X, Source S, class Map, class Rule, bool AsProduct> constexpr auto plane_term() {
  using Sum = std::conditional_t<P == Plane::factor, combine::Product, combine::Sum>;
  if constexpr (X == Axes::matrix && S == Source::fixed) return std::type_identity<Term<P, Sum, Fixed<Rule, Axes::key>, Fixed<Rule, Axes::value>>>{};
  else if constexpr (X == Axes::matrix && AsProduct) return std::type_identity<Term<P, Sum, Named<Name, Axes::key, S, Map>, Learned<Other, Axes::value>>>{};
  else return std::type_identity<LeafTerm<P, leaf<Name, X, S, Map, Rule>>>{};
}

// FactorMaps_: FactorMaps, or their sizes.
template <Choice C, Details X, class FactorMaps_ = FactorMaps> struct Build {
  static constexpr EndKind e = expand_kind(C.expand), s = shrink_kind(C.shrink);
  static constexpr OscillationKind o = oscillation_kind(C.oscillation);

  using Rule = std::conditional_t<X.position && !X.positive, ByPosition, Decreasing>;

  // A real or complex end; a fixed matrix is one of the keys times one of the channels.
  template <class Name, class Re, class Im, class Other, EndKind K, Source S, unsigned N> static constexpr auto end() {
    using Map = typename pick_from<N, FactorMaps_>::type;
    if constexpr (K.form == Form::complex) {
      using Both = ComplexFactor<leaf<Re, K.axes, S, map::Identity, Rule>, leaf<Im, K.axes, S, map::Identity, Narrowing>>;
      if constexpr (K.axes == Axes::matrix && S == Source::fixed) return Stage<Both, Term<Plane::factor, combine::Product, Fixed<Rule, Axes::key>, Fixed<Rule, Axes::value>>>{};
      else return Stage<Both>{};
    } else {
      using One = typename decltype(plane_term<Plane::factor, Name, Other, K.axes, S, Map, Rule, X.product && !X.positive>())::type;
      return Stage<One>{};
    }
  }

  // The oscillation.
  template <Axes A> static constexpr auto joint_log() {
    constexpr Source S = C.source_o;
    constexpr Axes B = A == Axes::matrix ? Axes::value : A;                // of what comes beside a matrix
    using Gate = Named<in::g, A, S>;
    using Step = Named<in::delta, B, S, map::Softplus>;
    using Pole = Learned<in::A, A, map::NegExp>;
    if constexpr (X.gate == lower_bound) return std::type_identity<Term<Plane::log, combine::LowerBound, Gate, Learned<in::lower_bound, B>>>{};
    else if constexpr (X.gate == recurrent_gate) return std::type_identity<Term<Plane::log, combine::RecurrentGate, Named<in::g, A, S, map::Sigmoid>, Learned<in::A, B>>>{};
    else if constexpr (X.gate == damped) return std::type_identity<Term<Plane::log, combine::Damped, Named<in::g, A, S, map::Sigmoid>, Named<in::delta, B, S, map::Sigmoid>>>{};
    else if constexpr (X.gate == share) return std::type_identity<Term<Plane::log, combine::Share, Gate, Named<in::delta, B, S>>>{};
    else if constexpr (X.gate == sampled) return std::type_identity<Term<Plane::log, combine::Product, Step, Pole>>{};
    else if constexpr (X.gate == bilinear) return std::type_identity<Term<Plane::log, combine::BilinearLog, Step, Pole, Learned<in::A_imag, A>>>{};
    else return std::type_identity<Term<Plane::log, combine::ModulusGate, Gate, Named<in::phase, A, S>>>{};
  }
  template <Axes A> static constexpr auto log_term() {
    if constexpr (X.joint_gate) return joint_log<A>();
    else if constexpr (C.source_o == Source::fixed && X.position && A != Axes::matrix) return std::type_identity<LogTerm<Fixed<rule::ResetAtStart, A>>>{};
    else if constexpr (C.source_o == Source::fixed && A == Axes::one) return std::type_identity<LogTerm<Fixed<rule::Retention>>>{};
    else if constexpr (A == Axes::matrix && X.product && C.source_o != Source::fixed)     // a logit that is a product
      return std::type_identity<Term<Plane::log, combine::Of<map::LogSigmoid<16>>, Named<in::g, X.extra ? Axes::key : Axes::value, C.source_o>,
                                     Learned<in::A, X.own_write ? Axes::matrix : X.extra ? Axes::value : Axes::key>>>{};
    else return plane_term<Plane::log, in::g, in::A, A, C.source_o, typename pick_from<X.gate, Gates>::type, Slopes, false>();
  }
  template <Axes A> static constexpr auto turned() {
    using Log = typename decltype(log_term<A>())::type;
    constexpr Axes B = A == Axes::matrix ? Axes::value : A;
    constexpr bool is_bilinear = X.joint_gate && X.gate == bilinear, is_modulus = X.joint_gate && X.gate == modulus_gate;
    if constexpr (o.turn == Turn::real) return Stage<Log>{};
    else if constexpr (o.turn == Turn::sign) {
      constexpr bool is_multiplier = !X.joint_gate && C.source_o != Source::fixed && X.gate == log_abs && !(A == Axes::matrix && X.product);      // log |x| and the sign of x
      if constexpr (is_multiplier) return Stage<Log, SignTerm<Named<in::g, A, C.source_o, map::Sign>>>{};
      else return Stage<Log, SignTerm<leaf<in::a, A, C.source_o, map::Sign, Alternating>>>{};
    } else if constexpr (is_modulus)
      return Stage<Log, Term<Plane::phase, combine::Angle, Named<in::g, A, C.source_o>, Named<in::phase, A, C.source_o>>>{};
    else if constexpr (is_bilinear)
      return Stage<Log, Term<Plane::phase, combine::BilinearAngle, Named<in::delta, B, C.source_o, map::Softplus>, Learned<in::A, A, map::NegExp>, Learned<in::A_imag, A>>>{};
    else if constexpr (A == Axes::matrix && X.extra && C.source_o != Source::fixed)
      return Stage<Log, Term<Plane::phase, combine::Product, Named<in::phase, Axes::value, C.source_o>, Learned<in::A_imag, Axes::matrix>>>{};
    else return Stage<Log, LeafTerm<Plane::phase, leaf<in::phase, A, C.source_o, map::Identity, rule::RotaryAngle>>>{};
  }
  template <class... Terms> static constexpr auto with(Stage<Terms...>, auto more) {
    if constexpr (std::is_void_v<typename decltype(more)::type>) return Stage<Terms...>{}; else return Stage<Terms..., typename decltype(more)::type>{};
  }
  static constexpr auto uncoupled() {
    if constexpr (o.structure == Structure::identity) return Stage<>{};
    else if constexpr (o.structure == Structure::scalar) return turned<Axes::one>();
    else if constexpr (o.structure == Structure::per_key) return turned<Axes::key>();
    else if constexpr (o.structure == Structure::per_value) return turned<Axes::value>();
    else if constexpr (o.structure == Structure::elementwise) return turned<Axes::matrix>();
    else return with(turned<Axes::key>(), std::type_identity<LogTerm<leaf<in::f, Axes::value, C.source_o, map::LogSigmoid<16>, Slopes>>>{});
  }
  static constexpr bool writes_what_expand_writes = e.form == Form::real && (e.axes == Axes::one || e.axes == Axes::key) && X.own_write;
  static constexpr auto coupling() {
    if constexpr (o.coupling == Coupling::none) return std::type_identity<void>{};
    else {
      using Key = FactorTerm<leaf<in::b, Axes::key, C.source_o, map::L2Norm, Decreasing>>;
      using Beta = FactorTerm<leaf<in::beta, Axes::one, C.source_o, map::Sigmoid, Decreasing>>;
      using Own = decltype(end<in::k, in::B, in::B_imag, in::x, e, C.source_e, X.map_e>());
      constexpr Order order = o.coupling == Coupling::after ? Order::after_decay : Order::before_decay;
      return std::type_identity<LowRank<std::conditional_t<writes_what_expand_writes, Own, Stage<Key, Beta>>, Stage<Key>, order>>{};
    }
  }
  using Oscillation = decltype(with(uncoupled(), coupling()));

  static constexpr auto expand() {
    if constexpr (e.form == Form::tie) {
      using Rule_ = pick<X.tie, tie::Complement, tie::VariancePreserving, tie::MinusOne, tie::Euler, tie::ZeroOrderHold, tie::Bilinear>;
      if constexpr (X.extra) return Stage<Tied<Rule_>, FactorTerm<Data<in::i, Axes::one, map::Sigmoid>>>{}; else return Stage<Tied<Rule_>>{};
    } else if constexpr (e.form == Form::code) {
      if constexpr (X.extra) return Stage<FactorTerm<OneHot<in::code>>, FactorTerm<Data<in::i, Axes::one, map::Sigmoid>>>{}; else return Stage<FactorTerm<OneHot<in::code>>>{};
    } else if constexpr (e.form == Form::log) {
      using One = typename decltype(plane_term<Plane::log, in::k, in::x, e.axes, C.source_e, typename pick_from<X.map_e, LogMaps>::type, Slopes, X.product>())::type;
      if constexpr (X.extra) return Stage<One, FactorTerm<Data<in::i, Axes::one, map::Sigmoid>>>{}; else return Stage<One>{};
    } else return end<in::k, in::B, in::B_imag, in::x, e, C.source_e, X.map_e>();
  }
  static constexpr auto shrink() {
    if constexpr (s.form == Form::code) return Stage<FactorTerm<OneHot<in::read_code>>>{};
    else if constexpr (s.form == Form::real && s.axes == Axes::key && C.source_s == Source::data && X.extra) return Stage<LogTerm<Logits<in::q, in::codebook>>>{};
    else return end<in::q, in::C, in::C_imag, in::w, s, C.source_s, X.map_s>();
  }

  // Parts.
  static constexpr Axes weight_axes = X.weight == 0 ? Axes::one : X.weight == 1 ? Axes::value : e.form == Form::log ? Axes::one : Axes::key;
  using Weight = std::conditional_t<e.form == Form::log, LogTerm<Learned<in::u, weight_axes>>, FactorTerm<Learned<in::u, weight_axes, std::conditional_t<X.positive, map::Exp, map::Identity>>>>;
  using Read = pick<unsigned(C.readout), Post, Previous, Bonus<Weight>>;
  using Guarded = pick<X.guard, guard::None, guard::Add<-3>, guard::Floor<-1>, guard::AtLeastOne<-6>>;
  using Normal = pick<unsigned(C.normaliser), Unnormalised, Quotient<Guarded>, Mean>;
  using Stable = std::conditional_t<C.running_max, std::conditional_t<X.start == 0, RunningMax<FromNothing>, RunningMax<FromZero>>, Unscaled>;
  using Project = pick<unsigned(C.projection), project::Real, project::TwiceReal, project::Complex>;
  using Skipped = std::conditional_t<C.skip, pick<X.skip, Skip<Learned<in::D, Axes::value>>, Skip<Learned<in::D, Axes::one>>, Skip<Data<in::D, Axes::value>>>, NoSkip>;
  using Read_ = std::conditional_t<C.complex_input, Input<Data<in::v, Axes::value>, Data<in::x_imag, Axes::value>>, Input<Data<in::v, Axes::value>>>;

  using type = Mixer<decltype(expand()), Oscillation, decltype(shrink()), Read_, Read, Normal, Stable, Project, Skipped>;
};

// Triple N as a mixer. A struct of its own, so that messages and symbols are short.
template <int N> struct Composition : Build<choice(N), details(choice(N))>::type {
  static constexpr bool turns_pairs = (std::max)(details(choice(N)).map_e, details(choice(N)).map_s) >= any_maps;
  using sizes = typename std::conditional_t<turns_pairs, Build<choice(N), details(choice(N)), typename sized<FactorMaps>::type>, std::type_identity<Composition>>::type;
};

}  // namespace lcsm::grid
