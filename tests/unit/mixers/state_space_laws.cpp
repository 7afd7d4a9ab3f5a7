// SPDX-License-Identifier: MIT
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/rglru.hpp>

#include "unit/mixers/against_golden.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/attention_matrix.hpp>

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("the LRU's gain keeps the size of white noise", "[mixers]") {
  // E|m|^2 = E|B u|^2 after a burn-in of 10 / (1 - high). A state has T (1 - |lambda|^2) / 2 independent samples or more, its mean a relative
  // deviation below 3 percent, and there are 32 of them: 5 percent is above nine deviations.
  constexpr Index N = 32, inputs = 6, burn_in = 100, T = 20000 + burn_in;
  init::Generator rng(12);
  Buffer<double> nu(N), theta(N), gamma(N), B(1, 1, 1, N, inputs), B_imag(B), none(1, 1, 1, 1, N), D(1, 1, 1, 1, inputs);
  initialise(Lru{}, {.x = {}, .x_imag = {}, .nu_log = nu, .theta_log = theta, .gamma_log = gamma}, rng, 0.4, 0.9);
  for (double v : nu) CHECK((std::exp(-std::exp(v)) >= 0.4 - 1e-15 && std::exp(-std::exp(v)) <= 0.9 + 1e-15));
  const LruMaps<double> maps{.B = B, .B_imag = B_imag, .C = none, .C_imag = none, .D = D};
  initialise(maps, rng);
  Buffer<double> u(1, T, 1, inputs), x(1, T, 1, N), x_imag(x), m(1, T, 1, 2 * N);
  for (double& v : u) v = init::normal(rng);
  lru_input(maps, std::as_const(u).view(), x.view(), x_imag.view());
  reference(Lru{}, Lru::In<const double>{.x = x, .x_imag = x_imag, .nu_log = nu, .theta_log = theta, .gamma_log = gamma}, m.view());
  double in = 0, out = 0;
  for (Index t = burn_in; t < T; ++t)
    for (Index n = 0; n < N; ++n) {
      in += x[t * N + n] * x[t * N + n] + x_imag[t * N + n] * x_imag[t * N + n];
      out += m[t * 2 * N + n] * m[t * 2 * N + n] + m[t * 2 * N + N + n] * m[t * 2 * N + N + n];
    }
  CHECK(std::abs(out / in - 1) < 0.05);
}

TEST_CASE("Mamba's attention matrix, row by row, and its skip", "[mixers]") {
  constexpr Index T = 9, H = 3, N = 4;
  init::Generator rng(6);
  Buffer<double> x(1, T, 1, H), delta(x), B(1, T, 1, N), C(B), A(1, 1, 1, N, H), D(H), bias(H), alpha(1, T, 1, H, T), y(x);
  initialise(Mamba{}, {.x = {}, .delta = {}, .B = {}, .C = {}, .A = A, .D = D, .delta_bias = bias}, rng);
  for (double b : bias) CHECK((std::log1p(std::exp(b)) >= 1e-4 * (1 - 1e-12) && std::log1p(std::exp(b)) <= 0.1 * (1 + 1e-12)));
  for (Buffer<double>* numbers : {&x, &delta, &B, &C, &D})
    for (double& v : *numbers) v = init::normal(rng);
  const Mamba::In<const double> in{.x = x, .delta = delta, .B = B, .C = C, .A = A, .D = D, .delta_bias = bias};
  attention_matrix(exec::seq, Mamba{}, in, alpha.view());
  reference(Mamba{}, in, y.view());
  for (Index c = 0; c < H; ++c) {
    const auto step = [&](Index t) { return std::log1p(std::exp(delta[t * H + c] + bias[c])); };
    for (Index i = 0; i < T; ++i) {
      double sum = D[c] * x[i * H + c], size = std::abs(sum);
      for (Index j = 0; j < T; ++j) {
        double between = 0, want = 0, terms = 0;            // the difference of cumulative sums, never the two of them
        for (Index t = j + 1; t <= i; ++t) between += step(t);
        for (Index n = 0; j <= i && n < N; ++n) {
          const double term = step(j) * C[i * N + n] * std::exp(A.view().at(0, 0, 0, n, c) * between) * B[j * N + n];
          want += term, terms += std::abs(term);
        }
        CHECK(std::abs(alpha.view().at(0, i, 0, c, j) - want) <= 1e-14 * terms);
        sum += want * x[j * H + c], size += terms * std::abs(x[j * H + c]);
      }
      CHECK(std::abs(y[i * H + c] - sum) <= 1e-14 * size);
    }
  }
}

TEST_CASE("RG-LRU: the first position forgets what came before and takes its input whole", "[mixers]") {
  constexpr Index T = 4, H = 3;
  init::Generator rng(10);
  Buffer<double> x(1, T, 1, H), r(x), i(x), parameter(H), y(x), z(x);
  for (Buffer<double>* numbers : {&x, &r, &i})
    for (double& v : *numbers) v = init::normal(rng);
  initialise(RgLru{}, {.x = {}, .recurrent_gate = {}, .input_gate = {}, .recurrent_param = parameter}, rng);
  const RgLru::In<const double> in{.x = x, .recurrent_gate = r, .input_gate = i, .recurrent_param = parameter};
  State<RgLru, double> state(1, 1, 1, H);
  for (Index c = 0; c < H; ++c) state.view().m.at(0, 0, 0, 0, c) = 100;
  reference(RgLru{}, in, y.view());
  reference(RgLru{}, in, z.view(), {.initial = state.view()});
  for (Index n = 0; n < T * H; ++n) CHECK(y[n] == z[n]);
  for (Index c = 0; c < H; ++c) CHECK(std::abs(y[c] - x[c] / (1 + std::exp(-i[c]))) <= 1e-15 * std::abs(x[c]));
  state.view().position.at(0, 0, 0, 0, 0) = 1;              // later, it is kept
  reference(RgLru{}, in, z.view(), {.initial = state.view()});
  for (Index c = 0; c < H; ++c) CHECK(z[c] > y[c] + 1);
}
