// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: an oscillation is given by its log magnitude and phase: wrap the leaf in LogTerm or PhaseTerm (a sign in SignTerm)
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Data<>, lcsm::Stage<lcsm::FactorTerm<lcsm::Data<lcsm::in::g>>>, shrink::Data<>> {};
#else
struct Mine : lcsm::Mixer<expand::Data<>, lcsm::Stage<lcsm::LogTerm<lcsm::Data<lcsm::in::g>>>, shrink::Data<>> {};
#endif

int size() { return int(sizeof(Mine)); }
