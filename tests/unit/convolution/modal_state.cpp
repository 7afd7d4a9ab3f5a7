// SPDX-License-Identifier: MIT
#include <lcsm/convolution/modal_state.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <random>

using namespace lcsm;

namespace {
using Exact = std::complex<long double>;
constexpr double eps = 0x1p-52;
constexpr Index B = 2, H = 2, N = 3, D = 2;

Exact power(double log_modulus, double phase, Index l) {
  if (l == 0) return 1;
  const long double angle = static_cast<long double>(l) * static_cast<long double>(phase);
  return std::exp(static_cast<long double>(l) * static_cast<long double>(log_modulus)) * Exact(std::cos(angle), std::sin(angle));
}

struct Layer {
  std::mt19937_64 rng{5};
  Buffer<double> log_modulus{1, 1, H, N, D}, phase{log_modulus}, W{log_modulus}, W_imag{log_modulus}, m{B, 1, H, N, D}, m_imag{m}, bar{m}, bar_imag{m};
  ModalParameters<const double> p;
  Layer() {
    for (double& x : log_modulus) x = -std::exp(3 * random() - 4);
    for (Buffer<double>* b : {&phase, &W, &W_imag, &m, &m_imag, &bar, &bar_imag})
      for (double& x : *b) x = random();
    p = {log_modulus, phase, W, W_imag};
  }
  double random() { return double(rng() >> 11) * 0x1p-52 - 1; }
  Buffer<double> stream(Index T) {
    Buffer<double> u(B, T, H, D);
    for (double& x : u) x = random();
    return u;
  }
  ModalMemory<const double> memory() const { return {m, m_imag}; }
  ModalMemory<const double> cotangent() const { return {bar, bar_imag}; }
  Exact z(Index h, Index n, Index c, Index l) const { return power(log_modulus.view().at(0, 0, h, n, c), phase.view().at(0, 0, h, n, c), l); }
  Exact w(Index h, Index n, Index c) const { return {W.view().at(0, 0, h, n, c), W_imag.view().at(0, 0, h, n, c)}; }
};
Exact at(const Buffer<double>& re, const Buffer<double>& im, Index b, Index h, Index n, Index c) { return {re.view().at(b, 0, h, n, c), im.view().at(b, 0, h, n, c)}; }
template <class F> void each(F&& f) {
  for (Index h = 0; h < H; ++h)
    for (Index n = 0; n < N; ++n)
      for (Index c = 0; c < D; ++c) f(h, n, c);
}
// All numbers are at most 1 in size, and a decay of |log| has forgotten tokens older than 1 / |log|: l |log| |z|^l < 1.
double bound(Index T) { return double(T) * double(T + 20) * eps; }
}  // namespace

TEST_CASE("the memory after a segment, and what a memory adds to the next", "[convolution]") {
  Layer layer;
  for (const Index T : {0, 1, 8, 64, 65, 500}) {
    const Buffer<double> u = layer.stream(T);
    Buffer<double> m(B, 1, H, N, D), m_imag(m), y = layer.stream(T), again(y);
    const Buffer<double> before(y);
    modal_state(exec::par, layer.p, u.view(), ModalMemory<double>{m, m_imag}, layer.memory());
    modal_response(exec::par, layer.p, layer.memory(), y.view(), 2);
    each([&](Index h, Index n, Index c) {
      for (Index b = 0; b < B; ++b) {
        Exact right = layer.z(h, n, c, T) * at(layer.m, layer.m_imag, b, h, n, c);
        for (Index j = 0; j < T; ++j) right += layer.z(h, n, c, T - 1 - j) * static_cast<long double>(u.view()(b, j, h, c));
        CHECK(double(std::abs(at(m, m_imag, b, h, n, c) - right)) <= bound(T + 1));
      }
    });
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < D; ++c) {
            long double right = before.view()(b, t, h, c);
            for (Index n = 0; n < N; ++n) right += 2 * (layer.w(h, n, c) * layer.z(h, n, c, t + 1) * at(layer.m, layer.m_imag, b, h, n, c)).real();
            CHECK(std::abs(y.view()(b, t, h, c) - double(right)) <= double(8 * N) * double(t + 24) * eps);
          }
    // In place, by one thread: the same bits.
    Buffer<double> own(layer.m), own_imag(layer.m_imag);
    modal_state(exec::seq, layer.p, u.view(), ModalMemory<double>{own, own_imag}, ModalMemory<const double>{own, own_imag});
    for (Index k = 0; k < m.size(); ++k) CHECK((own[k] == m[k] && own_imag[k] == m_imag[k]));
  }
}

