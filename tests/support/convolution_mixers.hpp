// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm::test {

// Time-invariant mixers: an elementwise complex system; complex inputs and outputs, one of them mapped and with a skip of the token, or not; a coupling; a bonus under signs.
struct System
    : Mixer<Stage<FactorTerm<Learned<in::B, Axes::matrix>>>, Stage<LogTerm<Learned<in::g, Axes::matrix, map::LogSigmoid<1>>>, PhaseTerm<Learned<in::phase, Axes::matrix>>>,
            Stage<FactorTerm<Learned<in::C, Axes::matrix>>>, Input<Data<in::v, Axes::value>>, project::TwiceReal, Skip<Learned<in::D, Axes::value>>> {};
template <class Map, class... More> struct PartsOf
    : Mixer<Stage<ComplexFactor<Learned<in::B>, Learned<in::B_imag>>>, Stage<LogTerm<Learned<in::g, Axes::key, map::LogSigmoid<1>>>, PhaseTerm<Learned<in::phase, Axes::key>>>,
            Stage<FactorTerm<Learned<in::C>>>, Input<Data<in::v, Axes::value, Map>, Data<in::x, Axes::value>>, project::Complex, More...> {};
struct Coupled : Mixer<Stage<FactorTerm<Learned<in::B>>>, Stage<LogTerm<Learned<in::g, Axes::key, map::LogSigmoid<1>>>, LowRank<Stage<FactorTerm<Learned<in::b, Axes::key, map::L2Norm>>, FactorTerm<Learned<in::beta, Axes::one, map::Sigmoid>>>, Stage<FactorTerm<Learned<in::b, Axes::key, map::L2Norm>>>, Order::after_decay>>,
                       Stage<FactorTerm<Learned<in::C>>>> {};
struct Early : Mixer<Stage<FactorTerm<Learned<in::B>>>, Stage<LogTerm<Learned<in::g, Axes::one, map::LogSigmoid<1>>>, SignTerm<Learned<in::a, Axes::one, map::Sign>>>,
                     Stage<FactorTerm<Learned<in::C>>>, Bonus<FactorTerm<Learned<in::u, Axes::one>>>> {};
using MappedParts = PartsOf<map::Tanh, Skip<Data<in::D, Axes::value>>>;
using BothParts = PartsOf<map::Identity>;

}  // namespace lcsm::test
