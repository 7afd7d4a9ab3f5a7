// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/parts.hpp>

// Short names for how memory evolves. A Map here is a gate: it gives the log of the multiplier.
namespace lcsm::oscillation {

using Identity = Stage<>;

// A gate of the token: one per head, per key, per value channel, or per memory entry.
template <class Map = map::Identity, class Name = in::g> using Scalar = Stage<LogTerm<Data<Name, Axes::one, Map>>>;
template <class Map = map::Identity, class Name = in::g> using PerKey = Stage<LogTerm<Data<Name, Axes::key, Map>>>;
template <class Map = map::Identity, class Name = in::g> using PerValue = Stage<LogTerm<Data<Name, Axes::value, Map>>>;
template <class Map = map::Identity, class Name = in::g> using Elementwise = Stage<LogTerm<Data<Name, Axes::matrix, Map>>>;
// Rank one: a gate of the key times a gate of the value channel.
template <class Map = map::Identity, class KeyName = in::g, class ValueName = in::f>
using RankOne = Stage<LogTerm<Data<KeyName, Axes::key, Map>>, LogTerm<Data<ValueName, Axes::value, Map>>>;

// A parameter, the same for every token.
template <class Map = map::Identity, class Name = in::g, Axes X = Axes::key> using Learned = Stage<LogTerm<lcsm::Learned<Name, X, Map>>>;
// Hand-crafted: Rule::at(where, index) in double.
template <class Rule, Axes X = Axes::one> using FixedDecay = Stage<LogTerm<Fixed<Rule, X>>>;
template <class Rule, Axes X = Axes::one> using FixedRotation = Stage<PhaseTerm<Fixed<Rule, X>>>;

// Magnitude exp(Map(g)) and angle phase, both of the token: GateLoop.
template <Axes X = Axes::key, class Map = map::LogSigmoid<>> using Polar = Stage<LogTerm<Data<in::g, X, Map>>, PhaseTerm<Data<in::phase, X>>>;

// The multiplier itself, of either sign.
template <Axes X = Axes::value, class Name = in::g> using Multiplier = Stage<LogTerm<Data<Name, X, map::LogAbs>>, SignTerm<Data<Name, X, map::Sign>>>;

// The multiplier re + i im itself.
template <Axes X = Axes::value, class Re = in::a, class Im = in::a_imag>
using ComplexMultiplier = Stage<RegisterTerm<Plane::log, combine::LogModulus, Data<Re, X>, Data<Im, X>>, RegisterTerm<Plane::phase, combine::Angle, Data<Re, X>, Data<Im, X>>>;

// exp(step A): a continuous system, sampled. Further terms may add its phase.
template <class Step, class A, class... More> using Discretised = Stage<Term<Plane::log, combine::Product, Step, A>, More...>;

// Every key's memory moves on to the next key, the last one's is forgotten: m[a] <- m[a - 1]. With writes at the first key alone, key a holds the input of a
// tokens ago, and a shrink of as many learned taps reads a convolution.
struct Shift : Stage<> { static constexpr bool shifts = true; };

}  // namespace lcsm::oscillation
