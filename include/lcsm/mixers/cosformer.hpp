// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// cosFormer, Qin et al. 2022 (https://arxiv.org/abs/2202.08791; OpenNLPLab/cosFormer: cosformer.py), causal. Scores are cosines of the distance:
//
//     y_t = sum_s w_ts v_s / max(sum_s w_ts, 1e-6)          w_ts = relu(q_t) . relu(k_s) cos(phase (t - s)), s <= t
//
// q, k [B,T,H,K], v [B,T,H,D]; phase [H,1] (or one for all heads, [1,1]) = pi / (2 M), M the length of the longest sequence: initialise fills
// it. The published code splits every weight into cos and sin of two positions, which doubles its keys, and takes M from the batch at hand;
// here the memory turns, m_t = exp(i phase) m_{t-1} + relu(k_t) v_t^T, of which Re(m_t^T relu(q_t)) is read. M must not change while a state
// is carried. Beyond distance M weights are negative: the numerator stays what it says, the denominator may then sit on its floor. |o| = 1,
// nothing decays. xmixers calls this LRPE type 4 and learns the angle (legacy pes/lrpe.py).
struct CosFormer : Mixer<expand::Data<map::Relu>, Stage<PhaseTerm<Learned<in::phase, Axes::one>>>, shrink::Data<map::Relu>, Quotient<guard::Floor<-6>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, phase{}; };
};

inline void initialise(CosFormer, const CosFormer::In<double>& p, Index longest) {
  init::fill(p.phase, [&](Index, Index, Index) { return std::numbers::pi / 2 / double(longest); });
}

}  // namespace lcsm
