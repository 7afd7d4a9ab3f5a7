// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend_vq_vjp.hpp>
#include <lcsm/layers/mega.hpp>
#include <lcsm/mixers/longvq.hpp>
#include <lcsm/vq/quantise.hpp>

namespace lcsm {

// What a LongVQ layer is told beside its parameters.
struct LongVqOptions {
  Index window = 128;                        // keys up to so far are seen one by one, with a bias
  Index block = 128;                         // queries of a block: sets what VqKeys::window means, and nothing else
  bool causal = true;
  VqRule rule{};                             // what keys and values beyond the window are told
  double commitment = 0;                     // weight of the commitment loss, whose gradient `longvq_vjp` adds (vq/quantise.hpp)
  double epsilon = 1e-5, key_epsilon = 1e-6; // of the norm of x, and of those of queries and keys
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
};

inline namespace LCSM_ARCH {
namespace longvq_layer {

inline MegaOptions of_memory(const LongVqOptions& o) { return {.chunk = 0, .causal = o.causal, .epsilon = o.epsilon, .sequences = o.sequences, .mask = o.mask, .direction = o.direction}; }
template <class T> VqAttentionOptions<T> of_attention(const LongVqOptions& o) {
  VqAttentionOptions<T> out;
  out.scale = 1, out.causal = o.causal, out.window = o.window, out.block = o.block, out.sequences = o.sequences, out.mask = o.mask, out.direction = o.direction;
  return out;
}

// Queries and keys with an rms of Z^-1/4, and the keys' codes.
template <class T> struct Quantised {
  Buffer<T> gain, q, k;
  Buffer<std::int32_t> codes_of;
  double epsilon;
  template <class Exec, class C> Quantised(const Exec& exec, const View<const T>& from_q, const View<const T>& from_k, const View<C>& codes, const LongVqOptions& o)
      : gain(1, 1, 1, from_q.feature()), q(from_q.batch(), from_q.time(), 1, from_q.feature()), k(q), codes_of(from_q.batch(), from_q.time(), 1, 1), epsilon(o.key_epsilon) {
    gain.fill(static_cast<T>(std::pow(double((std::max)(from_q.feature(), Index(1))), -0.25)));
    lcsm::norm(exec, norm(), from_q, q.view()), lcsm::norm(exec, norm(), from_k, k.view());
    nearest_codes(exec, std::as_const(k).view(), codes, codes_of.view(), {}, {.mask = o.mask});
  }
  template <class P> VqInputs<const T, const std::int32_t, P> inputs(const View<const T>& codes, const View<const T>& v, const View<P>& bias) const { return {q.view(), codes, v, bias, codes_of.view()}; }
  Norm<const T> norm() const { return {NormKind::rms, gain.view(), {}, epsilon}; }
};

}  // namespace longvq_layer

// LongVQ, Liu et al. 2024 (https://arxiv.org/abs/2404.11163), of which no code is public: gated attention over a structured memory, with quantised keys. Confirmed: the memory is a state space, keys are vector
// quantised with gradients straight through, the codebook's size makes attention linear, and near keys have a bias of their own. Inferred, and choices of the types and options here: that the memory also forms the
// queries, the gates (those of Mega, gated_memory.hpp), norms of queries and keys (rms Z^-1/4, as Transformer-VQ's), one softmax for near and far keys, a learned bias per offset, and the codebook's update
// (vq/codebook.hpp). The memory is that of LongVq: MegaEma by default, S4d, Dlr or Lru by their type (mixers/longvq.hpp).
//
//     longvq(exec::par, LongVq<>{}, MegaEma::In<const float>{.delta = ..., ...}, maps, book.codes(), x, y, {.window = 128}, codes_of.view());
//
// x, y [B,T,1,1,D]; codes [1,1,1,S,Z]; maps.relative [1,1,1,1,2R+1] is the bias within the window, or {}. codes_of [B,T,1,1,1] gets the codes of the keys, for the codebook's statistics, which read the keys themselves from
// `keys` [B,T,1,1,Z]; both may be {}. Computed in T, the computing type of y. Padding is not read and writes 0. No thread count changes a bit. Throws ShapeError, SequenceError or OptionError before anything is written.
template <class Exec, class M, class P, class X, class S, class T = storage_compute_t<S>>
void longvq(const Exec& exec, LongVq<M>, typename M::template In<const T> memory, const MegaMaps<const P>& maps, const std::type_identity_t<View<const T>>& codes, const View<X>& x, const View<S>& y, const LongVqOptions& options = {},
            const View<std::int32_t>& codes_of = {}, const std::type_identity_t<View<T>>& keys = {}) {
  using namespace longvq_layer;
  dense_layer::stream("longvq", "y", y, x.batch(), x.time(), x.feature(), true);
  if (codes_of) dense_layer::stream("longvq", "codes_of", codes_of, x.batch(), x.time(), 1, true);
  if (keys) dense_layer::stream("longvq", "keys", keys, x.batch(), x.time(), maps.gamma.feature(), true);
  Buffer<std::remove_const_t<X>> own;
  const View<const std::remove_const_t<X>> in = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<X>>(x), of_memory(options), own);
  gated_memory_layer::Pass<T> pass("longvq", maps, in, options.epsilon);
  pass.forward(
      exec, maps, in,
      mega_layer::remember<T>(exec, M{}, memory, of_memory(options)),
      [&](const View<const T>& q, const View<const T>& k, const View<const T>& v, const View<T>& to) {
        const Quantised<T> quantised(exec, q, k, codes, options);
        attend_vq(exec, quantised.inputs(codes, v, maps.relative), to, of_attention<T>(options));
        if (codes_of) gated_memory_layer::each(exec, codes_of, [&](Index b, Index t, Index) { return quantised.codes_of.view()(b, t, 0, 0); });
        if (keys) gated_memory_layer::each(exec, keys, [&](Index b, Index t, Index c) { return quantised.k.view()(b, t, 0, c); });
      });
  pass.output(exec, in, y);
  zero_padding(options.mask, y);
}

// Its adjoint: inputs and options as those of `longvq`, y_bar = dL/dy; gradients of the memory's parameters, of the maps, and x_bar, in full, null ones skipped. Nothing is told to the codebook. The keys' gradients go straight
// through their quantisation by options.rule, and have that of the commitment loss added. The forward pass is run again; padding gets 0.
template <class Exec, class M, class P, class X, class Y, class Q, class S, class T = storage_compute_t<std::remove_const_t<Y>>>
void longvq_vjp(const Exec& exec, LongVq<M>, typename M::template In<const T> memory, const MegaMaps<const P>& maps, const std::type_identity_t<View<const T>>& codes, const View<X>& x, const View<Y>& y_bar,
                typename M::template In<T> memory_grads, const MegaMaps<Q>& grads, const View<S>& x_bar, const LongVqOptions& options = {}) {
  using namespace longvq_layer;
  dense_layer::stream("longvq_vjp", "y_bar", y_bar, x.batch(), x.time(), x.feature(), false);
  if (x_bar) dense_layer::stream("longvq_vjp", "x_bar", x_bar, x.batch(), x.time(), x.feature(), true);
  Buffer<std::remove_const_t<X>> own;
  Buffer<std::remove_const_t<Y>> own_bar;
  const View<const std::remove_const_t<X>> in = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<X>>(x), of_memory(options), own);
  const auto bars = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<Y>>(y_bar), of_memory(options), own_bar);
  gated_memory_layer::Pass<T> pass("longvq_vjp", maps, in, options.epsilon);
  pass.forward(
      exec, maps, in,
      mega_layer::remember<T>(exec, M{}, memory, of_memory(options)),
      [&](const View<const T>& q, const View<const T>& k, const View<const T>& v, const View<T>& to) {
        attend_vq(exec, Quantised<T>(exec, q, k, codes, options).inputs(codes, v, maps.relative), to, of_attention<T>(options));
      });
  pass.backward(
      exec, maps, in, bars, x_bar, grads,
      mega_layer::remember_vjp<T>(exec, M{}, memory, memory_grads, pass.xn, of_memory(options)),
      [&](const View<const T>& a_bar, const View<T>& q_bar, const View<T>& k_bar, const View<T>& v_bar) {
        const View<const T> q = std::as_const(pass.q).view(), k = std::as_const(pass.k).view(), v = std::as_const(pass.v).view();
        const Quantised<T> quantised(exec, q, k, codes, options);
        Buffer<T> relative(1, 1, 1, maps.relative ? maps.relative.feature() : 0);
        const bool biased = grads.relative && maps.relative;
        attend_vq_vjp(exec, quantised.inputs(codes, v, maps.relative), a_bar, VqGradients<T>{q_bar, k_bar, v_bar, biased ? relative.view() : View<T>()}, of_attention<T>(options), options.rule);
        if (biased) for (Index r = 0; r < relative.size(); ++r) grads.relative(0, 0, 0, r) = stage::convert<Q>(relative[r]);
        quantise_vjp(exec, quantised.k.view(), codes, quantised.codes_of.view(), k_bar, k_bar, options.commitment, {.mask = options.mask});
        norm_vjp(exec, quantised.norm(), q, q_bar, NormGradients<T>{q_bar}), norm_vjp(exec, quantised.norm(), k, k_bar, NormGradients<T>{k_bar});
      });
  if (x_bar) zero_padding(options.mask, x_bar);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
