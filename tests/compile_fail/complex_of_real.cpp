// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: project::Complex reads two parts, but the memory is real: drop it
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<>, lcsm::project::Complex> {};
#else
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<>, lcsm::project::Complex> {};
#endif

int size() { return int(sizeof(Mine)); }
