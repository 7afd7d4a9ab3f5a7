// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/dense_vjp.hpp>
#include <lcsm/layers/norm.hpp>

namespace lcsm {

// The parameters of a layer of gated attention over a memory (gated_memory_layer below), in Mega's shapes: D features, Z of a query, E of a value. Norms, weights and biases as
// dense.hpp and norm.hpp want them; null biases are 0, without a gain and a bias the norm has none.
template <class S> struct GatedMemoryMaps {
  View<S> norm_gain{}, norm_bias{};          // [D]
  View<S> v{}, v_bias{};                     // [E,D], [E]
  View<S> mx{}, mx_bias{};                   // [2D+Z+E, D]: the rows of u, z, r and h, one part after the other
  View<S> gamma{}, beta{};                   // [2,Z]: of queries and of keys
  View<S> h{}, h_bias{};                     // [D,E], [D]
};

inline namespace LCSM_ARCH {
namespace gated_memory_layer {

template <class T> T silu(T x) { return x * math::sigmoid(x); }
template <class T> T silu_slope(T x) { const T s = math::sigmoid(x); return s * (T(1) + x * (T(1) - s)); }

// x without what padding holds, which must not meet a product: a copy if there is any.
template <class T, class X, class O> View<const X> without_padding(const View<X>& x, const O& o, Buffer<std::remove_const_t<X>>& own) {
  if (!o.mask) return x;
  own = Buffer<std::remove_const_t<X>>(x.batch(), x.time(), 1, x.feature());
  own.fill(std::remove_const_t<X>(T(0)));
  for (Index b = 0; b < x.batch(); ++b)
    for (Index t = 0; t < x.time(); ++t)
      for (Index c = 0; o.mask.at(o.mask.batch() == 1 ? 0 : b, t, 0, 0, 0) != 0 && c < x.feature(); ++c) own.view()(b, t, 0, c) = x(b, t, 0, c);
  return std::as_const(own).view();
}
// to[b,t,0,c] = f(b, t, c).
template <class Exec, class S, class F> void each(const Exec& exec, const View<S>& to, F&& f) {
  gate_layer::for_each_token(exec, to, [&](Index b, Index t) {
    for (Index c = 0; c < to.feature(); ++c) to(b, t, 0, c) = stage::convert<S>(f(b, t, c));
  });
}
// to[0,0,0,r,c] = sum over tokens of f(b, t, c), in double, in their order.
template <class Exec, class Q, class F> void sum_rows(const Exec& exec, const View<Q>& to, Index row, Index batch, Index time, F&& f) {
  if (!to) return;
  exec.for_each(to.feature(), [&](Index c, Index) {
    double sum = 0;
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < time; ++t) sum += double(f(b, t, c));
    to.at(0, 0, 0, row, c) = stage::convert<Q>(sum);
  });
}

// The layer around its memory and its attention, forwards:
//
//     xn = norm(x)        v = silu(W_v xn + b_v)        m = silu(memory(xn))        [u | z | r | s] = W_m m + b_m
//     q, k = silu(z) gamma + beta        a = attention(q, k, v)        h = silu(s + W_h (silu(r) a) + b_h)        y = x + sigmoid(u) (h - x)
//
// and backwards, from the numbers that the forward pass leaves here.
template <class T> class Pass {
 public:
  template <class S, class P> Pass(const char* function, const GatedMemoryMaps<P>& maps, const View<S>& x, double epsilon)
      : D(x.feature()), E(maps.v.row()), Z(maps.gamma.feature()), batch(x.batch()), time(x.time()), eps(epsilon) {
    dense_layer::stream(function, "x", x, batch, time, D, false);
    const auto map = [&](const char* name, const View<P>& v, Index rows, Index columns) { dense_layer::parameter(function, name, v, rows, columns); };
    map("v", maps.v, E, D), map("mx", maps.mx, 2 * D + Z + E, D), map("gamma", maps.gamma, 2, Z), map("beta", maps.beta, 2, Z), map("h", maps.h, D, E);
    if (maps.v_bias) map("v_bias", maps.v_bias, 1, E);
    if (maps.mx_bias) map("mx_bias", maps.mx_bias, 1, 2 * D + Z + E);
    if (maps.h_bias) map("h_bias", maps.h_bias, 1, D);
    for (auto [to, width] : {std::pair{&xn, D}, {&v_raw, E}, {&v, E}, {&m_raw, D}, {&m, D}, {&base, 2 * D + Z + E}, {&q, Z}, {&k, Z}, {&a, E}, {&ra, E}, {&h_raw, D}}) *to = Buffer<T>(batch, time, 1, width);
  }
  const Index D, E, Z, batch, time;
  const double eps;
  Buffer<T> xn, v_raw, v, m_raw, m, base, q, k, a, ra, h_raw;

  // memory(xn, to), attend(q, k, v, to).
  template <class Exec, class P, class S, class Memory, class Attend> void forward(const Exec& exec, const GatedMemoryMaps<P>& maps, const View<S>& x, Memory&& memory, Attend&& attend) {
    norm(exec, Norm<P>{NormKind::layer, maps.norm_gain, maps.norm_bias, eps}, x, xn.view());
    dense(exec, maps.v, maps.v_bias, read(xn), v_raw.view()), activate(exec, v_raw, v);
    memory(read(xn), m_raw.view()), activate(exec, m_raw, m);
    dense(exec, maps.mx, maps.mx_bias, read(m), base.view());
    for (const auto& [to, row] : {std::pair{&q, Index(0)}, {&k, Index(1)}})
      each(exec, to->view(), [&, row = row](Index b, Index t, Index c) { return simd::fma(silu(z()(b, t, 0, c)), stage::convert<T>(maps.gamma.at(0, 0, 0, row, c)), stage::convert<T>(maps.beta.at(0, 0, 0, row, c))); });
    attend(read(q), read(k), read(v), a.view());
    each(exec, ra.view(), [&](Index b, Index t, Index c) { return silu(r()(b, t, 0, c)) * a.view()(b, t, 0, c); });
    dense(exec, maps.h, maps.h_bias, read(ra), h_raw.view());
    each(exec, h_raw.view(), [&](Index b, Index t, Index c) { return h_raw.view()(b, t, 0, c) + s()(b, t, 0, c); });
  }
  template <class Exec, class X, class S> void output(const Exec& exec, const View<X>& x, const View<S>& y) {
    each(exec, y, [&](Index b, Index t, Index c) {
      const T from = stage::convert<T>(x(b, t, 0, c));
      return simd::fma(math::sigmoid(u()(b, t, 0, c)), silu(h_raw.view()(b, t, 0, c)) - from, from);
    });
  }
  // memory_vjp(m_raw_bar, xn_bar), attend_vjp(a_bar, q_bar, k_bar, v_bar). x_bar may be null.
  template <class Exec, class P, class X, class Y, class S, class Q, class Memory, class Attend>
  void backward(const Exec& exec, const GatedMemoryMaps<P>& maps, const View<X>& x, const View<Y>& y_bar, const View<S>& x_bar, const GatedMemoryMaps<Q>& grads, Memory&& memory_vjp, Attend&& attend_vjp) {
    Buffer<T> base_bar(batch, time, 1, base.view().feature()), h_bar(batch, time, 1, D), ra_bar(batch, time, 1, E), a_bar(batch, time, 1, E), q_bar(batch, time, 1, Z), k_bar(q_bar), v_bar(a_bar), m_bar(h_bar), xn_bar(h_bar), more(h_bar);
    const auto bar = [&](Index b, Index t, Index c) { return stage::convert<T>(y_bar(b, t, 0, c)); };
    each(exec, part(base_bar, 0, D), [&](Index b, Index t, Index c) {
      const T gate = math::sigmoid(u()(b, t, 0, c));
      return bar(b, t, c) * (silu(h_raw.view()(b, t, 0, c)) - stage::convert<T>(x(b, t, 0, c))) * gate * (T(1) - gate);
    });
    each(exec, h_bar.view(), [&](Index b, Index t, Index c) { return bar(b, t, c) * math::sigmoid(u()(b, t, 0, c)) * silu_slope(h_raw.view()(b, t, 0, c)); });
    each(exec, part(base_bar, D + Z + E, D), [&](Index b, Index t, Index c) { return h_bar.view()(b, t, 0, c); });
    dense_vjp(exec, maps.h, read(ra), read(h_bar), DenseGradients<T, Q>{ra_bar.view(), grads.h, grads.h_bias});
    each(exec, part(base_bar, D + Z, E), [&](Index b, Index t, Index c) { return ra_bar.view()(b, t, 0, c) * a.view()(b, t, 0, c) * silu_slope(r()(b, t, 0, c)); });
    each(exec, a_bar.view(), [&](Index b, Index t, Index c) { return ra_bar.view()(b, t, 0, c) * silu(r()(b, t, 0, c)); });
    attend_vjp(read(a_bar), q_bar.view(), k_bar.view(), v_bar.view());
    for (const auto& [of, row] : {std::pair{&q_bar, Index(0)}, {&k_bar, Index(1)}}) {
      const View<T> given = of->view();
      sum_rows(exec, grads.gamma, row, batch, time, [&](Index b, Index t, Index c) { return double(given(b, t, 0, c)) * double(silu(z()(b, t, 0, c))); });
      sum_rows(exec, grads.beta, row, batch, time, [&](Index b, Index t, Index c) { return given(b, t, 0, c); });
    }
    each(exec, part(base_bar, D, Z), [&](Index b, Index t, Index c) {
      const T of_queries = q_bar.view()(b, t, 0, c) * stage::convert<T>(maps.gamma.at(0, 0, 0, 0, c)), of_keys = k_bar.view()(b, t, 0, c) * stage::convert<T>(maps.gamma.at(0, 0, 0, 1, c));
      return (of_queries + of_keys) * silu_slope(z()(b, t, 0, c));
    });
    dense_vjp(exec, maps.mx, read(m), read(base_bar), DenseGradients<T, Q>{m_bar.view(), grads.mx, grads.mx_bias});
    each(exec, m_bar.view(), [&](Index b, Index t, Index c) { return m_bar.view()(b, t, 0, c) * silu_slope(m_raw.view()(b, t, 0, c)); });
    memory_vjp(read(m_bar), xn_bar.view());
    each(exec, v_bar.view(), [&](Index b, Index t, Index c) { return v_bar.view()(b, t, 0, c) * silu_slope(v_raw.view()(b, t, 0, c)); });
    dense_vjp(exec, maps.v, read(xn), read(v_bar), DenseGradients<T, Q>{more.view(), grads.v, grads.v_bias});
    each(exec, xn_bar.view(), [&](Index b, Index t, Index c) { return xn_bar.view()(b, t, 0, c) + more.view()(b, t, 0, c); });
    norm_vjp(exec, Norm<P>{NormKind::layer, maps.norm_gain, maps.norm_bias, eps}, x, read(xn_bar), NormGradients<T, Q>{more.view(), grads.norm_gain, grads.norm_bias});
    if (x_bar) each(exec, x_bar, [&](Index b, Index t, Index c) { return simd::fma(bar(b, t, c), T(1) - math::sigmoid(u()(b, t, 0, c)), more.view()(b, t, 0, c)); });
  }

 private:
  static View<const T> read(const Buffer<T>& x) { return x.view(); }
  static View<T> part(Buffer<T>& x, Index first, Index count) { return x.view().features(first, count); }
  View<T> u() { return part(base, 0, D); }
  View<T> z() { return part(base, D, Z); }
  View<T> r() { return part(base, D + Z, E); }
  View<T> s() { return part(base, D + Z + E, D); }
  template <class Exec> void activate(const Exec& exec, const Buffer<T>& from, Buffer<T>& to) {
    each(exec, to.view(), [&](Index b, Index t, Index c) { return silu(from.view()(b, t, 0, c)); });
  }
};

}  // namespace gated_memory_layer
}  // namespace LCSM_ARCH
}  // namespace lcsm
