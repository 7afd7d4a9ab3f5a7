// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

namespace lcsm {

namespace rglru {
using Decay =
    LogTerm<Joined<combine::RecurrentGate, Data<in::recurrent_gate, Axes::value, map::Sigmoid>, Learned<in::recurrent_param, Axes::value>>>;
using Write = expand::Tied<tie::VariancePreserving, FactorTerm<Data<in::input_gate, Axes::value, map::Sigmoid>>>;
}

// RG-LRU, De et al. 2024, Griffin (https://arxiv.org/abs/2402.19427; google-deepmind/recurrentgemma: recurrentgemma/torch/layers.py), per
// channel:
//
//     log a_t = -8 sigmoid(r_t) softplus(recurrent_param)          h_t = a_t h_{t-1} + sqrt(1 - a_t^2) sigmoid(i_t) x_t
//
// x, recurrent_gate (r), input_gate (i) [B,T,H,D], both gates raw (block-diagonal linear maps of x, the layer's); recurrent_param [H,D]. At
// position 0 the state is reset and the gain is 1: h = sigmoid(i) x. RgLruUnreset never resets.
struct RgLru : Mixer<rglru::Write, Stage<rglru::Decay, LogTerm<Fixed<rule::ResetAtStart>>>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, recurrent_gate{}, input_gate{}, recurrent_param{}; };
};
struct RgLruUnreset : Mixer<rglru::Write, Stage<rglru::Decay>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, recurrent_gate{}, input_gate{}, recurrent_param{}; };
};

// exp(-softplus(recurrent_param)) has its square uniform in [low^2 + 1e-8, high^2 + 1e-8], as in the code. (The paper states the range for
// the power 8.)
inline void initialise(RgLru, const RgLru::In<double>& p, init::Generator& rng, double low = 0.9, double high = 0.999) {
  init::fill(p.recurrent_param, [&](Index, Index, Index) {
    return init::inverse_softplus(-0.5 * std::log(init::uniform(rng, low * low, high * high) + 1e-8));
  });
}
inline void initialise(RgLruUnreset, const RgLruUnreset::In<double>& p, init::Generator& rng, double low = 0.9, double high = 0.999) {
  initialise(RgLru{}, {.recurrent_param = p.recurrent_param}, rng, low, high);
}

}  // namespace lcsm
