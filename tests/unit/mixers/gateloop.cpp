// SPDX-License-Identifier: MIT
#include <lcsm/mixers/gateloop.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <complex>

using namespace lcsm;
using namespace lcsm::test;

namespace {
template <class M> void operator_of(Against& at) {
  const Array a = at.file.array(at.golden.name, "in", "a");
  Array g = a, phase = a;                                   // [BH, L, Ka, 1, 2], the first part of each kept
  for (std::size_t n = 0; n < a.values.size(); n += 2) {
    const std::complex<double> z(a[n], a[n + 1]);
    g.values[n] = std::log(std::abs(z)), phase.values[n] = std::arg(z);
  }
  const auto axes = [&](Array& x) {
    auto v = arrange(x, "btfnn");
    if (v.feature() == 1) v.stride[4] = 0;                  // one transition per head serves every key
    return v;
  };
  const auto want = at("out", "o", "btf");
  State<M, double> state(want.batch(), 1, at("in", "q", "btf").feature(), want.feature());
  run<M>(
      typename M::template In<const double>{
          .q = at("in", "q", "btf"), .k = at("in", "k", "btf"), .v = at("in", "v", "btf"), .g = axes(g), .phase = axes(phase)},
      want, state, false);
}
}  // namespace

TEST_CASE("GateLoop's operator with a complex transition per key or per head", "[mixers]") {
  for_each_case("gateloop", [](Against& at) {
    operator_of<GateLoopOperator>(at);
    if (!at.golden.flag("gate_per_key_channel")) operator_of<GateLoopOperatorScalar>(at);
  });
}

TEST_CASE("GateLoop from raw gates is its operator on log sigmoid", "[mixers]") {
  constexpr Index T = 6, K = 3, D = 2;
  double q[T * K], k[T * K], v[T * D], raw[T * K], log[T * K], phase[T * K], y[T * D], z[T * D];
  for (int n = 0; n < T * K; ++n)
    q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n), raw[n] = 4 * std::sin(7.0 * n), log[n] = -std::log1p(std::exp(-raw[n])),
    phase[n] = 3 * std::cos(5.0 * n);
  for (int n = 0; n < T * D; ++n) v[n] = std::sin(3.0 * n + 1);
  const auto s = [&](const double* x, Index width) { return view(x, 1, T, 1, width); };
  reference(GateLoop{}, GateLoop::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(raw, K), .phase = s(phase, K)},
            view(y, 1, T, 1, D));
  reference(GateLoopOperator{},
            GateLoopOperator::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(v, D), .g = s(log, K), .phase = s(phase, K)},
            view(z, 1, T, 1, D));
  CHECK(relative_error(view<const double>(y, 1, T, 1, D), view<const double>(z, 1, T, 1, D)) < 1e-14 * T * K);
  // As many heads as channels: K channels on the value axis are K heads of K = D = 1.
  double wide[T * K], heads[T * K];
  reference(GateLoopMaximallyHeaded{},
            GateLoopMaximallyHeaded::In<const double>{.q = s(q, K), .k = s(k, K), .v = s(k, K), .g = s(raw, K), .phase = s(phase, K)},
            view(wide, 1, T, 1, K));
  const auto h = [&](const double* x) { return view(x, 1, T, K, 1); };
  reference(GateLoopScalar{}, GateLoopScalar::In<const double>{.q = h(q), .k = h(k), .v = h(k), .g = h(raw), .phase = h(phase)},
            view(heads, 1, T, K, 1));
  for (int n = 0; n < T * K; ++n) CHECK(wide[n] == heads[n]);
}

// Rows are y of four tokens, to the 12 digits that they are printed with.
TEST_CASE("GateLoop on sines and cosines, per key and as many heads as channels", "[mixers]") {
  double q[8], k[8], v[8], g[8], phase[8], y[8], z[8];
  for (int t = 1; t <= 4; ++t)
    for (int a = 0; a < 2; ++a) {
      const int n = 2 * (t - 1) + a;
      q[n] = std::sin(0.7 * t + 1.3 * a), k[n] = std::cos(0.5 * t - 0.9 * a), v[n] = std::sin(0.3 * t + 0.8 * a);
      g[n] = std::cos(0.4 * t + 1.1 * a), phase[n] = 0.6 * t - 0.5 * a;
    }
  const double key[] = {0.414577200724, 1.250250386507, 0.639919365425, 1.242818603149, -0.248783545637, -0.483502645203, -0.385663454029, -0.305197815904};
  const double memory[] = {-0.419529961592, -0.383467553333, 0.299563417999, 0.215991290943}, imag[] = {-0.097662540125, -0.228654549261, 0.165431976758, 0.194442892675};
  const double channel[] = {0.167073592498, 0.746402554956, 0.362450359578, 0.531718002318, -0.074666537113, -0.219456112034, -0.140537565769, -0.176740729568};
  const auto s = [](const double* x) { return view(x, 1, 4, 1, 2); };
  State<GateLoop, double> state(1, 1, 2, 2);
  reference(GateLoop{}, GateLoop::In<const double>{.q = s(q), .k = s(k), .v = s(v), .g = s(g), .phase = s(phase)}, view(y, 1, 4, 1, 2),
            Options<double>{.final = state});
  reference(GateLoopMaximallyHeaded{}, GateLoopMaximallyHeaded::In<const double>{.q = s(q), .k = s(k), .v = s(v), .g = s(g), .phase = s(phase)},
            view(z, 1, 4, 1, 2));
  for (int n = 0; n < 8; ++n) CHECK(std::abs(y[n] - key[n]) < 1e-12);
  for (int n = 0; n < 8; ++n) CHECK(std::abs(z[n] - channel[n]) < 1e-12);
  for (int n = 0; n < 4; ++n) {
    CHECK(std::abs(state.view().m.at(0, 0, 0, n / 2, n % 2) - memory[n]) < 1e-12);
    CHECK(std::abs(state.view().m_imag.at(0, 0, 0, n / 2, n % 2) - imag[n]) < 1e-12);
  }
}

