// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// minGRU, Feng et al. 2024 (https://arxiv.org/abs/2410.01201; lucidrains/minGRU-pytorch: minGRU.py), per channel:
//
//     h_t = (1 - z_t) h_{t-1} + z_t c_t          z_t = sigmoid(i_t)
//
// x, i [B,T,H,D] raw, linear in the token: x its `hidden`, i its `gate`. c_t = g(x_t), above 0: x + 1/2 for x >= 0, sigmoid(x) else, the log-space
// form of the paper (appendix B.3) and the package's. There the scan works on logarithms and needs a positive initial state; here any sign does.
struct MinGru : Mixer<expand::Tied<tie::Complement>, oscillation::PerValue<map::LogComplement, in::i>, shrink::One,
                      Input<Data<in::x, Axes::value, map::Positive>>> {
  template <class T> struct In { View<T> x{}, i{}; };
};
// The paper's plain form (section 3.1): c_t = x_t.
struct MinGruLinear : Mixer<expand::Tied<tie::Complement>, oscillation::PerValue<map::LogComplement, in::i>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, i{}; };
};

}  // namespace lcsm
