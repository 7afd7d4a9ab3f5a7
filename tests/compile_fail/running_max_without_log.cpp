// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: RunningMax stabilises exponential writes, but no expand term is a LogTerm: drop it
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<>, lcsm::Quotient<lcsm::guard::None>, lcsm::RunningMax<>> {};
#else
struct Mine : lcsm::Mixer<expand::Exp<>, oscillation::PerKey<>, shrink::Data<>, lcsm::Quotient<lcsm::guard::None>, lcsm::RunningMax<>> {};
#endif

int size() { return int(sizeof(Mine)); }
