// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/parts.hpp>

// Short names for what is written into memory: how the input is spread over the keys.
namespace lcsm::expand {

// A row per token over the keys, k through a map.
template <class Map = map::Identity, class Name = in::k> using Data = Stage<FactorTerm<lcsm::Data<Name, Axes::key, Map>>>;
// One number per value channel: the maximally headed case, K = 1.
template <class Map = map::Identity, class Name = in::k> using PerValue = Stage<FactorTerm<lcsm::Data<Name, Axes::value, Map>>>;
// A parameter: a row over the keys, or a K x D matrix.
template <class Map = map::Identity, class Name = in::k, Axes X = Axes::key> using Learned = Stage<FactorTerm<lcsm::Learned<Name, X, Map>>>;
// A function of the oscillation, times further terms.
template <class Tie, class... More> using Tied = Stage<lcsm::Tied<Tie>, More...>;
// exp of a row: a stabiliser or a mean keeps it in range.
template <class Map = map::Identity, class Name = in::k, Axes X = Axes::key> using Exp = Stage<LogTerm<lcsm::Data<Name, X, Map>>>;
// The code of the token: a one-hot row.
template <class Name = in::code> using Code = Stage<FactorTerm<OneHot<Name>>>;
// Everywhere 1.
using One = Stage<>;

}  // namespace lcsm::expand
