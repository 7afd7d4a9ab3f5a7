// SPDX-License-Identifier: MIT
#include <lcsm/mixers/hgrn2.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <complex>
#include <vector>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("HGRN's operator", "[mixers]") {
  for_each_case("hgrn", [](Against& at) {
    const auto want = at("out", "o", "btf");
    State<Hgrn, double> state(want.batch(), 1, 1, want.feature());
    const bool from = at.has("s0", "h");
    if (from) copy(at("s0", "h", "bf"), state.view().m);
    run<Hgrn>(Hgrn::In<const double>{.x = at("in", "x", "btf"), .g = at("in", "g", "btf")}, want, state, from);
    close(state.view().m, at("s1", "h", "bf"));
  });
}

TEST_CASE("HGRN2 from its raw gate", "[mixers]") {
  for_each_case("hgrn2", [](Against& at) {
    const auto want = at("out", "o", "bthf"), q = at("in", "q", "bthf");
    State<Hgrn2, double> state(want.batch(), want.head(), q.feature(), want.feature());
    const bool from = at.has("s0", "S");
    if (from) copy(at("s0", "S", "bhrf"), state.view().m);
    run<Hgrn2>(
        Hgrn2::In<const double>{
            .q = q, .f = at("in", "f", "bthf"), .v = at("in", "v", "bthf"), .lower_bound = at("par", "lower_bound", "hf")},
        want, state, from);
    close(state.view().m, at("s1", "S", "bhrf"));
  });
}

TEST_CASE("HGRN2 of the authors has no scale", "[mixers]") {
  const double q[] = {1, -2, 0.5, 3}, f[] = {0, 1, -2, 3, -1, 0.5, 4, 0}, v[] = {1, -1}, bound[] = {0, 0.5, 0.25, 0.75};
  double y[2], z[2];
  const auto in = [&]<class M>(M) {
    return typename M::template In<const double>{.q = View<const double>{q, {1, 1, 1, 1, 4}, {0, 0, 0, 0, 1}},
                                                 .f = view(f, 1, 2, 1, 4),
                                                 .v = view(v, 1, 2, 1, 1),
                                                 .lower_bound = parameter(bound, 1, 4)};
  };
  reference(Hgrn2{}, in(Hgrn2{}), view(y, 1, 2, 1, 1));
  reference(Hgrn2Unscaled{}, in(Hgrn2Unscaled{}), view(z, 1, 2, 1, 1));
  CHECK(z[0] == 2 * y[0]);                                  // K = 4
  CHECK(z[1] == 2 * y[1]);
  CHECK(z[1] != 0);
}

TEST_CASE("HGRN, complex and real, from raw gates and inputs", "[mixers]") {
  constexpr Index T = 9, D = 3;
  double x[T * D], x_imag[T * D], f[T * D], bound[D] = {0, 0.25, 0.875}, phase[D], y[T * 2 * D], real[T * D];
  for (int n = 0; n < T * D; ++n) x[n] = std::sin(n + 1.0), x_imag[n] = std::cos(2.0 * n), f[n] = 3 * std::sin(5.0 * n);
  initialise(HgrnComplex{}, {.phase = parameter(phase, 1, D)});
  CHECK(phase[0] == 1);
  CHECK(phase[2] == std::pow(1e4, -4.0 / 3));
  const auto s = [&](const double* data) { return view(data, 1, T, 1, D); };
  reference(HgrnComplex{},
            HgrnComplex::In<const double>{.x = s(x),
                                          .x_imag = s(x_imag),
                                          .f = s(f),
                                          .lower_bound = parameter<const double>(bound, 1, D),
                                          .phase = parameter<const double>(phase, 1, D)},
            view(y, 1, T, 1, 2 * D));
  reference(HgrnReal{}, HgrnReal::In<const double>{.x = s(x), .f = s(f), .lower_bound = parameter<const double>(bound, 1, D)},
            view(real, 1, T, 1, D));
  const auto silu = [](double a) { return a / (1 + std::exp(-a)); };
  for (Index c = 0; c < D; ++c) {
    std::complex<double> h = 0;
    double r = 0;
    for (Index t = 0; t < T; ++t) {
      const Index n = t * D + c;
      const double gate = bound[c] + (1 - bound[c]) / (1 + std::exp(-f[n]));
      h = gate * std::polar(1.0, phase[c]) * h + (1 - gate) * std::complex<double>(silu(x[n]), silu(x_imag[n]));
      r = gate * r + (1 - gate) * silu(x[n]);
      CHECK(std::abs(y[t * 2 * D + c] - h.real()) < 1e-15 * 4 * double(t + 1));
      CHECK(std::abs(y[t * 2 * D + D + c] - h.imag()) < 1e-15 * 4 * double(t + 1));
      CHECK(std::abs(real[n] - r) < 1e-15 * 4 * double(t + 1));
    }
  }
}

TEST_CASE("lower bounds grow from 0 with depth", "[mixers]") {
  const std::vector<double> raw(4 * 2, 0.0);                // the published start
  for (Index layer = 0; layer < 4; ++layer) {
    double bound[2];
    hgrn_lower_bound(raw.data(), 4, layer, bound, 2);
    CHECK(bound[0] == 0.25 * double(layer));
    CHECK(bound[1] == bound[0]);
  }
}
