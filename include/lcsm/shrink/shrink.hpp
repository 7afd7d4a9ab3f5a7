// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/parts.hpp>

// Short names for how memory is read.
namespace lcsm::shrink {

// A row per token over the keys, q through a map.
template <class Map = map::Identity, class Name = in::q> using Data = Stage<FactorTerm<lcsm::Data<Name, Axes::key, Map>>>;
// One number per value channel: the maximally headed case, K = 1.
template <class Map = map::Identity, class Name = in::q> using PerValue = Stage<FactorTerm<lcsm::Data<Name, Axes::value, Map>>>;
// A parameter: a row over the keys, or a K x D matrix.
template <class Map = map::Identity, class Name = in::q, Axes X = Axes::key> using Learned = Stage<FactorTerm<lcsm::Learned<Name, X, Map>>>;
// A function of the oscillation, times further terms.
template <class Tie, class... More> using Tied = Stage<lcsm::Tied<Tie>, More...>;
// One row of the memory, by its code.
template <class Name = in::read_code> using Code = Stage<FactorTerm<OneHot<Name>>>;
// exp(q . codebook[a]) for every code a: attention over a codebook.
template <class Query = in::q, class Book = in::codebook> using CodebookExp = Stage<LogTerm<Logits<Query, Book>>>;
// Everywhere 1.
using One = Stage<>;

}  // namespace lcsm::shrink
