// SPDX-License-Identifier: MIT
// expect: lcsm::vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/vjp.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

struct Gate {
  template <class V> static V apply(V raw) { return -lcsm::math::softplus(raw); }
#ifndef LCSM_FAIL
  template <class V> static V vjp(V raw, V bar) { return -(lcsm::math::sigmoid(raw) * bar); }
#endif
};
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::oscillation::PerKey<Gate>, lcsm::shrink::Data<>> {};
template <class S> struct In { lcsm::View<S> q{}, k{}, v{}, g{}; };

void call(const In<const float>& in, lcsm::View<float> y) { lcsm::recurrent(lcsm::exec::seq, Mine{}, in, y); }
void back(const In<const float>& in, lcsm::View<const float> y_bar, const In<float>& grads) { lcsm::vjp(lcsm::exec::seq, Mine{}, in, y_bar, grads); }
