// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

namespace lcsm {

// Linear attention with linearised relative positions (LRPE), Qin et al. 2023 (https://arxiv.org/abs/2307.09270; Doraemonzzz/xmixers:
// modules/pes/lrpe.py, its kernels in Doraemonzzz/xopes: ops/lrpe): scores q_t^T L^(t-s) k_s with a unitary L, no normaliser and no scale.
// q, k [B,T,H,K], v [B,T,H,D]. With theta_a = 10000^(-2a/K):
//
//     LrpeRotate       (type 1)   pairs (a, a + K/2) of q and k are turned by their position times theta_a, a < K/2
//     LrpeRotateLow    (type 2)   only the pairs a >= K/4
//     LrpeRotateHigh   (type 3)   only the pairs a < K/4; much better than type 2, by the comment there
//     LrpeCosine       (type 4)   sum_a q_t[a] k_s[a] cos((t - s) theta_a), a < K
//     LrpeCosineLow    (type 5)   theta_a = 0 for a < K/2
//     LrpeCosineHigh   (type 6)   theta_a = 0 for a >= K/2
//     LrpeLearned                 the cosine form with any angles: phase [H,K], or [1,K] for all heads
//
// The cosine forms are m_t = diag(exp(i theta)) m_{t-1} + k_t v_t^T, y_t = Re(m_t)^T q_t: the published code writes cos and sin of the position
// side by side, [H, 2K, D] real, where the memory here is K complex rows. For K not divisible by 4 the published halves have no shape. The
// feature map (act) of that code, and the decay of LRPE-d, are policies: TnlLrpe in tnl.hpp has both.
struct LrpeRotate : Mixer<expand::Data<map::RotaryHalves>, oscillation::Identity, shrink::Data<map::RotaryHalves>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeRotateLow : Mixer<expand::Data<map::RotaryHalvesPart<false>>, oscillation::Identity, shrink::Data<map::RotaryHalvesPart<false>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeRotateHigh : Mixer<expand::Data<map::RotaryHalvesPart<true>>, oscillation::Identity, shrink::Data<map::RotaryHalvesPart<true>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeCosine : Mixer<expand::Data<>, oscillation::FixedRotation<rule::RotaryAngle, Axes::key>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeCosineLow : Mixer<expand::Data<>, oscillation::FixedRotation<rule::RotaryAngleLow, Axes::key>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeCosineHigh : Mixer<expand::Data<>, oscillation::FixedRotation<rule::RotaryAngleHigh, Axes::key>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct LrpeLearned : Mixer<expand::Data<>, Stage<PhaseTerm<Learned<in::phase, Axes::key>>>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, phase{}; };
};

// Angles 10000^(-2n/N), n the key counted over all heads of the view: over H K keys (legacy type 3), or over K with one row for all heads (10).
inline void lrpe_angles(const View<double>& phase) {
  const double all = double(phase.head() * phase.feature());
  init::fill(phase, [&](Index h, Index, Index a) { return std::pow(1e4, -2 * double(h * phase.feature() + a) / all); });
}
inline void initialise(LrpeLearned, const LrpeLearned::In<double>& p) { lrpe_angles(p.phase); }

}  // namespace lcsm
