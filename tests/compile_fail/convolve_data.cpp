// SPDX-License-Identifier: MIT
// expect: lcsm::convolve: this mixer is no convolution (its coefficients change with the token, or it divides or gathers): use lcsm::mix
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#ifdef LCSM_FAIL
using Read = lcsm::shrink::Data<>;
#else
using Read = lcsm::shrink::Learned<>;
#endif
struct Mine : lcsm::Mixer<lcsm::expand::One, lcsm::oscillation::Learned<lcsm::map::NegExp>, Read> {};
struct In { lcsm::View<const float> q{}, v{}, g{}; };

void call(const In& in, lcsm::View<float> y) { lcsm::convolve(lcsm::exec::seq, Mine{}, in, y); }
