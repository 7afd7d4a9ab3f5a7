// SPDX-License-Identifier: MIT
#include <lcsm/mixers/mamba2.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

namespace {

double silu(double x) { return x / (1 + std::exp(-x)); }
void gate(View<double> y, const View<const double>& z) {
  for (Index b = 0; b < y.batch(); ++b)
    for (Index t = 0; t < y.time(); ++t)
      for (Index h = 0; h < y.head(); ++h)
        for (Index f = 0; f < y.feature(); ++f) y(b, t, h, f) *= silu(z(b, t, h, f));
}
// Channels [.., D, ..] of which G groups are heads: one more axis, by strides.
View<const double> grouped(View<const double> v, Index groups) {
  v.extent[4] /= groups, v.extent[2] = groups, v.stride[2] = v.extent[4] * v.stride[4];
  return v;
}

}  // namespace

TEST_CASE("Mamba's selective scan", "[mixers]") {
  for_each_case("mamba_selective_scan", [](Against& at) {
    const Index groups = std::max<Index>(1, at.golden.size("groups"));
    const auto want = grouped(at("out", "o", "bft"), groups), x = grouped(at("in", "u", "bft"), groups),
               delta = grouped(at("in", "delta", "bft"), groups);
    const auto A = grouped(at("par", "A", "fr"), groups);
    static const double zero = 0;
    const View<const double> none{&zero, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}};
    const auto D = at.has("par", "D") ? grouped(at("par", "D", "f"), groups) : none,
               bias = at.has("par", "delta_bias") ? grouped(at("par", "delta_bias", "f"), groups) : none;
    Buffer<double> y(want.batch(), want.time(), groups, want.feature());
    const auto with = [&]<class M>(M, const typename M::template In<const double>& in) {
      State<M, double> state(want.batch(), groups, A.row(), want.feature());
      reference(M{}, in, y.view(), {.final = state});
      const auto last = grouped(at("s1", "x", "bfr"), groups);
      close(state.view().m, last);
    };
    if (at.golden.flag("const_BC")) {
      Buffer<double> step(want.batch(), want.time(), groups, want.feature());
      for (Index b = 0; b < want.batch(); ++b)
        for (Index t = 0; t < want.time(); ++t)
          for (Index c = 0; c < want.feature(); ++c) step.view()(b, t, 0, c) = std::log1p(std::exp(delta(b, t, 0, c)));
      with(MambaConstant{}, {.x = x, .delta = std::as_const(step).view(), .B = at("par", "B", "fr"), .C = at("par", "C", "fr"), .A = A});
    } else {
      const char* axes = at.golden.size("groups") > 0 ? "bhft" : "bft";
      const auto B = at("in", "B", axes), C = at("in", "C", axes);
      if (at.golden.flag("softplus")) with(Mamba{}, {.x = x, .delta = delta, .B = B, .C = C, .A = A, .D = D, .delta_bias = bias});
      else with(MambaStep{}, {.x = x, .delta = delta, .B = B, .C = C, .A = A});
    }
    if (at.has("in", "z")) gate(y, grouped(at("in", "z", "bft"), groups));
    close(y, want);
  });
}

TEST_CASE("Mamba with complex states", "[mixers]") {
  for_each_case("mamba_selective_scan_complex", [](Against& at) {
    const auto want = at("out", "o", "bft");
    const auto part = [&](const char* name, Index n) { return at("par", name, "frn", n); };
    State<MambaComplex, double> state(want.batch(), 1, part("A", 0).row(), want.feature());
    run<MambaComplex>(MambaComplex::In<const double>{.x = at("in", "u", "bft"),
                                                     .delta = at("in", "delta", "bft"),
                                                     .B = part("B", 0),
                                                     .B_imag = part("B", 1),
                                                     .C = part("C", 0),
                                                     .C_imag = part("C", 1),
                                                     .A = part("A", 0),
                                                     .A_imag = part("A", 1),
                                                     .D = at("par", "D", "f")},
                      want, state, false);
    close(state.view().m, at("s1", "x", "bfrn", 0));
    close(state.view().m_imag, at("s1", "x", "bfrn", 1));
  });
}

TEST_CASE("Mamba-2 with steps, groups, skip and gate", "[mixers]") {
  for_each_case("mamba2_ssd_combined", [](Against& at) {
    const auto want = at("out", "o", "bthf");
    Buffer<double> y(want.batch(), want.time(), want.head(), want.feature());
    const bool one_D = at.file.array(at.golden.name, "par", "D").shape.size() == 1;
    reference(Mamba2{},
              Mamba2::In<const double>{.x = at("in", "x", "bthf"),
                                       .delta = at("in", "dt", "bth"),
                                       .B = at("in", "B", "bthf"),
                                       .C = at("in", "C", "bthf"),
                                       .A = at("par", "A", "h"),
                                       .D = at("par", "D", one_D ? "h" : "hf"),
                                       .delta_bias = at("par", "dt_bias", "h")},
              y.view());
    gate(y, at("in", "z", "bthf"));
    close(y, want);
  });
}

