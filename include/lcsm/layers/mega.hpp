// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend_vjp.hpp>
#include <lcsm/layers/gated_memory.hpp>
#include <lcsm/layers/two_directions.hpp>

namespace lcsm {

// What a Mega layer is told beside its parameters. chunk: attention stays inside stretches of so many positions (0: none), the memory runs over everything. Padding is not read, and writes 0.
struct MegaOptions {
  Index chunk = 0;
  bool causal = true;
  double epsilon = 1e-5;                     // of the norm
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
};
// The parameters beside those of the memory: the maps, and the learned bias of relative positions [1,1,1,1,2R+1] (at R + s - t), or {}.
template <class S> struct MegaMaps : GatedMemoryMaps<S> {
  View<S> relative{};
};

inline namespace LCSM_ARCH {
namespace mega_layer {

// Softmax has q . k / sqrt Z; the others (Mega's Laplace, relu^2) divide by the number of keys that a query sees.
template <class W> AttentionOptions attention_options(const MegaOptions& o) {
  return {.scale = W::shifted ? 0.0 : 1.0, .by_visible = !W::shifted, .causal = o.causal, .chunk = o.chunk, .sequences = o.sequences, .mask = o.mask, .direction = o.direction};
}
template <class T> Options<T> memory_options(const MegaOptions& o) {
  Options<T> out;
  out.sequences = o.sequences, out.mask = o.mask, out.direction = o.direction;
  return out;
}

// The memory of a layer, as its pass runs it, and its adjoint: `memory` and `grads` have the parameters.
template <class T, class Exec, class M> auto remember(const Exec& exec, M mixer, typename M::template In<const T>& memory, const MegaOptions& o) {
  return [&exec, mixer, &memory, o](const View<const T>& xn, const View<T>& to) {
    if constexpr (requires { memory.ahead; }) memory.ahead.x = memory.behind.x = xn; else memory.x = xn;
    mix(exec, mixer, memory, to, memory_options<T>(o));
  };
}
template <class T, class Exec, class M> auto remember_vjp(const Exec& exec, M mixer, typename M::template In<const T>& memory, typename M::template In<T>& grads, const Buffer<T>& xn, const MegaOptions& o) {
  return [&exec, mixer, &memory, &grads, &xn, o](const View<const T>& m_bar, const View<T>& xn_bar) {
    if constexpr (requires { memory.ahead; }) {
      Buffer<T> behind(xn_bar.batch(), xn_bar.time(), xn_bar.head(), xn_bar.feature());
      memory.ahead.x = memory.behind.x = xn.view(), grads.ahead.x = xn_bar, grads.behind.x = behind.view();
      vjp(exec, mixer, memory, m_bar, grads, memory_options<T>(o));
      two_directions::add(xn_bar, behind.view());
    } else {
      memory.x = xn.view(), grads.x = xn_bar;
      vjp(exec, mixer, memory, m_bar, grads, memory_options<T>(o));
    }
  };
}

}  // namespace mega_layer

// Mega's layer, Ma et al. 2022 (https://arxiv.org/abs/2209.10655; facebookresearch/mega: fairseq/modules/moving_average_gated_attention.py), with the norm first: the formula in
// gated_memory.hpp, its memory a mixer whose input is x, over D channels of one head (the published one MegaEma, and TwoDirections<MegaEma> where nothing is causal; any other by its type), and attention with any weight. x, y [B,T,1,1,D].
//
//     mega(exec::par, SoftmaxAttention{}, MegaEma{}, MegaEma::In<const float>{.delta = ..., ...}, maps, x, y, {.chunk = 128});
//
// Computed in T, the computing type of y; allocates 5 D + 3 Z + 6 E numbers per token. No thread count changes a bit. Throws ShapeError, SequenceError or OptionError before anything is written.
template <class Exec, class W, class M, class P, class X, class S, class T = storage_compute_t<S>>
void mega(const Exec& exec, Attention<W> attention, M mixer, typename M::template In<const T> memory, const MegaMaps<P>& maps, const View<X>& x, const View<S>& y, const MegaOptions& options = {}) {
  using namespace mega_layer;
  using gated_memory_layer::without_padding;
  dense_layer::stream("mega", "y", y, x.batch(), x.time(), x.feature(), true);
  Buffer<std::remove_const_t<X>> own;
  const View<const X> in = without_padding<T>(x, options, own);
  gated_memory_layer::Pass<T> pass("mega", maps, in, options.epsilon);
  pass.forward(
      exec, maps, in,
      remember<T>(exec, mixer, memory, options),
      [&](const View<const T>& q, const View<const T>& k, const View<const T>& v, const View<T>& to) {
        struct { View<const T> q, k, v; View<P> bias; } of{q, k, v, maps.relative};
        attend(exec, attention, of, to, attention_options<W>(options));
      });
  pass.output(exec, in, y);
  zero_padding(options.mask, y);
}

// Its adjoint: inputs and options as those of `mega`, y_bar = dL/dy. memory_grads: views of the memory's parameters (its x is not looked at); grads and x_bar: in full, null ones skipped. The
// forward pass is run again; padding gets 0.
template <class Exec, class W, class M, class P, class X, class Y, class Q, class S, class T = storage_compute_t<std::remove_const_t<Y>>>
void mega_vjp(const Exec& exec, Attention<W> attention, M mixer, typename M::template In<const T> memory, const MegaMaps<P>& maps, const View<X>& x, const View<Y>& y_bar, typename M::template In<T> memory_grads,
              const MegaMaps<Q>& grads, const View<S>& x_bar, const MegaOptions& options = {}) {
  using namespace mega_layer;
  using gated_memory_layer::without_padding;
  dense_layer::stream("mega_vjp", "y_bar", y_bar, x.batch(), x.time(), x.feature(), false);
  if (x_bar) dense_layer::stream("mega_vjp", "x_bar", x_bar, x.batch(), x.time(), x.feature(), true);
  Buffer<std::remove_const_t<X>> own;
  Buffer<std::remove_const_t<Y>> own_bar;
  const View<const X> in = without_padding<T>(x, options, own);
  const auto bars = without_padding<T>(View<const std::remove_const_t<Y>>(y_bar), options, own_bar);
  gated_memory_layer::Pass<T> pass("mega_vjp", maps, in, options.epsilon);
  const auto of = [&](const View<const T>& q, const View<const T>& k, const View<const T>& v) {
    struct { View<const T> q, k, v; View<P> bias; } all{q, k, v, maps.relative};
    return all;
  };
  pass.forward(
      exec, maps, in,
      remember<T>(exec, mixer, memory, options),
      [&](const View<const T>& q, const View<const T>& k, const View<const T>& v, const View<T>& to) { attend(exec, attention, of(q, k, v), to, attention_options<W>(options)); });
  pass.backward(
      exec, maps, in, bars, x_bar, grads,
      remember_vjp<T>(exec, mixer, memory, memory_grads, pass.xn, options),
      [&](const View<const T>& a_bar, const View<T>& q_bar, const View<T>& k_bar, const View<T>& v_bar) {
        struct { View<T> q, k, v; View<Q> bias; } to{q_bar, k_bar, v_bar, grads.relative};
        attend_vjp(exec, attention, of(std::as_const(pass.q).view(), std::as_const(pass.k).view(), std::as_const(pass.v).view()), a_bar, to, attention_options<W>(options));
      });
  if (x_bar) zero_padding(options.mask, x_bar);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
