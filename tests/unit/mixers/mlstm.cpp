// SPDX-License-Identifier: MIT
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace lcsm;

namespace {
constexpr std::size_t T = 40, H = 2, K = 4, D = 3;
template <class F> struct Numbers {
  std::vector<F> q, k, v, i, f;
  explicit Numbers(double steep = 1, double shift = 0) : q(T * H * K), k(q), v(T * H * D), i(T * H), f(i) {
    const auto fill = [](std::vector<F>& to, auto&& value) {
      for (std::size_t n = 0; n < to.size(); ++n) to[n] = F(value(double(n)));
    };
    fill(q, [](double n) { return std::sin(n + 1); }), fill(k, [](double n) { return std::cos(2 * n); });
    fill(v, [](double n) { return std::sin(3 * n + 1); });
    fill(i, [&](double n) { return steep * 2 * std::sin(5 * n) + shift; }), fill(f, [](double n) { return 1 + 3 * std::sin(7 * n); });
  }
  static View<const F> stream(const std::vector<F>& x) { return view(x.data(), 1, T, H, Index(x.size() / (T * H))); }
  template <class M> auto in() const {
    return typename M::template In<const F>{.q = stream(q), .k = stream(k), .v = stream(v), .i = stream(i), .f = stream(f)};
  }
};
double log_sigmoid(double x) { return -std::log1p(std::exp(-x)); }

// The recurrence without a stabiliser, whose scale p only weighs the 1e-6; p starts where the caller says.
template <class F, class Visit> void plain(const Numbers<F>& x, double start, Visit&& visit) {
  for (std::size_t h = 0; h < H; ++h) {
    double m[K][D] = {}, z[K] = {}, p = start;
    for (std::size_t t = 0; t < T; ++t) {
      const std::size_t row = t * H + h;
      const double forget = 1 / (1 + std::exp(-double(x.f[row]))), write = std::exp(double(x.i[row]));
      p = std::max(log_sigmoid(double(x.f[row])) + p, double(x.i[row]));
      double d = 0, y[D] = {};
      for (std::size_t a = 0; a < K; ++a) {
        const double k = double(x.k[row * K + a]), q = double(x.q[row * K + a]) / std::sqrt(double(K));
        z[a] = forget * z[a] + write * k, d += q * z[a];
        for (std::size_t c = 0; c < D; ++c) m[a][c] = forget * m[a][c] + write * k * double(x.v[row * D + c]), y[c] += q * m[a][c];
      }
      const double divisor = std::max(std::abs(d), 1.0) + 1e-6 * std::exp(p);
      for (std::size_t c = 0; c < D; ++c) visit(row * D + c, y[c] / divisor);
    }
  }
}
// Numerator and denominator are sums of T K terms, each with a weight of T rounded steps; where terms cancel the divisor is at least 1, that
// is, exp(-p) >= exp(-2) of their size.
constexpr double rounding = 0x1p-52 * double(T * K) * double(T) * 8;
}  // namespace

TEST_CASE("mLSTM is its recurrence without a stabiliser, from either start", "[mixers]") {
  const Numbers<double> x;
  std::vector<double> y(T * H * D), z(y);
  reference(Mlstm{}, x.in<Mlstm>(), view(y.data(), 1, T, H, D));
  chunkwise(exec::seq, Mlstm{}, x.in<Mlstm>(), view(z.data(), 1, T, H, D), {.tuning = {.chunk = 16}});
  plain(x, 0, [&](std::size_t at, double want) {
    CHECK(std::abs(y[at] - want) < rounding);
    CHECK(std::abs(z[at] - want) < rounding);
  });
  reference(MlstmFromNothing{}, x.in<MlstmFromNothing>(), view(z.data(), 1, T, H, D));
  plain(x, -std::numeric_limits<double>::infinity(), [&](std::size_t at, double want) { CHECK(std::abs(z[at] - want) < rounding); });
}

