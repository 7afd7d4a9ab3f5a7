// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// HGRN, Qin et al. 2023 (https://arxiv.org/abs/2311.04823; OpenNLPLab/HGRN: hgru; fla-org/flash-linear-attention: fla/ops/hgrn), per channel
// (K = 1, everything [B,T,H,D]).
//
// The operator: h_t = exp(g_t) h_{t-1} + x_t, y_t = h_t, with a log gate g and x already times its input gate.
struct Hgrn : Mixer<expand::One, oscillation::PerValue<>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, g{}; };
};

// A gate with a floor, lower_bound + (1 - lower_bound) sigmoid(f): lower_bound in [0, 1) is a parameter per channel or key, 0 in layer 0.
template <Axes X> using LowerBoundedGate = Term<Plane::log, combine::LowerBound, Data<in::f, X>, Learned<in::lower_bound, X>>;

// The layer's recurrence from its raw gate f and raw input x: h_t = l_t h_{t-1} + (1 - l_t) silu(x_t), l_t the gate above; lower_bound [H, D].
struct HgrnReal
    : Mixer<expand::Tied<tie::Complement>, Stage<LowerBoundedGate<Axes::value>>, shrink::One, Input<Data<in::x, Axes::value, map::Silu>>> {
  template <class T> struct In { View<T> x{}, f{}, lower_bound{}; };
};

// The paper's, complex: h_t = l_t exp(i phase) h_{t-1} + (1 - l_t) c_t, c_t = silu(x_t) + i silu(x_imag_t). phase [H, D] is learned; both parts
// are read, y [B,T,H,2D] = [Re | Im].
struct HgrnComplex
    : Mixer<expand::Tied<tie::Complement>, Stage<LowerBoundedGate<Axes::value>, PhaseTerm<Learned<in::phase, Axes::value>>>, shrink::One,
            Input<Data<in::x, Axes::value, map::Silu>, Data<in::x_imag, Axes::value, map::Silu>>, project::Complex> {
  template <class T> struct In { View<T> x{}, x_imag{}, f{}, lower_bound{}, phase{}; };
};

// phase = 10000^(-2j / n), j the channel counted over all heads, n their number.
inline void initialise(HgrnComplex, const HgrnComplex::In<double>& p) {
  const double n = double(p.phase.head() * p.phase.feature());
  init::fill(p.phase, [&](Index h, Index, Index f) { return std::pow(1e4, -2 * double(h * p.phase.feature() + f) / n); });
}

// The lower bounds of one layer. raw is the model's parameter, [layers] x size in rows; with P = softmax over layers, the bound of layer l
// is P_1 + ... + P_l: 0 in layer 0, growing with depth. raw starts as 0 (fla).
inline void hgrn_lower_bound(const double* raw, Index layers, Index layer, double* bound, Index size) {
  for (Index n = 0; n < size; ++n) {
    double top = raw[n], below = 0, all = 0;
    for (Index l = 1; l < layers; ++l) top = raw[l * size + n] > top ? raw[l * size + n] : top;
    for (Index l = 0; l < layers; ++l) {
      const double p = std::exp(raw[l * size + n] - top);
      all += p;
      if (l > 0 && l <= layer) below += p;
    }
    bound[n] = below / all;
  }
}

}  // namespace lcsm
