// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

namespace rwkv6 {
LCSM_NAME(time_decay);
// -exp(w + time_decay): the token's part, a low-rank map of it, and the parameter's.
using Decay = Term<Plane::log, combine::Of<map::NegExp, combine::Sum>, Data<in::w>, Learned<time_decay>>;
}

// RWKV-6's wkv, Peng et al. 2024 (https://arxiv.org/abs/2404.05892; BlinkDL/RWKV-LM: RWKV-v5/src/model.py, RWKV_Tmix_x060;
// fla-org/flash-linear-attention: fla/ops/rwkv6 with scale=1):
//
//     y_t = (m_{t-1} + diag(u) k_t v_t^T)^T q_t          m_t = diag(exp(w_t)) m_{t-1} + k_t v_t^T
//
// q (the receptance r), k [B,T,H,K], v [B,T,H,D], w [B,T,H,K] a log decay (<= 0), u [H,K] a parameter (time_faaaa). The output reads the
// memory as it was before the token, and the token itself with weight u. There is no scale (fla's default of K^-1/2 would go into q). Token
// shift before, group norm and gate after are the layer's.
struct Rwkv6 : Mixer<expand::Data<>, oscillation::PerKey<map::Identity, in::w>, shrink::Data<>, Bonus<FactorTerm<Learned<in::u>>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, w{}, u{}; };
};

// With the layer's decay, exp(-exp(w_t + time_decay)): w [B,T,H,K] is its low-rank map tanh(x W1) W2, time_decay [H,K] a parameter.
struct Rwkv6Layer : Mixer<expand::Data<>, Stage<rwkv6::Decay>, shrink::Data<>, Bonus<FactorTerm<Learned<in::u>>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, w{}, time_decay{}, u{}; };
};

// Layer l of n, r = l / (n-1), key c of C, counted over all heads: time_decay = -6 + 5 (c / (C-1))^(0.7 + 1.3 r),
// u = r (1 - c / (C-1)) + ((c+1) mod 3 - 1) / 10.
inline void initialise(Rwkv6Layer, const Rwkv6Layer::In<double>& p, Index layer, Index layers) {
  const double depth = layers > 1 ? double(layer) / double(layers - 1) : 0;
  const auto part = [](const View<double>& v, Index c) { return double(c) / double(std::max<Index>(v.head() * v.feature() - 1, 1)); };
  init::fill(p.time_decay, [&](Index h, Index, Index f) {
    return -6 + 5 * std::pow(part(p.time_decay, h * p.time_decay.feature() + f), 0.7 + 1.3 * depth);
  });
  init::fill(p.u, [&](Index h, Index, Index f) {
    const Index c = h * p.u.feature() + f;
    return depth * (1 - part(p.u, c)) + 0.1 * double((c + 1) % 3 - 1);
  });
}
inline void initialise(Rwkv6, const Rwkv6::In<double>& p, Index layer, Index layers) {
  initialise(Rwkv6Layer{}, {.u = p.u}, layer, layers);
}

}  // namespace lcsm
