// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/convolution/modal.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What a convolution with a kernel of modes takes over from the tokens before it, and leaves to those after it, so that a long sequence may be cut into
// segments. With the memory m [B,1,H,N,D] of a mixer that writes 1 (m_t = z m_(t-1) + u_t), two planes of it:
//
//     modal_state       m[b,n,c]  = z^T initial[b,n,c] + sum_j z^(T-1-j) u[b,j,c]         after T tokens: a reversed Vandermonde product
//     modal_response    y[b,t,c] += scale Re sum_n W[n,c] z^(t+1) m[b,n,c]                what the memory before the segment adds to it
//
// (Gu et al. 2022, https://arxiv.org/abs/2206.11893.) A write b that is no 1 belongs into W. Sums are in double and rounded once, powers are those of
// powers.hpp: errors as of modal_kernel, those of the state with T sums in the place of N. Views may have any strides; m may be `initial`. Throws
// ShapeError before anything is written.
template <class T> struct ModalMemory {
  View<T> m{}, m_imag{};
  explicit operator bool() const noexcept { return bool(m); }
};

namespace modal_layer {

template <class T> std::complex<double> entry(const ModalMemory<T>& s, Index b, Index h, Index n, Index c) {
  return {stage::convert<double>(s.m.at(b, 0, h, n, c)), stage::convert<double>(s.m_imag.at(b, 0, h, n, c))};
}
template <class T> void put(const ModalMemory<T>& s, Index b, Index h, Index n, Index c, std::complex<double> x) {
  s.m.at(b, 0, h, n, c) = stage::convert<T>(x.real()), s.m_imag.at(b, 0, h, n, c) = stage::convert<T>(x.imag());
}
template <class T> void check_memory(const char* function, const std::string& name, const ModalMemory<T>& s, Index batch, Index heads, Index count, Index features) {
  const Index expected[] = {batch, 1, heads, count, features};
  for (const auto& [part, v] : {std::pair{name, s.m}, std::pair{name + "_imag", s.m_imag}}) {
    for (std::size_t x = 0; x < 5; ++x) door::axis(function, part.c_str(), v, x, expected[x], std::is_const_v<T> && x != 3);
    door::data(function, part.c_str(), v);
    if constexpr (!std::is_const_v<T>) door::output_axes(function, part.c_str(), v);
  }
}
// at(k) of tokens counted from the first, or from the last.
template <bool Reversed, class S> auto tokens_of(const View<S>& u, Index b, Index h, Index c) {
  return [&u, b, h, c](Index first, double* to, Index count) {
    for (Index k = 0; k < count; ++k) to[k] = stage::convert<double>(u(u.batch() == 1 ? 0 : b, Reversed ? u.time() - 1 - first - k : first + k, h, c));
  };
}

}  // namespace modal_layer

// W and W_imag of the parameters are not read.
template <class Exec, class P, class U, class S>
void modal_state(const Exec& exec, const ModalParameters<P>& p, const View<U>& u, const ModalMemory<S>& m, const ModalMemory<const S>& initial = {}) {
  using namespace modal_layer;
  door::stream("modal_state", "u", u);
  const Index B = u.batch(), T = u.time(), H = u.head(), D = u.feature(), N = door::modes("modal_state", ModalParameters<P>{p.log_modulus, p.phase, {}, {}}, H, D, false);
  check_memory("modal_state", "m", m, B, H, N, D);
  if (initial) check_memory("modal_state", "initial", initial, B, H, N, D);
  for_each_filter(exec, p, H, D, N, T, [&](PowerTables& z, Index h, Index c) {
    std::vector<std::complex<double>> sum(to_size(N));
    for (Index b = 0; b < B; ++b) {
      z.sums(tokens_of<true>(u, b, h, c), sum.data());
      for (Index n = 0; n < N; ++n) put(m, b, h, n, c, initial ? sum[to_size(n)] + z.power(n, T) * entry(initial, b, h, n, c) : sum[to_size(n)]);
    }
  });
}

