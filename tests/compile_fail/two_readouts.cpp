// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: two parts of one kind (readout, normaliser, ...): keep one
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<>, lcsm::Previous, lcsm::Post> {};
#else
struct Mine : lcsm::Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<>, lcsm::Previous, lcsm::Quotient<lcsm::guard::None>> {};
#endif

int size() { return int(sizeof(Mine)); }
