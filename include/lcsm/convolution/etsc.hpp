// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/convolution/modal_form.hpp>

#include <Eigen/Core>

#include <numbers>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace etsc_layer {

template <class P> double log_decay_of(const View<P>& v, Index heads, Index h, Index c) { return v ? modal_layer::number(v, heads, h, 0, c) : 0; }
template <class P> void check_taps(const char* function, const View<P>& taps) {
  modal_layer::check_kernel(function, "taps", taps);
  if (taps.time() < 1) raise<ShapeError>(function, "taps", "at least one tap", "none");
}
template <class P> void check_decay(const char* function, const View<P>& v, Index heads, Index features) {
  if (v) door::modes_axes(function, "log_decay", v, heads, 1, features);
}

}  // namespace etsc_layer

// Exact conversion of a Toeplitz matrix to a diagonal state space, Qin & Zhong 2023 (EMNLP; OpenNLPLab/ETSC-Exact-Toeplitz-to-SSM-Conversion): the taps
//
//     t[l,c] = g[c]^l q[l,c],  l = 0 ... n - 1          q: `taps` [1,n,H,1,C];  log g: `log_decay` [1,1,H,1,C], or {} for g = 1
//
// are those of floor((n + 1) / 2) modes. With M = n + 1 and q[n] = -sum q their discrete Fourier transform b_s = 1/M sum_k q[k] exp(2 pi i s k / M) has
// b_0 = 0 and b_(M-s) = conj(b_s), so that modes z_s = g exp(-2 pi i s / M) with weights 2 b_s, s < M/2, and b_s at s = M/2, suffice. Lags below n are
// exact (within (n + 20) eps sum |q| of g^l); later ones go on periodically, K_l = g^l q[l mod M]: with g^n negligible that is the tail, else use
// etsc_window. Modes with g < 1 are stable; with g = 1 a float memory drifts. The taps' decay is best told as g: dividing a decaying filter by its g costs nothing,
// but modes of modulus 1 carry it as a difference of large numbers.
//
// O(n^2 C) products in double. Throws ShapeError.
template <class Exec, class P, class G = const double> ModalForm etsc(const Exec& exec, const View<P>& taps, const View<G>& log_decay = {}) {
  using namespace etsc_layer;
  check_taps("etsc", taps);
  const Index n = taps.time(), M = n + 1, H = taps.head(), C = taps.feature(), N = M / 2, rows = PowerTables::rows;
  check_decay("etsc", log_decay, H, C);
  Eigen::MatrixXd roots(M, 2), q = Eigen::MatrixXd::Zero(M, H * C);
  for (Index j = 0; j < M; ++j) {
    const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(j) / static_cast<long double>(M);
    roots(j, 0) = double(std::cos(angle)), roots(j, 1) = double(std::sin(angle));
  }
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < C; ++c)
      for (Index k = 0; k < n; ++k) q(n, h * C + c) -= q(k, h * C + c) = stage::convert<double>(taps(0, k, h, c));
  ModalForm form(H, N, C);
  exec.for_each(divide_up(N, rows), [&](Index item, Index) {
    Eigen::Matrix<double, PowerTables::rows, Eigen::Dynamic> re(rows, M), im(rows, M), b(rows, H * C), b_imag(rows, H * C);
    const Index first = 1 + item * rows, count = (std::min)(rows, N + 1 - first);
    for (Index s = 0; s < rows; ++s)
      for (Index k = 0, at = 0; k < M; ++k, at = (at + first + s) % M) re(s, k) = roots(at, 0), im(s, k) = roots(at, 1);
    b.noalias() = re * q, b_imag.noalias() = im * q;
    for (Index s = 0; s < count; ++s) {
      const Index mode = first + s;
      const bool real = 2 * mode == M;
      const double scale = (real ? 1.0 : 2.0) / double(M);
      for (Index h = 0; h < H; ++h)
        for (Index c = 0; c < C; ++c) {
          form.log_modulus.view().at(0, 0, h, mode - 1, c) = log_decay_of(log_decay, H, h, c);
          form.phase.view().at(0, 0, h, mode - 1, c) = -2 * std::numbers::pi * double(mode) / double(M);
          form.W.view().at(0, 0, h, mode - 1, c) = scale * b(s, h * C + c);
          form.W_imag.view().at(0, 0, h, mode - 1, c) = real ? 0 : scale * b_imag(s, h * C + c);
        }
    }
  });
  return form;
}

// The filter of n taps itself at any length: as the modes' kernel repeats after M = n + 1 lags, an input that is taken back M tokens later leaves no
// trace, but for the tap q[n] that made the sum 0 and is subtracted from the output:
//
//     corrected_t = x_t - g^M x_(t-M)                     y_t = (the modes' output for `corrected`)_t + late_t
//     late_t = -g^n q[n] x_(t-n) = g^n (sum q) x_(t-n)
//
// x, corrected, late [B,T,H,1,C]. ring [B,1,H,M,C] has the last M inputs, oldest first (zeros before the first), and is moved on, so a stream may come in pieces of any
// length. corrected may be x. What a mode of modulus 1 rounds stays in its memory; g < 1 forgets it. Throws ShapeError before anything is written.
template <class Exec, class P, class X, class S, class R, class G = const double>
void etsc_window(const Exec& exec, const View<P>& taps, const View<X>& x, const View<S>& corrected, const View<S>& late, const View<R>& ring, const View<G>& log_decay = {}) {
  using namespace etsc_layer;
  const char* function = "etsc_window";
  check_taps(function, taps);
  const Index n = taps.time(), M = n + 1, B = x.batch(), T = x.time(), H = taps.head(), C = taps.feature();
  check_decay(function, log_decay, H, C);
  door::stream(function, "x", x), door::axis(function, "x", x, 2, H, false), door::axis(function, "x", x, 4, C, false);
  for (const auto& [name, v] : {std::pair{"corrected", corrected}, std::pair{"late", late}}) {
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, x.extent[a], false);
    door::data(function, name, v), door::output_axes(function, name, v);
  }
  const Index of_ring[] = {B, 1, H, M, C};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, "ring", ring, a, of_ring[a], false);
  door::data(function, "ring", ring), door::output_axes(function, "ring", ring);
  exec.for_each(B * H, [&](Index item, Index) {
    const Index b = item / H, h = item % H;
    std::vector<double> past(to_size(M + T));
    for (Index c = 0; c < C; ++c) {
      double sum = 0;
      for (Index k = 0; k < n; ++k) sum += stage::convert<double>(taps(0, k, h, c));
      const double log = log_decay_of(log_decay, H, h, c), back = std::exp(double(M) * log), end = std::exp(double(n) * log) * sum;
      for (Index r = 0; r < M; ++r) past[to_size(r)] = stage::convert<double>(ring.at(b, 0, h, r, c));
      for (Index t = 0; t < T; ++t) past[to_size(M + t)] = stage::convert<double>(x(b, t, h, c));
      for (Index t = 0; t < T; ++t) {
        corrected(b, t, h, c) = stage::convert<S>(past[to_size(M + t)] - back * past[to_size(t)]);
        late(b, t, h, c) = stage::convert<S>(end * past[to_size(t + 1)]);
      }
      for (Index r = 0; r < M; ++r) ring.at(b, 0, h, r, c) = stage::convert<R>(past[to_size(T + r)]);
    }
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