// Cotangents: of the inputs [B,T,H,1,D], of the memory before them, of the modes (log_modulus and phase); null views are not computed.
//
//     du[j] = Re sum_n conj(dm[n]) z^(T-1-j)      dinitial[n] = conj(z^T) dm[n]      d(log + i phase)[n] = sum_b conj(T z^T initial + sum_j (T-1-j) z^(T-1-j) u[j]) dm[n]
template <class U, class S, class G> struct ModalStateGradients {
  View<U> u{};
  ModalMemory<S> initial{};
  ModalParameters<G> modes{};
};
template <class Exec, class P, class U, class S, class V, class G>
void modal_state_vjp(const Exec& exec, const ModalParameters<P>& p, const View<U>& u, const ModalMemory<const S>& m_bar, const ModalStateGradients<V, S, G>& grads, const ModalMemory<const S>& initial = {}) {
  using namespace modal_layer;
  const char* function = "modal_state_vjp";
  door::stream(function, "u", u);
  const Index B = u.batch(), T = u.time(), H = u.head(), D = u.feature(), N = door::modes(function, ModalParameters<P>{p.log_modulus, p.phase, {}, {}}, H, D, false);
  check_memory(function, "m_bar", m_bar, B, H, N, D);
  if (initial) check_memory(function, "initial", initial, B, H, N, D);
  if (grads.initial) check_memory(function, "gradient of initial", grads.initial, B, H, N, D);
  if (grads.u) {
    for (std::size_t x = 0; x < 5; ++x) door::axis(function, "gradient of u", grads.u, x, u.extent[x], false);
    door::output_axes(function, "gradient of u", grads.u);
  }
  door::modes_gradients(function, grads.modes, H, N, D);
  const bool of_modes = grads.modes.log_modulus || grads.modes.phase;
  ModeGradients sums(H, of_modes ? N : 0, D);
  for_each_filter(exec, p, H, D, N, T, [&](PowerTables& z, Index h, Index c) {
    std::vector<std::complex<double>> plain(to_size(N)), weighted(plain), pole(plain);
    for (Index b = 0; b < B; ++b) {
      const auto bar = [&](Index n) { return entry(m_bar, b, h, n, c); };
      if (grads.u)
        z.evaluate([&](Index n) { return std::conj(bar(n)); }, [&](Index first, const double* from, Index count) {
          for (Index k = 0; k < count; ++k) grads.u(b, T - 1 - first - k, h, c) = stage::convert<V>(from[k]);
        });
      if (of_modes) z.sums(tokens_of<true>(u, b, h, c), plain.data(), weighted.data());
      for (Index n = 0; n < N; ++n) {
        const std::complex<double> dm = bar(n), end = z.power(n, T);
        if (of_modes) pole[to_size(n)] += std::conj(weighted[to_size(n)] + (initial ? double(T) * end * entry(initial, b, h, n, c) : 0.0)) * dm;
        if (grads.initial) put(grads.initial, b, h, n, c, std::conj(end) * dm);
      }
    }
    if (of_modes)
      for (Index n = 0; n < N; ++n) sums.pole(h, n, c, pole[to_size(n)]);
  });
  if (of_modes) sums.finish(ModalParameters<G>{grads.modes.log_modulus, grads.modes.phase, {}, {}});
}

template <class Exec, class P, class S, class Y>
void modal_response(const Exec& exec, const ModalParameters<P>& p, const ModalMemory<const S>& m, const View<Y>& y, double scale = 1) {
  using namespace modal_layer;
  door::stream("modal_response", "y", y), door::output_axes("modal_response", "y", y);
  const Index B = y.batch(), T = y.time(), H = y.head(), D = y.feature(), N = door::modes("modal_response", p, H, D, true);
  check_memory("modal_response", "m", m, B, H, N, D);
  for_each_filter(exec, p, H, D, N, T, [&](PowerTables& z, Index h, Index c) {
    for (Index b = 0; b < B; ++b)
      z.evaluate([&](Index n) { return scale * weight(p, H, h, n, c) * (z.power(n, 1) * entry(m, b, h, n, c)); }, [&](Index first, const double* from, Index count) {
        for (Index k = 0; k < count; ++k) {
          Y& to = y(b, first + k, h, c);
          to = stage::convert<Y>(stage::convert<double>(to) + from[k]);
        }
      });
  });
}

// With s[n] = sum_t dy[t] z^(t+1), q[n] = sum_t (t+1) dy[t] z^(t+1):
//
//     dm[n] = scale conj(W s)      dW[n] = scale sum_b conj(m s)      d(log + i phase)[n] = scale sum_b conj(W m q)
//
// dy [B,T,H,1,D], of any strides. Gradients are written; dm may be null, and so may views among those of the modes.
template <class Exec, class P, class S, class Y, class G>
void modal_response_vjp(const Exec& exec, const ModalParameters<P>& p, const ModalMemory<const S>& m, const View<Y>& y_bar, const ModalMemory<S>& m_bar, const ModalParameters<G>& grads, double scale = 1) {
  using namespace modal_layer;
  const char* function = "modal_response_vjp";
  door::stream(function, "y_bar", y_bar);
  const Index B = m.m.batch(), T = y_bar.time(), H = y_bar.head(), D = y_bar.feature(), N = door::modes(function, p, H, D, true);
  door::axis(function, "y_bar", y_bar, 0, B, true), check_memory(function, "m", m, B, H, N, D);
  if (m_bar) check_memory(function, "gradient of m", m_bar, B, H, N, D);
  door::modes_gradients(function, grads, H, N, D);
  ModeGradients sums(H, N, D);
  for_each_filter(exec, p, H, D, N, T, [&](PowerTables& z, Index h, Index c) {
    std::vector<std::complex<double>> plain(to_size(N)), weighted(plain), pole(plain), read(plain);
    for (Index b = 0; b < B; ++b) {
      z.sums(tokens_of<false>(y_bar, b, h, c), plain.data(), weighted.data());
      for (Index n = 0; n < N; ++n) {
        const std::complex<double> one = scale * z.power(n, 1), s = one * plain[to_size(n)], q = one * (weighted[to_size(n)] + plain[to_size(n)]);
        const std::complex<double> w = weight(p, H, h, n, c), before = entry(m, b, h, n, c);
        read[to_size(n)] += std::conj(before * s), pole[to_size(n)] += std::conj(w * before * q);
        if (m_bar) put(m_bar, b, h, n, c, std::conj(w * s));
      }
    }
    for (Index n = 0; n < N; ++n) sums.weight(h, n, c, read[to_size(n)]), sums.pole(h, n, c, pole[to_size(n)]);
  });
  sums.finish(grads);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
