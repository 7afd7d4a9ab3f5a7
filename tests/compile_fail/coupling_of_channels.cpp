// SPDX-License-Identifier: MIT
// expect: lcsm::LowRank: a coupling acts between keys: its write and erase are factors that vary over the key axis alone
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace in = lcsm::in;
#ifdef LCSM_FAIL
using Erase = lcsm::FactorTerm<lcsm::Data<in::w, lcsm::Axes::value>>;
#else
using Erase = lcsm::FactorTerm<lcsm::Data<in::w, lcsm::Axes::key>>;
#endif
using Key = lcsm::FactorTerm<lcsm::Data<in::k>>;
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::Stage<lcsm::LowRank<Key, Erase>>, lcsm::shrink::Data<>> {};
static_assert(Mine::coupled);
