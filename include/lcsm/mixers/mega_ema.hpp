// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// Mega's damped moving average with N modes per channel, Ma et al. 2022 (https://arxiv.org/abs/2209.10655; facebookresearch/mega:
// fairseq/modules/exponential_moving_average.py):
//
//     p = sigmoid(delta), a = sigmoid(alpha)          m_t[n,c] = (1 - p a) m_{t-1}[n,c] + p beta x_t[c]
//     y_t[c] = N^-1/2 sum_n gamma[n,c] m_t[n,c] + omega[c] x_t[c]
//
// x [B,T,1,D]; delta, alpha, beta, gamma [1,N,D] (the published [D,N] seen through strides), omega [1,D]. The paper's alpha is the code's
// sigmoid(delta) and its delta the code's sigmoid(alpha); names here are the code's. silu follows, in the layer. Two directions are two
// mixers, added.
struct MegaEma : Mixer<Stage<FactorTerm<Learned<in::delta, Axes::matrix, map::Sigmoid>>, FactorTerm<Learned<in::beta, Axes::matrix>>>,
                       Stage<Term<Plane::log, combine::Damped, Learned<in::delta, Axes::matrix, map::Sigmoid>,
                                  Learned<in::alpha, Axes::matrix, map::Sigmoid>>>,
                       shrink::Learned<map::RsqrtKeys, in::gamma, Axes::matrix>, Input<Data<in::x, Axes::value>>,
                       Skip<Learned<in::omega, Axes::value>>> {
  template <class T> struct In { View<T> x{}, delta{}, alpha{}, beta{}, gamma{}, omega{}; };
};

// delta, alpha ~ N(0, 0.2), beta = 1, -1, 1, ... + N(0, 0.02), gamma, omega ~ N(0, 1) (standard deviations).
inline void initialise(MegaEma, const MegaEma::In<double>& p, init::Generator& rng) {
  init::fill(p.delta, [&](Index, Index, Index) { return init::normal(rng, 0.2); });
  init::fill(p.alpha, [&](Index, Index, Index) { return init::normal(rng, 0.2); });
  init::fill(p.beta, [&](Index, Index n, Index) { return (n % 2 == 0 ? 1 : -1) + init::normal(rng, 0.02); });
  init::fill(p.gamma, [&](Index, Index, Index) { return init::normal(rng); });
  init::fill(p.omega, [&](Index, Index, Index) { return init::normal(rng); });
}

}  // namespace lcsm
