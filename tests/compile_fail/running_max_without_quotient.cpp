// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: RunningMax keeps the memory times exp(-p), which only a Quotient takes out again: add a Quotient, or drop it
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace expand = lcsm::expand;
namespace oscillation = lcsm::oscillation;
namespace shrink = lcsm::shrink;
#ifdef LCSM_FAIL
struct Mine : lcsm::Mixer<expand::Exp<>, oscillation::PerKey<>, shrink::Data<>, lcsm::RunningMax<>> {};
#else
struct Mine : lcsm::Mixer<expand::Exp<>, oscillation::PerKey<>, shrink::Data<>, lcsm::Quotient<lcsm::guard::None>, lcsm::RunningMax<>> {};
#endif

int size() { return int(sizeof(Mine)); }
