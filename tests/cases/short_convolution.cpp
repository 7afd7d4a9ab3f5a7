// SPDX-License-Identifier: MIT
// Reported faults of short convolutions, each with its right values (tests/cases/data).
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/short_convolution.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/short_convolution.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

using lcsm::Index;
using lcsm::View;
using lcsm::test::Array;
using lcsm::test::Case;

namespace {

// The numbers of a case as T: its inputs are exact in float.
template <class T> struct Numbers {
  std::vector<T> data;
  std::vector<Index> n;
  explicit Numbers(const Array& a) : data(a.values.begin(), a.values.end()), n(a.shape) {}
  View<const T> stream() const { return lcsm::view(data.data(), n.at(0), n.at(1), n.at(2), n.at(3)); }
};
// Weight [H, D, W], bias [H, D].
template <class T> struct Parameters {
  Numbers<T> w, b;
  Parameters(const Case& c, const std::string& weight, const std::string& bias) : w(c.in(weight)), b(c.in(bias)) {}
  View<const T> weight() const { return lcsm::parameter(w.data.data(), w.n.at(0), w.n.at(1), w.n.at(2)); }
  View<const T> bias() const { return lcsm::parameter(b.data.data(), b.n.at(0), b.n.at(1)); }
  Index taps() const { return w.n.at(2); }
};
template <class T> View<const T> rows(const std::vector<T>& v, Index b, Index t, Index h, Index d) { return lcsm::view(v.data(), b, t, h, d); }
// The cases' states are [N, W - 1, H, D].
template <class T> View<T> state_view(T* data, Index sequences, Index taps, Index heads, Index features) {
  return {data, {sequences, 1, heads, taps - 1, features}, {(taps - 1) * heads * features, 0, features, heads * features, 1}};
}
template <class T> bool equal(const std::vector<T>& mine, const Array& right) {
  return std::equal(mine.begin(), mine.end(), right.values.begin(), right.values.end(), [](T a, double b) { return double(a) == b; });
}

// What follows the convolution in the cases of Mamba's core: u = silu(c), h = exp(dt A) h + dt B u, y = C h + D u; one row of tokens. Bounds come
// from the same recurrence on magnitudes: |silu(c)| <= |c|, |silu'| < 1.1, and a term of token s passes t - s decays.
struct Core {
  Array dt, A, B, C;
  std::vector<double> D;
  Index heads, features, states, groups;
  explicit Core(const Case& c) : dt(c.in("dt")), A(c.in("A")), B(c.in("B")), C(c.in("C")) {
    heads = dt.shape.at(2), features = dt.shape.at(3), states = A.shape.at(2), groups = B.shape.at(2);
    if (c.has_in("D")) D = c.in("D").values;
  }
  struct Memory { std::vector<double> h, magnitude; Index steps = 0; };
  Memory fresh() const { return {std::vector<double>(lcsm::to_size(heads * features * states)), std::vector<double>(lcsm::to_size(heads * features * states))}; }

  // Checks the outputs of token t of row b against `right` and moves on.
  template <class T> bool advance(Memory& m, Index b, Index t, const View<const T>& u, const View<const T>& sums, const Array& right, double terms) const {
    bool good = true;
    const Index L = dt.shape.at(1);
    const double unit = double(std::numeric_limits<T>::epsilon()) / 2;
    ++m.steps;
    for (Index h = 0; h < heads; ++h)
      for (Index p = 0; p < features; ++p) {
        const Index at = ((b * L + t) * heads + h) * features + p;
        const double x = double(u(b, t, h, p)), size = double(sums(b, t, h, p));
        double y = D.empty() ? 0 : D[lcsm::to_size(h * features + p)] * x, y_size = D.empty() ? 0 : std::abs(D[lcsm::to_size(h * features + p)]) * size;
        for (Index n = 0; n < states; ++n) {
          const Index s = (h * features + p) * states + n, g = ((b * L + t) * groups + h / (heads / groups)) * states + n;
          const double step = dt[lcsm::to_size(at)], decay = std::exp(step * A[lcsm::to_size(s)]), write = step * B[lcsm::to_size(g)];
          double &value = m.h[lcsm::to_size(s)], &bound = m.magnitude[lcsm::to_size(s)];
          value = decay * value + write * x, bound = decay * bound + std::abs(write) * size;
          y += C[lcsm::to_size(g)] * value, y_size += std::abs(C[lcsm::to_size(g)]) * bound;
        }
        // T alone rounds the convolution and silu (2 ulp of sigmoid, one product); the rest is in double, on both sides.
        const double limit = y_size * (1.1 * (terms + 6) * unit + double(8 * m.steps + 8) * 0x1p-52);
        good = good && std::abs(y - right[lcsm::to_size(at)]) <= limit;
      }
    return good;
  }
};

// Sums of the absolute values of the terms of every convolution: the same call on magnitudes.
template <class T> std::vector<T> absolute(std::vector<T> v) {
  for (T& x : v) x = std::abs(x);
  return v;
}

}  // namespace

