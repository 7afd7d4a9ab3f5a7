// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: under RunningMax a Bonus has one log weight for all keys: let it vary over the value axis, or make it a FactorTerm
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

using namespace lcsm;
#ifdef LCSM_FAIL
using Weight = Learned<in::u, Axes::key>;
#else
using Weight = Learned<in::u, Axes::value>;
#endif
struct Mine : Mixer<lcsm::expand::Exp<>, lcsm::oscillation::PerKey<>, lcsm::shrink::Data<>, Bonus<LogTerm<Weight>>, Quotient<guard::None>, RunningMax<>> {};

int size() { return int(sizeof(Mine)); }