TEST_CASE("GateLoop's attention makes its transition from two numbers", "[mixers]") {
  constexpr Index T = 9, H = 2, d = 2;
  double q[T * H * d], k[T * H * d], v[T * H * d], pairs[T * H * 2], y[T * H * d];
  for (int n = 0; n < T * H * d; ++n) q[n] = std::sin(n + 1.0), k[n] = std::cos(2.0 * n), v[n] = std::sin(3.0 * n + 1), pairs[n] = 2 * std::sin(5.0 * n);
  pairs[8] = pairs[9] = 0;                                  // z = 0: magnitude 1/2, angle 0
  pairs[12] = -1, pairs[13] = 0, pairs[16] = -1, pairs[17] = -0.0;         // both ends of the branch cut
  const auto s = [&](const double* x) { return view(x, 1, T, H, d); };
  const View<const double> z = view<const double>(pairs, 1, T, H, 2);
  reference(GateLoopAttention{}, GateLoopAttention::In<const double>{.q = s(q), .k = s(k), .v = s(v), .a = z.features(0, 1), .a_imag = z.features(1, 1)},
            view(y, 1, T, H, d));
  for (Index h = 0; h < H; ++h) {
    std::complex<double> m[d][d] = {};
    for (Index t = 0; t < T; ++t) {
      const Index row = (t * H + h) * d;
      const std::complex<double> w(pairs[row], pairs[row + 1]), a = std::polar(1 / (1 + std::exp(-std::abs(w))), std::arg(w));
      for (Index c = 0; c < d; ++c) {
        double want = 0;
        for (Index r = 0; r < d; ++r) m[r][c] = a * m[r][c] + k[row + r] * v[row + c], want += q[row + r] * m[r][c].real();
        CHECK(std::abs(y[row + c] - want) < 1e-15 * 10 * d * double(t + 1));
      }
    }
  }
}

TEST_CASE("simplified GateLoop", "[mixers]") {
  for_each_case("gateloop_simple", [](Against& at) {
    const auto want = at("out", "o", "btf");
    State<GateLoopSimple, double> state(want.batch(), 1, 1, 1);
    run<GateLoopSimple>(GateLoopSimple::In<const double>{.q = at("in", "q", "btf"), .v = at("in", "kv", "btf"), .a = at("in", "a", "btf")},
                        want, state, false);
    close(state.view().m, at("s1", "h", "bf"));
  });
}

TEST_CASE("GateLoop's gated linear RNN, tied and untied", "[mixers]") {
  for_each_case("gateloop_gated_linear_rnn", [](Against& at) {
    const auto x = at("in", "x", "btf"), want = at("out", "y", "btf");
    const Index D = want.feature();
    const bool tied = at.golden.flag("tied"), from = at.has("s0", "h");
    Buffer<double> h(want.batch(), want.time(), 1, D);
    const auto with = [&]<class M>(M, const typename M::template In<const double>& in) {
      State<M, double> state(want.batch(), 1, 1, D);
      Options<double> options{.final = state};
      if (from) copy(at("s0", "h", "bf"), state.view().m), options.initial = state.view();
      reference(M{}, in, h.view(), options);
      close(state.view().m, at("s1", "h", "bf"));
    };
    if (tied) with(GatedLinearRnnTied{}, {.x = x.features(0, D), .i = x.features(D, D)});
    else with(GatedLinearRnn{}, {.x = x.features(0, D), .i = x.features(D, D), .f = x.features(2 * D, D)});
    const auto out = x.features(tied ? 2 * D : 3 * D, D);   // the layer's part
    for (Index b = 0; b < want.batch(); ++b)
      for (Index t = 0; t < want.time(); ++t)
        for (Index c = 0; c < D; ++c) h.view()(b, t, 0, c) = std::tanh(h.view()(b, t, 0, c)) / (1 + std::exp(-out(b, t, 0, c)));
    close(h, want);
  });
}

TEST_CASE("first-order recurrence, both directions", "[mixers]") {
  for_each_case("scan_first_order", [](Against& at) {
    const auto want = at("out", "x", "bft");
    State<FirstOrder, double> state(want.batch(), 1, 1, want.feature());
    run<FirstOrder>(FirstOrder::In<const double>{.a = at("in", "gates", "bft"), .b = at("in", "tokens", "bft")}, want, state, false,
                    at.golden.flag("reverse") ? Direction::reverse : Direction::forward);
  });
}
