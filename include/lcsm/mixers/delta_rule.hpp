// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// What delta rules are made of. A token erases what the memory answers to its key and writes the value instead, so what it writes and what
// its coupling writes are one stage.
namespace delta {
template <class Key = map::Identity, class Beta = map::Identity, class Name = in::beta>
using Write = Stage<FactorTerm<Data<in::k, Axes::key, Key>>, FactorTerm<Data<Name, Axes::one, Beta>>>;
template <class Key = map::Identity, class Name = in::k> using Erase = Stage<FactorTerm<Data<Name, Axes::key, Key>>>;
using Read = shrink::Data<map::RsqrtKeys>;
using UnitRead = shrink::Data<map::Then<map::L2Norm, map::RsqrtKeys>>;

// The gates of the layers: log decay -exp(A_log) softplus(x + dt_bias), per head or per key.
template <class Name, Axes X>
using Decay = Term<Plane::log, combine::Product, Joined<combine::Of<map::Softplus, combine::Sum>, Data<Name, X>, Learned<in::dt_bias, X>>,
                   Learned<in::A_log, Axes::one, map::NegExp>>;
}

// The delta rule (DeltaNet), Schlag et al. 2021 (https://arxiv.org/abs/2102.11174), Yang et al. 2024 (https://arxiv.org/abs/2406.06484;
// fla-org/flash-linear-attention: fla/ops/delta_rule):
//
//     m_t = (I - beta_t k_t k_t^T) m_{t-1} + beta_t k_t v_t^T          y_t = K^-1/2 m_t^T q_t
//
// that is, m_t = m_{t-1} + beta_t k_t (v_t - m_{t-1}^T k_t)^T. q, k [B,T,H,K], v [B,T,H,D], beta [B,T,H,1]. The transition along k is
// 1 - beta |k|^2: the memory stays bounded for beta |k|^2 in [0, 2] and may grow beyond (nothing is clamped), so k is a unit vector here.
// Without beta (use_beta=False) pass a view of one 1 with strides 0.
//
//     DeltaRule          the kernels: q and k as they are, beta after its sigmoid
//     DeltaRuleNorm      use_qk_l2norm_in_kernel: q, k <- x / sqrt(|x|^2 + 1e-6)
//     DeltaNet           the layer (fla/layers/delta_net.py, qk_norm='l2'): that norm, and beta = sigmoid(b), b [B,T,H,1] raw
//     DeltaNetNegative   allow_neg_eigval (https://arxiv.org/abs/2411.12537): beta = 2 sigmoid(b)
//
// Convolution and silu before, the RMS norm after belong to the layer, which has no parameters in here.
struct DeltaRule : Mixer<delta::Write<>, Stage<LowRank<delta::Write<>, delta::Erase<>>>, delta::Read> {
  template <class T> struct In { View<T> q{}, k{}, v{}, beta{}; };
};
struct DeltaRuleNorm
    : Mixer<delta::Write<map::L2Norm>, Stage<LowRank<delta::Write<map::L2Norm>, delta::Erase<map::L2Norm>>>, delta::UnitRead> {
  template <class T> struct In { View<T> q{}, k{}, v{}, beta{}; };
};

namespace delta {
template <class Beta> using LayerWrite = Write<map::L2Norm, Beta, in::b>;
// Of a layer: unit keys and queries, a raw beta called b, and the logs of the decay.
template <class Beta, class... Logs>
using Layer = Mixer<LayerWrite<Beta>, Stage<Logs..., LowRank<LayerWrite<Beta>, Erase<map::L2Norm>>>, UnitRead>;
}
struct DeltaNet : delta::Layer<map::Sigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, b{}; };
};
struct DeltaNetNegative : delta::Layer<map::TwiceSigmoid> {
  template <class T> struct In { View<T> q{}, k{}, v{}, b{}; };
};

}  // namespace lcsm