TEST_CASE("segments with a memory between them are the whole convolution", "[convolution]") {
  Layer layer;
  constexpr Index T = 150;
  const Buffer<double> u = layer.stream(T);
  Buffer<double> kernel(1, T, H, D), whole(B, T, H, D), cut(whole), m(B, 1, H, N, D), m_imag(m);
  modal_kernel(exec::seq, layer.p, kernel.view());
  const auto convolve = [&](const View<const double>& x, const View<double>& y) {
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < x.time(); ++t)
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < D; ++c)
            for (Index l = 0; l <= t; ++l) y(b, t, h, c) += kernel.view()(0, l, h, c) * x(b, t - l, h, c);
  };
  convolve(u, whole);
  for (Index first = 0, count = 1; first < T; first += count, count = std::min<Index>(2 * count + 1, T - first)) {
    convolve(u.view().tokens(first, count), cut.view().tokens(first, count));
    modal_response(exec::seq, layer.p, ModalMemory<const double>{m, m_imag}, cut.view().tokens(first, count));
    modal_state(exec::seq, layer.p, u.view().tokens(first, count), ModalMemory<double>{m, m_imag}, ModalMemory<const double>{m, m_imag});
  }
  for (Index k = 0; k < whole.size(); ++k) CHECK(std::abs(whole[k] - cut[k]) <= double(2 * N) * 3 * bound(T));
}

TEST_CASE("adjoints of memories and of what they add", "[convolution]") {
  Layer layer;
  for (const Index T : {1, 64, 90}) {
    const Buffer<double> u = layer.stream(T), y_bar = layer.stream(T);
    Buffer<double> u_bar(B, T, H, D), first(B, 1, H, N, D), first_imag(first), log(1, 1, H, N, D), phase(log);
    modal_state_vjp(exec::par, layer.p, u.view(), layer.cotangent(),
                    ModalStateGradients<double, double, double>{u_bar, {first, first_imag}, {log, phase, {}, {}}}, layer.memory());
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < D; ++c) {
            long double right = 0;
            for (Index n = 0; n < N; ++n) right += (std::conj(at(layer.bar, layer.bar_imag, b, h, n, c)) * layer.z(h, n, c, T - 1 - t)).real();
            CHECK(std::abs(u_bar.view()(b, t, h, c) - double(right)) <= double(2 * N) * double(T + 24) * eps);
          }
    each([&](Index h, Index n, Index c) {
      Exact pole = 0;
      for (Index b = 0; b < B; ++b) {
        const Exact dm = at(layer.bar, layer.bar_imag, b, h, n, c), end = layer.z(h, n, c, T);
        CHECK(double(std::abs(at(first, first_imag, b, h, n, c) - std::conj(end) * dm)) <= 2 * double(T + 24) * eps);
        Exact slope = static_cast<long double>(T) * end * at(layer.m, layer.m_imag, b, h, n, c);
        for (Index j = 0; j < T; ++j) slope += static_cast<long double>(T - 1 - j) * layer.z(h, n, c, T - 1 - j) * static_cast<long double>(u.view()(b, j, h, c));
        pole += std::conj(slope) * dm;
      }
      CHECK(double(std::abs(at(log, phase, 0, h, n, c) - pole)) <= double(4 * B) * double(T) * bound(T + 1));
    });

    Buffer<double> m_bar(first), m_bar_imag(first), W(log), W_imag(log);
    modal_response_vjp(exec::par, layer.p, layer.memory(), y_bar.view(), ModalMemory<double>{m_bar, m_bar_imag}, ModalParameters<double>{log, phase, W, W_imag}, 2);
    each([&](Index h, Index n, Index c) {
      Exact of_w = 0, of_pole = 0;
      for (Index b = 0; b < B; ++b) {
        Exact s = 0, q = 0;
        for (Index t = 0; t < T; ++t) {
          const Exact x = 2 * static_cast<long double>(y_bar.view()(b, t, h, c)) * layer.z(h, n, c, t + 1);
          s += x, q += static_cast<long double>(t + 1) * x;
        }
        const Exact m = at(layer.m, layer.m_imag, b, h, n, c), w = layer.w(h, n, c);
        CHECK(double(std::abs(at(m_bar, m_bar_imag, b, h, n, c) - std::conj(w * s))) <= 4 * bound(T + 1));
        of_w += std::conj(m * s), of_pole += std::conj(w * m * q);
      }
      CHECK(double(std::abs(at(W, W_imag, 0, h, n, c) - of_w)) <= double(4 * B) * bound(T + 1));
      CHECK(double(std::abs(at(log, phase, 0, h, n, c) - of_pole)) <= double(8 * B) * double(T) * bound(T + 1));
    });
  }
  Buffer<double> u(B, 4, H, D), m(1, 1, H, N, D), m_imag(m);
  CHECK_THROWS_AS(modal_state(exec::seq, layer.p, std::as_const(u).view(), ModalMemory<double>{m, m_imag}), ShapeError);
  CHECK_THROWS_AS(modal_response(exec::seq, layer.p, ModalMemory<const double>{m, {}}, u.view()), ShapeError);
}
