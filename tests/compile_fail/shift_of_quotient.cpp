// SPDX-License-Identifier: MIT
// expect: lcsm::Mixer: Shift moves memories from key to key, which codes, denominators, means, scales and reads of earlier memories do not follow: drop these
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#ifdef LCSM_FAIL
using Divide = lcsm::Quotient<lcsm::guard::None>;
#else
using Divide = lcsm::Unnormalised;
#endif
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::oscillation::Shift, lcsm::shrink::Data<>, Divide> {};
static_assert(Mine::shifts);
