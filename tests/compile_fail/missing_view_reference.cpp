// SPDX-License-Identifier: MIT
// expect: lcsm::reference: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mode/reference.hpp>

struct In {
  lcsm::View<const float> q{}, k{}, v{};
#ifndef LCSM_FAIL
  lcsm::View<const float> g{};
#endif
};

void call(const In& in, lcsm::View<float> y) { lcsm::reference(lcsm::Gla{}, in, y); }
