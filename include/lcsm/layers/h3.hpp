// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/gate.hpp>
#include <lcsm/mode/long_convolution.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/tensor/buffer.hpp>

namespace lcsm {

// The last N - 1 keys of S sequences, [S, 1, H, N - 1, D], before a call and behind it (which may be the same memory); the other part of H3's state is that of its mixer,
// in the options. None: an empty memory, none wanted.
template <class T> struct H3Keys {
  View<const T> initial{};
  View<T> final{};
};

inline namespace LCSM_ARCH {
namespace h3_layer {

// Heads of an outer product [D, D'] of keys and values, a row after the other, or of products of elements.
enum class Heads { outer, elementwise };
template <Heads heads> Index width(Index keys, Index values) { return heads == Heads::outer ? keys * values : values; }

// p[a, c] = k[a] v[c].
template <Heads heads, class T, class Exec, class K, class X, class P> void outer(const Exec& exec, const View<K>& k, const View<X>& v, const View<P>& p) {
  if constexpr (heads == Heads::elementwise) gate_layer::times<T>(exec, k, v, p);
  else gate_layer::for_each_token(exec, p, [&](Index b, Index t) {
    for (Index h = 0; h < p.head(); ++h)
      for (Index a = 0; a < k.feature(); ++a) {
        const T key = stage::convert<T>(k(b, t, h, a));
        const X* const row = v.data + v.offset(b, t, h, 0, 0);
        const Row<P> out{p.data + p.offset(b, t, h, 0, a * v.feature()), p.stride[4]};
        for_lanes<T>(v.feature(), [&]<class V>(std::type_identity<V>, Index c) { out.put(c, V(V(key) * gate_layer::lanes<V>(v, row, c))); });
      }
  });
}
// y[c] = sum over a of q[a] r[a, c].
template <Heads heads, class T, class Exec, class Q, class R, class S> void read(const Exec& exec, const View<Q>& q, const View<R>& r, const View<S>& y) {
  if constexpr (heads == Heads::elementwise) gate_layer::times<T>(exec, q, r, y);
  else gate_layer::for_each_token(exec, y, [&](Index b, Index t) {
    for (Index h = 0; h < y.head(); ++h) {
      const R* const rows = r.data + r.offset(b, t, h, 0, 0);
      const Row<S> out{y.data + y.offset(b, t, h, 0, 0), y.stride[4]};
      for_lanes<T>(y.feature(), [&]<class V>(std::type_identity<V>, Index c) {
        V sum = V(T(0));
        for (Index a = 0; a < q.feature(); ++a) sum = simd::fma(V(stage::convert<T>(q(b, t, h, a))), gate_layer::lanes<V>(r, rows, a * y.feature() + c), sum);
        out.put(c, sum);
      });
    }
  });
}

// Everything is checked before anything is written. y, or its cotangent in an adjoint, says how large a call is.
template <Heads heads, class T, class U, class P, class S>
void check(const char* function, const ConvolutionPlan<T>& shift, const View<const P>& shift_skip, const View<U>& q, const View<U>& k, const View<U>& v, const View<S>& y, const Options<T>& options,
           const H3Keys<T>& keys, const char* output = "y") {
  const Index H = shift.toeplitz().heads(), D = shift.toeplitz().features(), values = heads == Heads::outer ? y.feature() : D;
  const auto stream = [&](const char* name, const auto& x, Index features, bool may_repeat) {
    const Index extent[] = {y.batch(), y.time(), H, 1, features};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, x, a, extent[a], may_repeat && a < 2);
    door::data(function, name, x);
  };
  stream(output, y, values, false), stream("q", q, D, true), stream("k", k, D, true), stream("v", v, values, true);
  if constexpr (!std::is_const_v<S>) door::output_axes(function, output, y);
  if (shift.toeplitz().back() > 0) raise<ShapeError>(function, "shift", "a plan without taps of what is to come", door::text(shift.toeplitz().back()) + " of them");
  if (given(shift_skip)) {
    const Index extent[] = {1, 1, H, 1, D};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, "shift_skip", shift_skip, a, extent[a], true);
    door::data(function, "shift_skip", shift_skip);
  }
  std::vector<Index> table;
  const Index sequences = Index(door::timelines(function, y.batch(), y.time(), options, table).size());
  for (const bool last : {false, true})
    if (const View<const T> of = last ? View<const T>(keys.final) : keys.initial; given(of)) door::component(function, "keys", last ? "final" : "initial", of, sequences, H, shift.toeplitz().front() - 1, D);
}
template <class T> ConvolutionOptions<T> shift_options(const Options<T>& o, const H3Keys<T>& keys) { return {keys.initial, keys.final, o.sequences, o.mask, o.direction}; }

template <Heads heads, class Exec, class M, class T, class P, class U, class S>
void run(const char* function, const Exec& exec, M mixer, typename M::template In<const T> in, const ConvolutionPlan<T>& shift, const View<const P>& shift_skip, const View<U>& q, const View<U>& k, const View<U>& v,
         const View<S>& y, const Options<T>& options, const H3Keys<T>& keys) {
  static_assert(M::projection::parts == 1, "lcsm::h3: the mixer writes real outputs: give it project::Real or project::TwiceReal");
  check<heads>(function, shift, shift_skip, q, k, v, y, options, keys);
  const Index H = y.head();
  Buffer<T> shifted(y.batch(), y.time(), H, k.feature()), products(y.batch(), y.time(), H, width<heads>(k.feature(), v.feature())), read_out(y.batch(), y.time(), H, products.view().feature());
  in.x = std::as_const(products).view();
  checked_call<M, T>(function, in, read_out.view(), options);
  long_convolution(exec, shift, k, shift_skip, shifted.view(), shift_options(options, keys));
  outer<heads, T>(exec, shifted.view(), v, products.view());
  mix(exec, mixer, in, read_out.view(), options);
  read<heads, T>(exec, q, read_out.view(), y);
  zero_padding(options.mask, y);
}

}  // namespace h3_layer

