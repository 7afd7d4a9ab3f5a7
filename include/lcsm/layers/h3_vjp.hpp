// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/h3.hpp>
#include <lcsm/mode/long_convolution_vjp.hpp>
#include <lcsm/mode/vjp.hpp>

namespace lcsm {

// Gradients of H3 beside those of its mixer's parameters, written in full and with the extents of what they are of; shift as the plan's taps, [1, N, H, 1, D]. Null
// views ask for nothing; shift_skip has a gradient where none was given, too.
template <class S, class P = S> struct H3Gradients {
  View<S> q{}, k{}, v{};
  View<P> shift{}, shift_skip{};
};

inline namespace LCSM_ARCH {
namespace h3_layer {

// r[a] = sum over c of p[a, c] v[c].
template <Heads heads, class T, class Exec, class P, class X, class R> void read_rows(const Exec& exec, const View<P>& p, const View<X>& v, const View<R>& r) {
  if constexpr (heads == Heads::elementwise) gate_layer::times<T>(exec, p, v, r);
  else gate_layer::for_each_token(exec, r, [&](Index b, Index t) {
    for (Index h = 0; h < r.head(); ++h)
      for (Index a = 0; a < r.feature(); ++a) {
        T sum = 0;
        for (Index c = 0; c < v.feature(); ++c) sum = simd::fma(stage::convert<T>(p(b, t, h, a * v.feature() + c)), stage::convert<T>(v(b, t, h, c)), sum);
        r(b, t, h, a) = stage::convert<R>(sum);
      }
  });
}

template <Heads heads, class Exec, class M, class T, class P, class U, class Y, class S, class Q>
void adjoint(const char* function, const Exec& exec, M mixer, typename M::template In<const T> in, const ConvolutionPlan<T>& shift, const View<const P>& shift_skip, const View<U>& q, const View<U>& k, const View<U>& v,
             const View<Y>& y_bar, typename M::template In<T> grads, const H3Gradients<S, Q>& of, const Options<T>& options, const H3Keys<T>& keys, const StateCotangents<T>& states, const ConvolutionCotangents<T>& key_states) {
  const View<const std::remove_const_t<Y>> bars(y_bar);
  check<heads>(function, shift, shift_skip, q, k, v, bars, options, keys, "y_bar");
  const Index H = y_bar.head(), D = k.feature(), values = v.feature(), batch = y_bar.batch(), time = y_bar.time(), wide = width<heads>(D, values);
  const auto gradient = [&](const char* of_what, const auto& g, const std::array<Index, 5>& extent) { door::gradient_view(function, of_what, g, extent, true); };
  gradient("q", of.q, {batch, time, H, 1, D}), gradient("k", of.k, {batch, time, H, 1, D}), gradient("v", of.v, {batch, time, H, 1, values});
  gradient("shift", of.shift, {1, shift.toeplitz().front(), H, 1, D}), gradient("shift_skip", of.shift_skip, {1, 1, H, 1, D});
  const Index past = shift.toeplitz().front() - 1;
  std::vector<Index> table;
  const Index sequences = Index(door::timelines(function, batch, time, options, table).size());
  if (given(key_states.final)) door::component(function, "key_states", "final", key_states.final, sequences, H, past, D);
  if (given(key_states.initial)) door::component(function, "key_states", "initial", key_states.initial, sequences, H, past, D);

  Options<T> again = options;
  again.final = {};
  const ConvolutionOptions<T> of_keys = shift_options(again, {keys.initial, {}});
  Buffer<T> shifted(batch, time, H, D), shifted_bar(batch, time, H, D), products(batch, time, H, wide), other(batch, time, H, wide), products_bar(batch, time, H, wide);
  in.x = std::as_const(products).view(), grads.x = products_bar.view();
  checked_call<M, T>(function, in, other.view(), again);
  long_convolution(exec, shift, k, shift_skip, shifted.view(), of_keys);
  outer<heads, T>(exec, shifted.view(), v, products.view());
  if (of.q) {
    mix(exec, mixer, in, other.view(), again);
    read_rows<heads, T>(exec, other.view(), bars, of.q), zero_padding(options.mask, of.q);
  }
  outer<heads, T>(exec, q, bars, other.view());
  vjp(exec, mixer, in, std::as_const(other).view(), grads, again, states);
  if (of.v) read<heads, T>(exec, shifted.view(), products_bar.view(), of.v), zero_padding(options.mask, of.v);
  read_rows<heads, T>(exec, products_bar.view(), v, shifted_bar.view());
  long_convolution_vjp(exec, shift, k, shift_skip, shifted_bar.view(), LongConvolutionGradients<S, Q>{.x = of.k, .kernel = of.shift, .skip = of.shift_skip}, of_keys, key_states);
}

}  // namespace h3_layer

// The adjoint of `h3`, whose inputs, options and keys come first and mean the same; y_bar is dL/dy, shaped as y. With R = SSM(P) + D P and its adjoint P_bar of R_bar:
//
//     q_bar[a] = sum over c of R[a, c] y_bar[c]        R_bar[a, c] = q[a] y_bar[c]        v_bar[c] = sum over a of k'[a] P_bar[a, c]        k'_bar[a] = sum over c of P_bar[a, c] v[c]
//
// and the shift's adjoint of k'_bar. grads: views of the mixer's parameters (its x is not looked at). options.initial and keys.initial are what the call began with, their
// final ones are not written. Tokens that a mask takes out get 0. The forward pass is run again; allocates 3 D D' + 2 D numbers per token and head. Inputs and gradients
// must not overlap. Throws before anything is written: ShapeError, SequenceError.
template <class Exec, class M, class T, class U, class Y, class S, class Q, class P = T>
void h3_vjp(const Exec& exec, M mixer, const typename M::template In<const T>& in, const ConvolutionPlan<T>& shift, const std::type_identity_t<View<const P>>& shift_skip, const View<U>& q,
            const std::type_identity_t<View<U>>& k, const std::type_identity_t<View<U>>& v, const View<Y>& y_bar, const typename M::template In<T>& grads, const H3Gradients<S, Q>& of,
            const std::type_identity_t<Options<T>>& options = {}, const std::type_identity_t<H3Keys<T>>& keys = {}, const std::type_identity_t<StateCotangents<T>>& states = {},
            const std::type_identity_t<ConvolutionCotangents<T>>& key_states = {}) {
  h3_layer::adjoint<h3_layer::Heads::outer>("h3_vjp", exec, mixer, in, shift, shift_skip, q, k, v, y_bar, grads, of, options, keys, states, key_states);
}
// The same of `h3_elementwise`.
template <class Exec, class M, class T, class U, class Y, class S, class Q, class P = T>
void h3_elementwise_vjp(const Exec& exec, M mixer, const typename M::template In<const T>& in, const ConvolutionPlan<T>& shift, const std::type_identity_t<View<const P>>& shift_skip, const View<U>& q,
                        const std::type_identity_t<View<U>>& k, const std::type_identity_t<View<U>>& v, const View<Y>& y_bar, const typename M::template In<T>& grads, const H3Gradients<S, Q>& of,
                        const std::type_identity_t<Options<T>>& options = {}, const std::type_identity_t<H3Keys<T>>& keys = {}, const std::type_identity_t<StateCotangents<T>>& states = {},
                        const std::type_identity_t<ConvolutionCotangents<T>>& key_states = {}) {
  h3_layer::adjoint<h3_layer::Heads::elementwise>("h3_elementwise_vjp", exec, mixer, in, shift, shift_skip, q, k, v, y_bar, grads, of, options, keys, states, key_states);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
