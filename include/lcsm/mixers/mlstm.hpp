// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

namespace mlstm {
LCSM_NAME(i_bias); LCSM_NAME(f_bias);
using Write = Stage<FactorTerm<Data<in::k>>, LogTerm<Data<in::i, Axes::one>>>;
using Read = shrink::Data<map::RsqrtKeys>;
using Normaliser = Quotient<guard::AtLeastOne<-6>>;
template <class Combine, class Raw, class Bias>
using Biased = LogTerm<Joined<Combine, Data<Raw, Axes::one>, Learned<Bias, Axes::one>>>;
}

// mLSTM, the matrix memory of xLSTM, Beck et al. 2024 (https://arxiv.org/abs/2405.04517; NX-AI/xlstm: xlstm/blocks/mlstm;
// NX-AI/mlstm_kernels: mlstm_kernels/torch), with an exponential input gate i and a sigmoid forget gate f:
//
//     C_t = sigmoid(f_t) C_{t-1} + exp(i_t) k_t v_t^T          n_t the same with v = 1
//     y_t = C_t^T q_t K^-1/2 / max(|n_t . q_t| K^-1/2, 1)
//
// q, k [B,T,H,K], v [B,T,H,D], i and f [B,T,H,1] raw. C and n are stored times exp(-p) (the state m is C, z is n, p is what the paper calls
// m), p_t = max(log sigmoid(f_t) + p_{t-1}, i_t), so no i overflows; in terms of these numbers
//
//     y_t = C'_t^T q_t K^-1/2 / (max(|n'_t . q_t| K^-1/2, exp(-p_t)) + 1e-6)
//
// which depends on p through the 1e-6 alone. Every mode has this p, the recurrence's. Where sources start it differs:
//
//     Mlstm              p = 0              mlstm_kernels, xlstm: recurrent forms
//     MlstmFromNothing   the first i_t      mlstm_kernels, xlstm: parallel forms, where p is the maximum of the row
//
// exp(-p) is capped at exp(80), so that nothing overflows: below p = -80 outputs are of the order of exp(-80), not smaller as the formula's.
// K^-1/2 may as well stand at k (xlstm does): C and n are then smaller by it. Output gate, norm and skip are the layer's.
struct Mlstm : Mixer<mlstm::Write, oscillation::Scalar<map::LogSigmoid<>, in::f>, mlstm::Read, mlstm::Normaliser, RunningMax<FromZero>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, i{}, f{}; };
};
struct MlstmFromNothing
    : Mixer<mlstm::Write, oscillation::Scalar<map::LogSigmoid<>, in::f>, mlstm::Read, mlstm::Normaliser, RunningMax<FromNothing>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, i{}, f{}; };
};

// Mlstm with the biases of both gates, [H,1]: i and f are then the products with the weights alone.
struct MlstmLayer : Mixer<Stage<FactorTerm<Data<in::k>>, mlstm::Biased<combine::Sum, in::i, mlstm::i_bias>>,
                          Stage<mlstm::Biased<combine::Of<map::LogSigmoid<>, combine::Sum>, in::f, mlstm::f_bias>>, mlstm::Read,
                          mlstm::Normaliser, RunningMax<FromZero>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, i{}, f{}, i_bias{}, f_bias{}; };
};

// f_bias from 3 to 6 in equal steps over the heads, i_bias normal with deviation 0.1. (The weights of both gates start as 0.)
inline void initialise(MlstmLayer, const MlstmLayer::In<double>& p, init::Generator& rng) {
  init::fill(p.f_bias, [&](Index h, Index, Index) { return p.f_bias.head() > 1 ? 3 + 3 * double(h) / double(p.f_bias.head() - 1) : 3; });
  init::fill(p.i_bias, [&](Index, Index, Index) { return init::normal(rng, 0.1); });
}

}  // namespace lcsm