// H3 without its projections, Fu et al. 2022 (https://arxiv.org/abs/2212.14052; HazyResearch/safari: src/models/sequence/h3.py):
//
//     k'_t = sum over l < N of shift_l k_{t-l} + shift_skip k_t        P_t[a, c] = k'_t[a] v_t[c]        y_t[c] = sum over a of q_t[a] (SSM(P)_t[a, c] + D P_t[a, c])
//
// heads H of D channels, with an SSM for each head that all elements of its outer product share. q, k [B,T,H,1,D], v, y [B,T,H,1,D']: the published q, k, v have their
// channels as h D + d, and its output of more than one channel per head as d H + h, both seen through strides. shift: a plan of heads H and features D, in direct form
// as a rule; its taps are the published C of the shift SSM (ssm_k_kernel), shift_skip parameter(data, H, D) its ssm_k_D, or {}. The mixer is S4d or any other whose input
// is x, over heads H and D D' channels; `in` has its parameters, [H, ...] with channels that repeat (extent 1, stride 0), its skip being the published D; x is filled here.
// Options are those of `mix`: the state of the mixer, packed sequences, a mask, whose padding is not read and writes 0.
//
//     h3(exec::par, S4d{}, S4d::In<const float>{.log_dt = ..., ...}, shift, shift_skip, q, k, v, y);
//
// Computed in T; y errs by what the mixer does, (N + 4) eps of the keys' sums, and (D + 1) eps for the products. Allocates 2 D D' + D numbers per token and head. Throws
// before anything is written: ShapeError, SequenceError.
template <class Exec, class M, class T, class U, class S, class P = T>
void h3(const Exec& exec, M mixer, const typename M::template In<const T>& in, const ConvolutionPlan<T>& shift, const std::type_identity_t<View<const P>>& shift_skip, const View<U>& q,
        const std::type_identity_t<View<U>>& k, const std::type_identity_t<View<U>>& v, const View<S>& y, const std::type_identity_t<Options<T>>& options = {}, const std::type_identity_t<H3Keys<T>>& keys = {}) {
  h3_layer::run<h3_layer::Heads::outer>("h3", exec, mixer, in, shift, shift_skip, q, k, v, y, options, keys);
}
// The same with heads of one channel (the published default), all of them side by side as channels of H heads here: P_t[c] = k'_t[c] v_t[c], y_t[c] = q_t[c] (SSM(P)_t[c] + D[c] P_t[c]).
template <class Exec, class M, class T, class U, class S, class P = T>
void h3_elementwise(const Exec& exec, M mixer, const typename M::template In<const T>& in, const ConvolutionPlan<T>& shift, const std::type_identity_t<View<const P>>& shift_skip, const View<U>& q,
                    const std::type_identity_t<View<U>>& k, const std::type_identity_t<View<U>>& v, const View<S>& y, const std::type_identity_t<Options<T>>& options = {},
                    const std::type_identity_t<H3Keys<T>>& keys = {}) {
  h3_layer::run<h3_layer::Heads::elementwise>("h3_elementwise", exec, mixer, in, shift, shift_skip, q, k, v, y, options, keys);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
