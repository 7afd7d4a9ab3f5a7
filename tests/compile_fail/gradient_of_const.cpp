// SPDX-License-Identifier: MIT
// expect: lcsm::vjp: a gradient is written: give the aggregate of gradients views of numbers that are not const
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mode/reference_vjp.hpp>

using In = lcsm::Gla::In<const float>;
#ifdef LCSM_FAIL
using Grads = In;
#else
using Grads = lcsm::Gla::In<float>;
#endif

void back(const In& in, lcsm::View<const float> y_bar, const Grads& grads) { lcsm::reference_vjp(lcsm::Gla{}, in, y_bar, grads); }
