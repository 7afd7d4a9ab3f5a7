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
