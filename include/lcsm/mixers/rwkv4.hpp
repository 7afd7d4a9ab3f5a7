// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// RWKV-4's wkv, Peng et al. 2023 (https://arxiv.org/abs/2305.13048; BlinkDL/RWKV-LM: RWKV-v4neo/src/model.py;
// fla-org/flash-linear-attention: fla/ops/rwkv4, whose names these are), per channel (K = 1):
//
//     y_t = (a_{t-1} + exp(u + k_t) v_t) / (b_{t-1} + exp(u + k_t))
//     a_t = exp(-exp(w)) a_{t-1} + exp(k_t) v_t          b_t the same with v = 1
//
// k, v [B,T,H,D]; w, u [H,D] parameters, checkpoints call them time_decay and time_first. a and b are stored times exp(-p), p the running
// maximum of the exponents (the state m is a, z is b), so no k overflows: the exponents of an output are taken from their own maximum. p
// starts at -1e38, which is finite: differences of two empty scales are 0. Token shift before and the gate sigmoid(r) after are the layer's.
struct Rwkv4 : Mixer<expand::Exp<map::Identity, in::k, Axes::value>, oscillation::Learned<map::NegExp, in::w, Axes::value>, shrink::One,
                     Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<FromNothing>> {
  template <class T> struct In { View<T> k{}, v{}, w{}, u{}; };
};

// Layer l of n, channel c of C, counted over all heads: w = -5 + 8 (c / (C-1))^(0.7 + 1.3 l / (n-1)), u = log 0.3 + ((c+1) mod 3 - 1) / 2.
inline void initialise(Rwkv4, const Rwkv4::In<double>& p, Index layer, Index layers) {
  const double depth = layers > 1 ? double(layer) / double(layers - 1) : 0;
  const auto last = [](const View<double>& v) { return std::max<Index>(v.head() * v.feature() - 1, 1); };
  init::fill(p.w, [&](Index h, Index, Index f) {
    return -5 + 8 * std::pow(double(h * p.w.feature() + f) / double(last(p.w)), 0.7 + 1.3 * depth);
  });
  init::fill(p.u, [&](Index h, Index, Index f) { return std::log(0.3) + 0.5 * double((h * p.u.feature() + f + 1) % 3 - 1); });
}

}  // namespace lcsm
