// SPDX-License-Identifier: MIT
// expect: lcsm::chunkwise: an elementwise (K x D) stage does not factor into matrix products: use lcsm::scan
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#ifdef LCSM_FAIL
using Gate = lcsm::oscillation::Elementwise<>;
#else
using Gate = lcsm::oscillation::RankOne<>;
#endif
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, Gate, lcsm::shrink::Data<>> {};
struct In { lcsm::View<const float> q{}, k{}, v{}, g{}, f{}; };

void call(const In& in, lcsm::View<float> y) { lcsm::chunkwise(lcsm::exec::seq, Mine{}, in, y); }
