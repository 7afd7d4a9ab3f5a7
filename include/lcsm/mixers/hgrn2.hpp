// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/hgrn.hpp>

namespace lcsm {

// HGRN2, Qin et al. 2024 (https://arxiv.org/abs/2404.07904): HGRN's gate l on the key axis, and what it closes is the key.
//
//     l_t = lower_bound + (1 - lower_bound) sigmoid(f_t)          m_t = diag(l_t) m_{t-1} + (1 - l_t) v_t^T
//
// q, f [B,T,H,K] (q after the layer's silu, f raw), v [B,T,H,D], lower_bound [H,K], 0 in layer 0 (hgrn_lower_bound). The sources differ in the
// scale of the read:
//
//     Hgrn2           y_t = K^-1/2 m_t^T q_t     fla-org/flash-linear-attention: fla/layers/hgrn2.py (its kernels are GLA's with k = 1 - l)
//     Hgrn2Unscaled   y_t = m_t^T q_t            the authors' hgru2-pytorch
struct Hgrn2 : Mixer<expand::Tied<tie::Complement>, Stage<LowerBoundedGate<Axes::key>>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, f{}, v{}, lower_bound{}; };
};
struct Hgrn2Unscaled : Mixer<expand::Tied<tie::Complement>, Stage<LowerBoundedGate<Axes::key>>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, f{}, v{}, lower_bound{}; };
};

}  // namespace lcsm
