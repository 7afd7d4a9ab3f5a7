// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

// GateLoop, Katsch 2023 (https://arxiv.org/abs/2311.01927): a complex transition a_t of the token.
//
//     m_t = diag(a_t) m_{t-1} + k_t v_t^T          y_t = Re(m_t)^T q_t          a_t = sigmoid(g_t) exp(i phase_t)
//
// q, k, g, phase [B,T,H,K], v [B,T,H,D]; g and phase raw, linear in the token. Real q and k; no scale. The paper's main equation has
// dimensions that do not match; the transition acts on the key axis.
struct GateLoop : Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};
// One complex transition per head: g, phase [B,T,H,1].
struct GateLoopScalar : Mixer<expand::Data<>, oscillation::Polar<Axes::one>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};
// As many heads as channels, the paper's experiments: K = 1, q, k, v, g, phase all [B,T,H,D] and h_t = a_t h_{t-1} + k_t v_t.
struct GateLoopMaximallyHeaded : Mixer<expand::PerValue<>, oscillation::Polar<Axes::value>, shrink::PerValue<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};

// The operator of lucidrains/gateloop-transformer (gate_loop_operator) with its transition a: g = log|a|, phase = arg a, per key or per head.
struct GateLoopOperator : Mixer<expand::Data<>, oscillation::Polar<Axes::key, map::Identity>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};
struct GateLoopOperatorScalar : Mixer<expand::Data<>, oscillation::Polar<Axes::one, map::Identity>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};

// Its attention from projections (GateLoopedAttention): the transition of a head from two numbers of the token, z = a + i a_imag [B,T,H,1],
// as sigmoid(|z|) exp(i arg z), so the magnitude is at least 1/2. There W_a gives [B,T,2H], re and im of a head side by side: two views of
// it with the feature stride 2 between heads. The direction of z has no gradient at z = 0, which (g, phase) of GateLoop does not suffer from. The norm
// after, the gate silu(W_g x) and the last projection belong to the layer; ablate_complex there is a_imag = 0.
struct GateLoopAttention
    : Mixer<expand::Data<>,
            Stage<Term<Plane::log, combine::ModulusGate, Data<in::a, Axes::one>, Data<in::a_imag, Axes::one>>,
                  Term<Plane::phase, combine::Angle, Data<in::a, Axes::one>, Data<in::a_imag, Axes::one>>>,
            shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, a_imag{}; };
};

// Its simplified form (simplified_gate_loop.py), real and per channel: h_t = a_t h_{t-1} + v_t, y_t = q_t h_t. q, v, a [B,T,H,D], v being its
// kv; a is the multiplier itself (there after a sigmoid), of either sign.
struct GateLoopSimple : Mixer<expand::One, oscillation::Multiplier<Axes::value, in::a>, shrink::PerValue<>> {
  template <class T> struct In { View<T> q{}, v{}, a{}; };
};

// The author's later package (tobiaskatsch/GateLoop: flax_gated_linear_rnn): h_t = f_t h_{t-1} + i_t tanh(x_t), then tanh(h_t) times
// sigmoid(output gate), which are the layer's. x, f, i [B,T,H,D] raw. Tied: f_t = 1 - i_t from the raw input gate i alone.
struct GatedLinearRnn : Mixer<expand::PerValue<map::Sigmoid, in::i>, oscillation::PerValue<map::LogSigmoid<>, in::f>, shrink::One,
                              Input<Data<in::x, Axes::value, map::Tanh>>> {
  template <class T> struct In { View<T> x{}, i{}, f{}; };
};
struct GatedLinearRnnTied : Mixer<expand::Tied<tie::Complement>, oscillation::PerValue<map::LogComplement, in::i>, shrink::One,
                                  Input<Data<in::x, Axes::value, map::Tanh>>> {
  template <class T> struct In { View<T> x{}, i{}; };
};

// The first-order linear recurrence x_t = a_t x_{t-1} + b_t, multipliers a of either sign, b [B,T,H,D] (proger/accelerated-scan: ref.py).
struct FirstOrder : Mixer<expand::One, oscillation::Multiplier<Axes::value, in::a>, shrink::One, Input<Data<in::b, Axes::value>>> {
  template <class T> struct In { View<T> a{}, b{}; };
};

}  // namespace lcsm
