// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <cmath>

namespace lcsm {

// TransNormerLLM and its kernel Lightning Attention, Qin et al. 2023 and 2024 (https://arxiv.org/abs/2307.14995,
// https://arxiv.org/abs/2405.17381):
//
//     m_t = exp(g) m_{t-1} + k_t v_t^T          y_t = m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,H,D]; g [H,1], the log decay, is fixed per head and layer: fill it by a function below. The sources differ:
//
//     Lightning      no scale           OpenNLPLab/lightning-attention (lightning_attn_func with s = -g)
//     LightningFla   K^-1/2 on q        fla-org/flash-linear-attention: fla/ops/lightning_attn
//     Tnl            silu on q and k    the papers' layer, from its projections
//     TnlSiluValue   silu on v, too     the layer of OpenNLPLab/lightning-attention: examples/module/tnl_attn.py
//     TnlLrpe        silu on q and k,   the papers' layer where it has positions (LRPE-d, lrpe.hpp): m_t = diag(exp(g + i phase)) m_{t-1} + ...,
//                    and a rotation     y_t = Re(m_t)^T q_t, phase [H,K] learned
//
// The norm and the sigmoid gate belong to the layer. The kernel of OpenNLPLab/lightning-attention weights keys by exp(g) once more in the memory that
// it carries between blocks; m here is not decayed before the next token asks for it.
struct Lightning : Mixer<expand::Data<>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct LightningFla : Mixer<expand::Data<>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct Tnl : Mixer<expand::Data<map::Silu>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<map::Silu>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct TnlSiluValue : Mixer<expand::Data<map::Silu>, oscillation::Learned<map::Identity, in::g, Axes::one>, shrink::Data<map::Silu>,
                            Input<Data<in::v, Axes::value, map::Silu>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};
struct TnlLrpe : Mixer<expand::Data<map::Silu>, Stage<LogTerm<Learned<in::g, Axes::one>>, PhaseTerm<Learned<in::phase, Axes::key>>>, shrink::Data<map::Silu>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};

// The ALiBi slopes 2^(-8 (h + 1) / H), h = 0 ... H-1. For H that is no power of two: those of the largest power P below, then every second one
// of 2P (https://arxiv.org/abs/2108.12409).
inline double alibi_slope(Index head, Index heads) {
  Index power = 1;
  while (2 * power <= heads) power *= 2;
  return head < power ? std::exp2(-8 * double(head + 1) / double(power)) : std::exp2(-8 * double(2 * (head - power) + 1) / double(2 * power));
}
// The two published schedules, for layer l = 0 ... L-1; they are numerically very different.
//   code    -alibi_slope(h, H) (1 - l / (L - 1) + 1e-5)        OpenNLPLab/lightning-attention; one layer alone counts as l / (L - 1) = 0
//   paper   -(8 h / H) (1 - l / L)                             the papers with h from 0, and fla
inline double tnl_log_decay(Index head, Index heads, Index layer, Index layers) {
  return -alibi_slope(head, heads) * (1 - (layers > 1 ? double(layer) / double(layers - 1) : 0.0) + 1e-5);
}
inline double tnl_log_decay_paper(Index head, Index heads, Index layer, Index layers) {
  return -8 * double(head) / double(heads) * (1 - double(layer) / double(layers));
}
enum class TnlDecay { code, paper };

// g of layer l by either schedule, and TnlLrpe's phase as lrpe_angles has it.
namespace tnl {
inline void decay(const View<double>& g, Index layer, Index layers, TnlDecay schedule) {
  init::fill(g, [&](Index h, Index, Index) {
    return schedule == TnlDecay::code ? tnl_log_decay(h, g.head(), layer, layers) : tnl_log_decay_paper(h, g.head(), layer, layers);
  });
}
}
inline void initialise(Lightning, const Lightning::In<double>& p, Index layer, Index layers, TnlDecay schedule = TnlDecay::code) {
  tnl::decay(p.g, layer, layers, schedule);
}
inline void initialise(LightningFla, const LightningFla::In<double>& p, Index layer, Index layers, TnlDecay schedule = TnlDecay::paper) {
  tnl::decay(p.g, layer, layers, schedule);
}
inline void initialise(Tnl, const Tnl::In<double>& p, Index layer, Index layers, TnlDecay schedule = TnlDecay::code) {
  tnl::decay(p.g, layer, layers, schedule);
}
inline void initialise(TnlSiluValue, const TnlSiluValue::In<double>& p, Index layer, Index layers, TnlDecay schedule = TnlDecay::code) {
  tnl::decay(p.g, layer, layers, schedule);
}
inline void initialise(TnlLrpe, const TnlLrpe::In<double>& p, Index layer, Index layers, TnlDecay schedule = TnlDecay::code) {
  tnl::decay(p.g, layer, layers, schedule), lrpe_angles(p.phase);
}

}  // namespace lcsm
