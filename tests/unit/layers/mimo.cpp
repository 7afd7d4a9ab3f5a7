// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/mimo.hpp>
#include <lcsm/mixers/s5.hpp>
#include <lcsm/mode/step.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <string>

using namespace lcsm;

namespace {
using Z = std::complex<double>;

template <class T> struct Problem {
  Index batch, tokens, inputs, outputs, states;
  bool two, dense;
  Buffer<T> u, B, B_imag, C, C_imag, D, log_step, lambda, lambda_imag, y;
  Problem(Index b, Index t, Index in, Index out, Index n, bool both = false, bool matrix = false)
      : batch(b), tokens(t), inputs(in), outputs(out), states(n), two(both), dense(matrix), u(b, t, 1, in), B(1, 1, 1, n, in), B_imag(B), C(1, 1, 1, out, both ? 2 * n : n),
        C_imag(C), D(1, 1, 1, matrix ? out : 1, matrix ? in : out), log_step(n), lambda(n), lambda_imag(n), y(b, t, 1, out) {
    init::Generator rng(7);
    for (T& v : lambda) v = T(-init::uniform(rng, 0.1, 1));
    for (T& v : log_step) v = T(std::log(init::uniform(rng, 0.05, 0.3)));
    for (Buffer<T>* x : {&B, &B_imag, &C, &C_imag, &D, &lambda_imag, &u})
      for (T& v : *x) v = T(init::normal(rng));
  }
  MimoMaps<const T> maps(bool skip = true) const {
    return {.B = B, .B_imag = B_imag, .C = C, .C_imag = C_imag, .D = skip ? D.view() : View<const T>{}};
  }
  S5::In<const T> in() const { return {.log_step = log_step, .lambda = lambda, .lambda_imag = lambda_imag}; }

  // The formula, written out; with the sum of the absolute values of the terms.
  void expect(const View<const T>& given, double scale, bool skip, double eps) const {
    bool right = true;
    for (Index b = 0; b < batch; ++b) {
      const auto pass = [&](bool reverse) {
        std::vector<std::pair<Z, double>> m(to_size(tokens * states));
        std::vector<std::pair<Z, double>> now(to_size(states));
        for (Index j = 0; j < tokens; ++j) {
          const Index t = reverse ? tokens - 1 - j : j;
          for (Index n = 0; n < states; ++n) {
            const Z l{double(lambda[n]), double(lambda_imag[n])}, bar = std::exp(std::exp(double(log_step[n])) * l);
            Z sum = 0;
            double size = 0;
            for (Index i = 0; i < inputs; ++i) {
              const Z term = Z(double(B[n * inputs + i]), double(B_imag[n * inputs + i])) * double(u[(b * tokens + t) * inputs + i]);
              sum += term, size += std::abs(term);
            }
            auto& [value, of] = now[to_size(n)];
            value = bar * value + (bar - 1.0) / l * sum, of = std::abs(bar) * of + std::abs((bar - 1.0) / l) * size;
            m[to_size(t * states + n)] = {value, of};
          }
        }
        return m;
      };
      const auto forward = pass(false), backward = pass(true);
      for (Index t = 0; t < tokens; ++t)
        for (Index o = 0; o < outputs; ++o) {
          double want = 0, size = 0;
          for (Index n = 0; n < C.view().feature(); ++n) {
            const Z c(double(C.view().at(0, 0, 0, o, n)), double(C_imag.view().at(0, 0, 0, o, n)));
            const auto& [value, of] = n < states ? forward[to_size(t * states + n)] : backward[to_size(t * states + n - states)];
            want += scale * (c * value).real(), size += scale * std::abs(c) * of;
          }
          for (Index i = 0; skip && i < inputs; ++i)
            if (dense || i == o) {
              const double term = double(D.view().at(0, 0, 0, dense ? o : 0, i)) * double(u[(b * tokens + t) * inputs + i]);
              want += term, size += std::abs(term);
            }
          // Maps: (In + 2) + (2 N + In + 3); the mixer: 25 roundings, and at each of the tokens before 6 of its complex product.
          const double cost = double(2 * inputs + 4 * states + 5) + 25 + 6 * double(tokens);
          right = right && std::abs(double(given(b, t, 0, o)) - want) <= cost * eps * size;
        }
    }
    CHECK(right);
  }
};
constexpr double eps = std::numeric_limits<double>::epsilon();
}  // namespace