TEMPLATE_TEST_CASE("a prompt shorter than the window, and steps after it", "[cases][length_02]", float, double) {
  using T = TestType;
  const Case file(lcsm::test::case_path("length_02"));
  const Parameters<T> parameters(file, "w", "bias");
  const Numbers<T> x(file.in("x")), past(file.in("conv_state"));
  const Index W = parameters.taps(), D = 2, all = 10;
  for (const bool given : {false, true})
    for (const Index length : {1, 2, 3, 4, 7}) {
      INFO("length " << length << (given ? ", state given" : ", no state"));
      const std::string which = given ? "given" : "zero";
      const Array right = file.out("y_" + which + "_state");
      const Array right_state = file.out("state_" + which + "_" + std::to_string(length));
      std::vector<T> state(past.data), y(lcsm::to_size(all * D), std::numeric_limits<T>::quiet_NaN());
      const View<T> memory = state_view(state.data(), 1, W, 1, D), out = lcsm::view(y.data(), 1, all, 1, D);
      lcsm::short_convolution(lcsm::exec::seq, x.stream().tokens(0, length), parameters.weight(), parameters.bias(), out.tokens(0, length),
                              {.initial = given ? View<const T>(memory) : View<const T>{}, .final = memory});
      CHECK(equal(state, right_state));
      for (Index t = length; t < all; ++t)
        lcsm::short_convolution_step(x.stream().tokens(t, 1), parameters.weight(), parameters.bias(), out.tokens(t, 1), memory);
      for (Index t = 0; t < all; ++t)
        for (Index d = 0; d < D; ++d) {
          const auto sum = lcsm::test::plain_convolution(
              W, [&](Index k) { return parameters.weight().at(0, 0, 0, d, k); }, double(parameters.bias()(0, 0, 0, d)),
              [&](Index j) { return j >= 0 ? double(x.stream()(0, j, 0, d)) : given ? double(past.data[lcsm::to_size((W - 1 + j) * D + d)]) : 0.0; }, t);
          const long double stored = right[lcsm::to_size(t * D + d)];
          CHECK(std::abs(static_cast<long double>(y[lcsm::to_size(t * D + d)]) - stored) <= sum.template bound<T>(W) + sum.template bound<double>(W));
        }
    }
}

TEMPLATE_TEST_CASE("calls of several tokens continue from the state of the call before", "[cases][state_01]", float, double) {
  using T = TestType;
  const Case file(lcsm::test::case_path("state_01"));
  const Parameters<T> parameters(file, "conv_w", "conv_b");
  const Numbers<T> x(file.in("x"));
  const Core core(file);
  const Array right = file.out("y");
  const Index W = parameters.taps(), B = 2, L = 13, D = 3;
  const auto run = [&](const std::vector<Index>& cuts, const std::vector<T>& in, const Parameters<T>& by, bool silu, const auto& after) {
    std::vector<T> state(lcsm::to_size(B * (W - 1) * D)), u(in.size());
    const View<T> memory = state_view(state.data(), B, W, 1, D), out = lcsm::view(u.data(), B, L, 1, D);
    const View<const T> from = rows(in, B, L, 1, D);
    Index t = 0;
    for (const Index n : cuts) {
      const lcsm::ConvolutionOptions<T> options{.initial = memory, .final = memory};
      if (silu) lcsm::short_convolution<lcsm::map::Silu>(lcsm::exec::par, from.tokens(t, n), by.weight(), by.bias(), out.tokens(t, n), options);
      else lcsm::short_convolution(lcsm::exec::par, from.tokens(t, n), by.weight(), by.bias(), out.tokens(t, n), options);
      t += n, after(t, state);
    }
    return u;
  };
  const auto nothing = [](Index, const std::vector<T>&) {};
  Parameters<T> magnitudes = parameters;
  magnitudes.w.data = absolute(parameters.w.data), magnitudes.b.data = absolute(parameters.b.data);
  const std::vector<T> sums = run({L}, absolute(x.data), magnitudes, false, nothing), once = run({L}, x.data, parameters, true, nothing);
  Index states = 0;
  for (const std::vector<Index>& cuts : {std::vector<Index>{L}, {7, 1, 5}, std::vector<Index>(13, 1), {2, 11}, {12, 1}}) {
    const std::vector<T> u = run(cuts, x.data, parameters, true, [&](Index t, const std::vector<T>& state) {
      if (t != 7 && t != 8 && t != 13) return;
      ++states;
      CHECK(equal(state, file.out("conv_state_" + std::to_string(t))));
    });
    CHECK(u == once);
    for (Index b = 0; b < B; ++b) {
      Core::Memory memory = core.fresh();
      for (Index t = 0; t < L; ++t)
        CHECK(core.advance(memory, b, t, rows(u, B, L, 1, D), rows(sums, B, L, 1, D), right, double(W)));
    }
  }
  CHECK(states == 9);
}

