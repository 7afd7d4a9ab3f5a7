// SPDX-License-Identifier: MIT
// expect: lcsm::Data: the map of a leaf has no apply: give it `template <class V> static V apply(V raw)`, for a gate the log of the multiplier
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

struct Gate {
#ifndef LCSM_FAIL
  template <class V> static V apply(V raw) { return -lcsm::math::softplus(raw); }
#endif
};
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::oscillation::PerKey<Gate>, lcsm::shrink::Data<>> {};
struct In { lcsm::View<const float> q{}, k{}, v{}, g{}; };

void call(const In& in, lcsm::View<float> y) { lcsm::recurrent(lcsm::exec::seq, Mine{}, in, y); }