TEST_CASE("dense maps around a diagonal mixer: the written-out formula", "[layers]") {
  for (const bool two : {false, true})
    for (const bool dense : {false, true})
      for (const Index tokens : {1, 31, 70}) {
        Problem<double> p(2, tokens, 3, dense ? 5 : 3, 7, two, dense);
        mimo(exec::par, S5{}, p.in(), p.maps(), std::as_const(p.u).view(), p.y.view());
        p.expect(p.y.view(), 2, true, eps);
        mimo<project::Real>(exec::seq, S5{}, p.in(), p.maps(false), std::as_const(p.u).view(), p.y.view());
        p.expect(p.y.view(), 1, false, eps);
      }
  Problem<double> none(2, 0, 3, 3, 7, true), no_batch(0, 4, 3, 3, 7);
  mimo(exec::seq, S5{}, none.in(), none.maps(), std::as_const(none.u).view(), none.y.view());
  mimo(exec::seq, S5{}, no_batch.in(), no_batch.maps(), std::as_const(no_batch.u).view(), no_batch.y.view());
}

TEST_CASE("the maps and steps of the mixer, token by token, continue a first part", "[layers]") {
  Problem<double> p(2, 40, 3, 3, 7);
  State<S5, double> state(2, 1, 1, 7);
  const View<const double> u = std::as_const(p.u).view();
  mimo(exec::seq, S5{}, p.in(), p.maps(), u.tokens(0, 25), p.y.view().tokens(0, 25), Options<double>{.final = state});
  Buffer<double> x(2, 1, 1, 7), x_imag(x), m(2, 1, 1, 14);
  for (Index t = 25; t < 40; ++t) {
    mimo_input(exec::seq, p.maps(), u.tokens(t, 1), x.view(), x_imag.view());
    auto in = p.in();
    in.x = std::as_const(x).view(), in.x_imag = std::as_const(x_imag).view();
    step(S5{}, in, m.view(), state);
    mimo_output(exec::seq, p.maps(), std::as_const(m).view(), u.tokens(t, 1), p.y.view().tokens(t, 1));
  }
  p.expect(p.y.view(), 2, true, eps);
}

TEST_CASE("padding is not read and writes 0; packed sequences begin anew, from both ends", "[layers]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Problem<double> p(1, 20, 3, 3, 7, true), kept(1, 13, 3, 3, 7, true), rest(1, 7, 3, 3, 7, true);
  for (Index n = 0; n < 13 * 3; ++n) kept.u[n] = p.u[n];
  for (Index n = 0; n < 7 * 3; ++n) rest.u[n] = p.u[13 * 3 + n];
  Buffer<double> packed(p.y);
  mimo(exec::seq, S5{}, p.in(), p.maps(), std::as_const(p.u).view(), packed.view(), Options<double>{.sequences = std::vector<std::int64_t>{0, 13, 20}});
  kept.expect(std::as_const(packed).view().tokens(0, 13), 2, true, eps);
  rest.expect(std::as_const(packed).view().tokens(13, 7), 2, true, eps);

  Buffer<std::uint8_t> mask(1, 20, 1, 1);
  for (Index t = 0; t < 20; ++t) {
    mask[t] = t < 13;
    for (Index i = 0; t >= 13 && i < 3; ++i) p.u[t * 3 + i] = nan;
  }
  p.y.fill(5);
  mimo(exec::seq, S5{}, p.in(), p.maps(), std::as_const(p.u).view(), p.y.view(), Options<double>{.mask = std::as_const(mask).view()});
  kept.expect(std::as_const(p.y).view().tokens(0, 13), 2, true, eps);
  for (Index n = 13 * 3; n < 20 * 3; ++n) CHECK(p.y[n] == 0);
}