TEST_CASE("mLSTM's scale is the recurrence's in every mode", "[mixers]") {
  const Numbers<double> x;
  std::vector<double> y(T * H * D);
  State<Mlstm, double> states[3] = {{1, H, K, D}, {1, H, K, D}, {1, H, K, D}};
  reference(Mlstm{}, x.in<Mlstm>(), view(y.data(), 1, T, H, D), {.final = states[0]});
  recurrent(exec::seq, Mlstm{}, x.in<Mlstm>(), view(y.data(), 1, T, H, D), {.final = states[1]});
  chunkwise(exec::seq, Mlstm{}, x.in<Mlstm>(), view(y.data(), 1, T, H, D), {.final = states[2], .tuning = {.chunk = 16}});
  for (Index h = 0; h < Index(H); ++h) {
    double p = 0, size = 0;
    for (std::size_t t = 0; t < T; ++t) {
      const std::size_t row = t * H + std::size_t(h);
      p = std::max(log_sigmoid(x.f[row]) + p, x.i[row]), size += std::abs(p) + std::abs(log_sigmoid(x.f[row]));
    }
    for (const auto& state : states) CHECK(std::abs(state.view().p.at(0, 0, h, 0, 0) - p) < 0x1p-51 * size);
  }
}

TEST_CASE("mLSTM takes gates far outside of what exp can hold", "[mixers]") {
  std::vector<float> y(T * H * D);
  const auto run = [&](const Numbers<float>& x) { recurrent(exec::seq, Mlstm{}, x.in<Mlstm>(), view(y.data(), 1, T, H, D)); };
  run(Numbers<float>(300));                                 // i from -600 to 600
  CHECK(std::all_of(y.begin(), y.end(), [](float v) { return std::isfinite(v); }));
  CHECK(std::any_of(y.begin(), y.end(), [](float v) { return std::abs(v) > 0.01f; }));
  // Nearly nothing is written, and the gates forget that the scale began at 0: in the end p = -1000, whose exp(-p) overflows even in double.
  Numbers<float> x(1, -1000);
  std::fill(x.f.begin(), x.f.end(), -50.0f);
  run(x);
  CHECK(std::all_of(y.begin(), y.end(), [](float v) { return std::abs(v) < 1e-30f; }));
  // A huge write is not undone by small ones after it: all that is read is v of token 0, as long as no gate lets it go.
  for (std::size_t n = 0; n < T * H; ++n) x.i[n] = n < H ? 500.0f : 0.0f, x.f[n] = 20;
  run(x);
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t h = 0; h < H; ++h) {
      double d = 0;
      for (std::size_t a = 0; a < K; ++a) d += double(x.q[(t * H + h) * K + a]) * double(x.k[h * K + a]) / 2;
      // d and d v are sums of K products below 1; 1e-6 stands beside |d|, whose sign the numerator keeps.
      const double error = double(K + 10 + T) * 0x1p-23 / (std::abs(d) + 1e-6);
      for (std::size_t c = 0; c < D; ++c)
        CHECK(std::abs(double(y[(t * H + h) * D + c]) - d / (std::abs(d) + 1e-6) * double(x.v[h * D + c])) < error);
    }
}

TEST_CASE("mLSTM's layer adds the biases of its gates, and starts them as its code does", "[mixers]") {
  Numbers<double> x;
  double i_bias[H], f_bias[H];
  init::Generator rng(1), again(1);
  initialise(MlstmLayer{}, {.i_bias = view(i_bias, 1, 1, H, 1), .f_bias = view(f_bias, 1, 1, H, 1)}, rng);
  CHECK(f_bias[0] == 3);
  CHECK(f_bias[1] == 6);
  for (const double b : i_bias) CHECK(b == init::normal(again, 0.1));
  double one = 0;
  initialise(MlstmLayer{}, {.f_bias = view(&one, 1, 1, 1, 1)}, rng);
  CHECK(one == 3);

  const auto parameter = [](const double* p) { auto v = view(p, 1, 1, H, 1); v.stride[0] = v.stride[1] = 0; return v; };
  std::vector<double> y(T * H * D), z(y);
  reference(MlstmLayer{},
            MlstmLayer::In<const double>{.q = x.stream(x.q), .k = x.stream(x.k), .v = x.stream(x.v), .i = x.stream(x.i), .f = x.stream(x.f),
                                         .i_bias = parameter(i_bias), .f_bias = parameter(f_bias)},
            view(y.data(), 1, T, H, D));
  for (std::size_t n = 0; n < T * H; ++n) x.i[n] += i_bias[n % H], x.f[n] += f_bias[n % H];
  reference(Mlstm{}, x.in<Mlstm>(), view(z.data(), 1, T, H, D));
  for (std::size_t n = 0; n < y.size(); ++n) CHECK(std::abs(y[n] - z[n]) < rounding);
}