TEST_CASE("Mamba-2, discrete form", "[mixers]") {
  for_each_case("mamba2_ssd_minimal", [](Against& at) {
    const auto want = at("out", "Y", "bthf"), B = at("in", "B", "bthf");
    State<Mamba2Discrete, double> state(want.batch(), want.head(), B.feature(), want.feature());
    const bool from = at.has("s0", "S");
    if (from) copy(at("s0", "S", "bthfr"), state.view().m);
    run<Mamba2Discrete>(
        Mamba2Discrete::In<const double>{.x = at("in", "X", "bthf"), .g = at("in", "A", "bth"), .B = B, .C = at("in", "C", "bthf")}, want,
        state, from);
    close(state.view().m, at("s1", "S", "bhfr"));
  });
}

TEST_CASE("Mamba and Mamba-2 from A_log", "[mixers]") {
  constexpr Index T = 7, N = 3, H = 2;
  init::Generator rng(11);
  double x[T * H], delta[T * H], B[T * N], C[T * N], log[N * H], A[N * H], D[H], bias[H], y[T * H], z[T * H];
  for (double* numbers : {x, delta}) for (int n = 0; n < T * H; ++n) numbers[n] = init::normal(rng);
  for (double* numbers : {B, C}) for (int n = 0; n < T * N; ++n) numbers[n] = init::normal(rng);
  initialise(MambaLog{}, {.A_log = parameter(log, 1, N, H), .D = parameter(D, 1, H), .delta_bias = parameter(bias, 1, H)}, rng);
  for (int n = 0; n < N * H; ++n) A[n] = -std::exp(log[n]);
  const auto s = [](const double* data, Index heads, Index width) { return view(data, 1, T, heads, width); };
  const auto p = [](const double* data, Index heads, Index rows, Index width) { return parameter(data, heads, rows, width); };
  reference(MambaLog{},
            MambaLog::In<const double>{.x = s(x, 1, H),
                                       .delta = s(delta, 1, H),
                                       .B = s(B, 1, N),
                                       .C = s(C, 1, N),
                                       .A_log = p(log, 1, N, H),
                                       .D = p(D, 1, 1, H),
                                       .delta_bias = p(bias, 1, 1, H)},
            view(y, 1, T, 1, H));
  reference(Mamba{},
            Mamba::In<const double>{.x = s(x, 1, H),
                                    .delta = s(delta, 1, H),
                                    .B = s(B, 1, N),
                                    .C = s(C, 1, N),
                                    .A = p(A, 1, N, H),
                                    .D = p(D, 1, 1, H),
                                    .delta_bias = p(bias, 1, 1, H)},
            view(z, 1, T, 1, H));
  CHECK(relative_error(view<const double>(y, 1, T, 1, H), view<const double>(z, 1, T, 1, H)) < 1e-15 * T * N);
  // Heads of one channel: what Mamba-2 is with P = 1.
  reference(Mamba2Log{},
            Mamba2Log::In<const double>{.x = s(x, H, 1),
                                        .delta = s(delta, H, 1),
                                        .B = s(B, 1, N),
                                        .C = s(C, 1, N),
                                        .A_log = p(log, H, 1, 1),
                                        .D = p(D, H, 1, 1),
                                        .delta_bias = p(bias, H, 1, 1)},
            view(y, 1, T, H, 1));
  reference(Mamba2{},
            Mamba2::In<const double>{.x = s(x, H, 1),
                                     .delta = s(delta, H, 1),
                                     .B = s(B, 1, N),
                                     .C = s(C, 1, N),
                                     .A = p(A, H, 1, 1),
                                     .D = p(D, H, 1, 1),
                                     .delta_bias = p(bias, H, 1, 1)},
            view(z, 1, T, H, 1));
  CHECK(relative_error(view<const double>(y, 1, T, H, 1), view<const double>(z, 1, T, H, 1)) < 1e-15 * T * N);
}

TEST_CASE("Mamba's published start", "[mixers]") {
  init::Generator rng(7);
  double A[4 * 3], A_log[4 * 3], D[3] = {}, bias[3], A2[5], A2_log[5];
  initialise(Mamba{}, {.A = parameter(A, 1, 4, 3), .D = parameter(D, 1, 3), .delta_bias = parameter(bias, 1, 3)}, rng);
  initialise(MambaLog{}, {.A_log = parameter(A_log, 1, 4, 3)}, rng);
  for (int n = 0; n < 12; ++n) {
    CHECK(A[n] == -(n / 3 + 1));
    CHECK(std::abs(-std::exp(A_log[n]) - A[n]) <= 4 * 0x1p-52);
  }
  for (int c = 0; c < 3; ++c) {
    const double step = std::log1p(std::exp(bias[c]));
    CHECK(D[c] == 1);
    CHECK((step > 0.99999e-3 && step < 0.100001));
  }
  initialise(Mamba2{}, {.A = parameter(A2, 5, 1)}, rng);
  initialise(Mamba2Log{}, {.A_log = parameter(A2_log, 5, 1)}, rng);
  for (int h = 0; h < 5; ++h) {
    CHECK((A2[h] <= -1 && A2[h] > -16));
    CHECK((A2_log[h] >= 0 && A2_log[h] < std::log(16.0)));
  }
}