TEST_CASE("float, two-byte inputs and outputs, strides", "[layers]") {
  Problem<float> p(2, 33, 4, 4, 6);
  Buffer<Bfloat16> u(2, 33, 1, 4), y(2, 33, 1, 4);
  for (Index n = 0; n < u.size(); ++n) u[n] = Bfloat16(p.u[n]), p.u[n] = float(u[n]);
  mimo(exec::seq, S5{}, p.in(), p.maps(), std::as_const(p.u).view(), p.y.view());
  p.expect(p.y.view(), 2, true, double(std::numeric_limits<float>::epsilon()));
  mimo(exec::seq, S5{}, p.in(), p.maps(), std::as_const(u).view(), y.view());
  bool rounded = true;
  for (Index n = 0; n < y.size(); ++n) rounded = rounded && y[n].bits == Bfloat16(p.y[n]).bits;
  CHECK(rounded);

  // Time last, maps transposed.
  Buffer<float> turned(2, 1, 1, 4, 33), out(turned), B(1, 1, 1, 4, 6), C(1, 1, 1, 6, 4);
  const auto across = [](auto v) { std::swap(v.extent[3], v.extent[4]), std::swap(v.stride[3], v.stride[4]); return v; };
  const auto time_last = [](auto v) { return decltype(v)(v.data, {2, 33, 1, 1, 4}, {4 * 33, 1, 0, 0, 33}); };
  for (Index b = 0; b < 2; ++b)
    for (Index t = 0; t < 33; ++t)
      for (Index i = 0; i < 4; ++i) turned.view().at(b, 0, 0, i, t) = p.u.view()(b, t, 0, i);
  for (Index n = 0; n < 6; ++n)
    for (Index i = 0; i < 4; ++i) B.view().at(0, 0, 0, i, n) = p.B[n * 4 + i], C.view().at(0, 0, 0, n, i) = p.C[i * 6 + n];
  MimoMaps<const float> maps = p.maps();
  maps.B = across(std::as_const(B).view()), maps.C = across(std::as_const(C).view());
  mimo(exec::seq, S5{}, p.in(), maps, time_last(std::as_const(turned).view()), time_last(out.view()));
  bool same = true;
  for (Index b = 0; b < 2; ++b)
    for (Index t = 0; t < 33; ++t)
      for (Index i = 0; i < 4; ++i) same = same && out.view().at(b, 0, 0, i, t) == p.y.view()(b, t, 0, i);
  CHECK(same);
}

TEST_CASE("what does not fit the maps is named, and nothing is written", "[layers]") {
  Problem<double> p(2, 5, 3, 3, 7);
  p.y.fill(-7);
  const auto refused = [&](const std::string& argument, const std::string& expected, const std::string& given, auto&& spoil) {
    struct { MimoMaps<const double> maps; View<const double> u; View<double> y; Options<double> options{}; } bad{p.maps(), p.u, p.y};
    spoil(bad);
    std::string text = "nothing was thrown";
    try {
      mimo(exec::seq, S5{}, p.in(), bad.maps, bad.u, bad.y, bad.options);
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text == "lcsm::mimo: argument '" + argument + "': expected " + expected + ", given " + given);
  };
  refused("u", "time extent 5", "4", [](auto& b) { b.u = b.u.tokens(0, 4); });
  refused("B", "feature extent 2", "3", [](auto& b) { b.u = b.u.features(0, 2), b.maps.D = {}; });
  refused("u", "feature extent 3", "2", [](auto& b) { b.u = b.u.features(0, 2); });
  refused("B_imag", "row extent 7", "6", [](auto& b) { b.maps.B_imag = b.maps.B_imag.rows(0, 6); });
  refused("C", "feature extent 7", "6", [](auto& b) { b.maps.C = b.maps.C.features(0, 6); });
  refused("C_imag", "row extent 3", "2", [](auto& b) { b.maps.C_imag = b.maps.C_imag.rows(0, 2); });
  refused("C", "data", "a null pointer", [](auto& b) { b.maps.C.data = nullptr; });
  refused("y", "an output of its own in every place", "a view with stride 0", [](auto& b) { b.y.stride[1] = 0; });
  const std::vector<std::int64_t> late{0, 4};
  refused("sequences", "a batch of 1 for packed sequences", "a batch of 2", [&](auto& b) { b.options.sequences = late; });
  Problem<double> both(2, 5, 3, 3, 7, true);
  State<S5, double> state(2, 1, 1, 7);
  refused("C", "7 columns, one direction, beside a state", "14", [&](auto& b) { b.maps = both.maps(), b.options.final = state; });
  for (const double y : p.y) CHECK(y == -7);
}
