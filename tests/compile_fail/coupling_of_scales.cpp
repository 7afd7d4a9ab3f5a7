// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: a coupling (LowRank) mixes keys of one scale: drop RunningMax and Mean, which give keys scales of their own
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace in = lcsm::in;
#ifdef LCSM_FAIL
using Part = lcsm::RunningMax<>;
#else
using Part = lcsm::Unscaled;
#endif
using Key = lcsm::FactorTerm<lcsm::Data<in::w>>;
struct Mine : lcsm::Mixer<lcsm::expand::Exp<>, lcsm::Stage<lcsm::LowRank<Key, Key>>, lcsm::shrink::Data<>, lcsm::Quotient<lcsm::guard::None>, Part> {};
static_assert(Mine::coupled);