TEMPLATE_TEST_CASE("no window reaches over the border of a packed document", "[cases][varlen_01]", float, double) {
  using T = TestType;
  const Case file(lcsm::test::case_path("varlen_01"));
  Parameters<T> parameters(file, "conv_w", "conv_b");
  const Numbers<T> x(file.in("x"));
  const Core core(file);
  const Array right = file.out("y"), listed = file.in("cu_seqlens");
  const std::vector<std::int64_t> offsets(listed.values.begin(), listed.values.end());
  const Index W = parameters.taps(), L = 16, H = 2, D = 2, documents = Index(offsets.size()) - 1;
  std::vector<T> state(lcsm::to_size(documents * (W - 1) * H * D), T(7)), u(x.data.size()), sums(x.data.size()), in = x.data;
  lcsm::short_convolution<lcsm::map::Silu>(lcsm::exec::seq, x.stream(), parameters.weight(), parameters.bias(), lcsm::view(u.data(), 1, L, H, D),
                                           {.final = state_view(state.data(), documents, W, H, D), .sequences = offsets});
  CHECK(equal(state, file.out("conv_states")));
  in = absolute(in), parameters.w.data = absolute(parameters.w.data), parameters.b.data = absolute(parameters.b.data);
  lcsm::short_convolution(lcsm::exec::seq, rows(in, 1, L, H, D), parameters.weight(), parameters.bias(), lcsm::view(sums.data(), 1, L, H, D),
                          {.sequences = offsets});
  for (std::size_t n = 0; n + 1 < offsets.size(); ++n) {
    Core::Memory memory = core.fresh();
    for (Index t = offsets[n]; t < offsets[n + 1]; ++t)
      CHECK(core.advance(memory, 0, t, rows(u, 1, L, H, D), rows(sums, 1, L, H, D), right, double(W)));
  }
}

TEMPLATE_TEST_CASE("padding on the left changes nothing, with a bias too", "[cases][mask_01]", float, double) {
  using T = TestType;
  const Case file(lcsm::test::case_path("mask_01"));
  Parameters<T> parameters(file, "conv_w", "conv_b");
  const Numbers<T> x(file.in("x"));
  const Core core(file);
  const Array right = file.out("y"), listed = file.in("mask");
  const std::vector<std::uint8_t> bytes(listed.values.begin(), listed.values.end());
  const Index W = parameters.taps(), B = 2, L = 9, D = 2;
  const View<const std::uint8_t> mask = lcsm::view(bytes.data(), B, L, 1, 1);
  std::vector<T> state(lcsm::to_size(B * (W - 1) * D), T(7)), u(x.data.size(), T(7)), sums(x.data.size());
  lcsm::short_convolution<lcsm::map::Silu>(lcsm::exec::seq, x.stream(), parameters.weight(), parameters.bias(), lcsm::view(u.data(), B, L, 1, D),
                                           {.final = state_view(state.data(), B, W, 1, D), .mask = mask});
  CHECK(equal(state, file.out("conv_states")));
  const std::vector<T> in = absolute(x.data);
  parameters.w.data = absolute(parameters.w.data), parameters.b.data = absolute(parameters.b.data);
  lcsm::short_convolution(lcsm::exec::seq, rows(in, B, L, 1, D), parameters.weight(), parameters.bias(), lcsm::view(sums.data(), B, L, 1, D), {.mask = mask});
  Index padding = 0;
  for (Index b = 0; b < B; ++b) {
    Core::Memory memory = core.fresh();
    for (Index t = 0; t < L; ++t) {
      if (mask.at(b, t, 0, 0, 0) != 0) {
        CHECK(core.advance(memory, b, t, rows(u, B, L, 1, D), rows(sums, B, L, 1, D), right, double(W)));
        continue;
      }
      ++padding;
      for (Index d = 0; d < D; ++d) CHECK(u[lcsm::to_size((b * L + t) * D + d)] == T(right[lcsm::to_size((b * L + t) * D + d)]));
    }
  }
  CHECK(padding == 4);
}
