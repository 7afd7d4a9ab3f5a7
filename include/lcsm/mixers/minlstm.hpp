// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// minLSTM, Feng et al. 2024 (https://arxiv.org/abs/2410.01201; lucidrains/minGRU-pytorch: minLSTM.py), per channel: two gates, scaled to a sum of 1.
//
//     h_t = F_t / (F_t + I_t) h_{t-1} + I_t / (F_t + I_t) c_t          F_t = sigmoid(f_t), I_t = sigmoid(i_t)
//
// x, f, i [B,T,H,D] raw, linear in the token. c_t = g(x_t), above 0, as in MinGru: the log-space form of the paper and the package's. The package's
// parallel form sends an initial state through g, its single step does not; here it is taken as it stands.
struct MinLstm : Mixer<expand::Tied<tie::Complement>, Stage<Term<Plane::log, combine::Share, Data<in::f, Axes::value>, Data<in::i, Axes::value>>>,
                       shrink::One, Input<Data<in::x, Axes::value, map::Positive>>> {
  template <class T> struct In { View<T> x{}, f{}, i{}; };
};
// The paper's plain form (section 3.2): c_t = x_t.
struct MinLstmLinear
    : Mixer<expand::Tied<tie::Complement>, Stage<Term<Plane::log, combine::Share, Data<in::f, Axes::value>, Data<in::i, Axes::value>>>, shrink::One,
            Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, f{}, i{}; };
};
// Without the scaling that makes it independent of length: h_t = F_t h_{t-1} + I_t c_t, c_t = x_t.
struct MinLstmUnscaled : Mixer<expand::PerValue<map::Sigmoid, in::i>, oscillation::PerValue<map::LogSigmoid<>, in::f>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, f{}, i{}; };
};

}  // namespace lcsm
