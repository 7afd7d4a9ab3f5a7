// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: Mean divides each real memory entry by its log weights on the key axis: give expand a LogTerm
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::Identity, shrink::Data<>, lcsm::Mean> {};
#else
struct Mine : lcsm::Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<>, lcsm::Mean> {};
#endif

int size() { return int(sizeof(Mine)); }
