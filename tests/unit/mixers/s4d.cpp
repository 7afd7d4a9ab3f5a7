// SPDX-License-Identifier: MIT
#include <lcsm/mixers/s4d.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("S4D from its raw parameters", "[mixers]") {
  for_each_case("s4d", [](Against& at) {
    const auto want = at("out", "y", "bft");
    const auto A_imag = at("par", "A_imag", "fr");
    State<S4d, double> state(want.batch(), 1, A_imag.row(), want.feature());
    S4d::In<const double> in{.x = at("in", "u", "bft"),
                             .log_dt = at("par", "log_dt", "f"),
                             .log_A_real = at("par", "log_A_real", "fr"),
                             .A_imag = A_imag,
                             .C = at("par", "C", "frn", 0),
                             .C_imag = at("par", "C", "frn", 1),
                             .D = at("par", "D", "f")};
    run<S4d>(in, want, state, false);
    // The kernel is the response to an impulse, without the skip.
    const auto kernel = at("aux", "kernel", "ft");
    Buffer<double> impulse(1, kernel.time(), 1, kernel.feature()), none(kernel.feature());
    for (Index c = 0; c < kernel.feature(); ++c) impulse.view()(0, 0, 0, c) = 1;
    in.x = std::as_const(impulse).view(), in.D = std::as_const(none).view();
    State<S4d, double> fresh(1, 1, A_imag.row(), kernel.feature());
    run<S4d>(in, kernel, fresh, false);
  });
}

TEST_CASE("the S4 repository's full kernel: both rules, a B of its own, copies of C, an initial state", "[mixers]") {
  for_each_case("s4d_kernel_full", [&](Against& at) {
    const auto want = at("out", "y", "bhft");                // [B, Cn, H, L]: copies are heads
    Array dt = at.file.array(at.golden.name, "par", "inv_dt"), im = at.file.array(at.golden.name, "par", "A_imag");
    for (double& x : dt.values) x = std::log(std::log1p(std::exp(x)));
    for (double& x : im.values) x = -x;
    const auto re = at("par", "A_real", "fr");
    const double zero = 0;
    const auto with = [&]<class M>(M) {
      State<M, double> state(want.batch(), want.head(), re.row(), want.feature());
      const auto components = {std::pair(state.view().m, 0), std::pair(state.view().m_imag, 1)};
      for (const auto& [m, part] : components)
        for (Index h = 0; h < want.head(); ++h) copy(at("s0", "state", "bfrn", part), m.heads(h, 1));
      typename M::template In<const double> in{
          .x = at("in", "u", "bft"), .log_dt = arrange(dt, "fn"), .log_A_real = re, .A_imag = arrange(im, "fr")};
      in.B = at("par", "B", "hfrn", 0), in.B_imag = at("par", "B", "hfrn", 1), in.C = at("par", "C", "hfrn", 0),
      in.C_imag = at("par", "C", "hfrn", 1);
      in.D = {&zero, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}};
      run<M>(in, want, state, true);
      for (const auto& [m, part] : components)
        for (Index h = 0; h < want.head(); ++h) close(m.heads(h, 1), at("s1", "x", "bfrn", part));
    };
    if (at.golden.text("disc") == "zoh") with(S4dWithB{}); else with(S4dBilinear{});
  });
}

TEST_CASE("S4D's published starts", "[mixers]") {
  init::Generator rng(3);
  double imag[4], real[4], log_dt[1];
  const auto start = [&](S4dStart s) {
    initialise(S4d{}, {.log_dt = parameter(log_dt, 1, 1), .log_A_real = parameter(real, 1, 4, 1), .A_imag = parameter(imag, 1, 4, 1)}, rng,
               s);
  };
  const auto is = [&](std::initializer_list<double> expected, double tolerance) {
    const double* x = imag;
    for (double want : expected) CHECK(std::abs(*x++ - want) <= tolerance);
  };
  start(S4dStart::lin);
  is({0, 3.141592653589793, 6.283185307179586, 9.42477796076938}, 4e-15);
  CHECK(real[2] == std::log(0.5));
  CHECK((log_dt[0] >= std::log(1e-3) && log_dt[0] < std::log(1e-1)));
  start(S4dStart::inv);
  is({17.825, 4.2441, 1.5279, 0.3638}, 5e-4);
  start(S4dStart::legs);
  is({0.4275, 1.9578, 5.3542, 19.8574}, 5e-5);
  start(S4dStart::quad);
  is({1 / 3.141592653589793, 9 / 3.141592653589793}, 1e-15);
  start(S4dStart::real);
  is({0, 0, 0, 0}, 0);
  CHECK(real[3] == std::log(4.0));
  start(S4dStart::inv2);
  is({8 / 3.141592653589793 * 7, 8 / 3.141592653589793 * 3}, 2e-14);
  start(S4dStart::rand);
  CHECK((imag[0] > 0 && imag[1] > 0 && imag[0] != imag[1]));

  // A B of its own is 1, or what the modes see of LegS' B, clipped.
  double B[4], B_imag[4];
  const auto own = [&](auto mixer, S4dStart s) {
    typename decltype(mixer)::template In<double> p{.x = {}, .log_dt = {}, .log_A_real = parameter(real, 1, 4, 1), .A_imag = parameter(imag, 1, 4, 1)};
    p.B = parameter(B, 1, 4, 1), p.B_imag = parameter(B_imag, 1, 4, 1);
    initialise(mixer, p, rng, s);
  };
  own(S4dBilinear{}, S4dStart::inv);
  for (int n = 0; n < 4; ++n) CHECK((B[n] == 1 && B_imag[n] == 0));
  own(S4dWithB{}, S4dStart::legs);
  const hippo::Modes legs = hippo::legs_modes(8);
  double whole = 0;
  for (int n = 0; n < 4; ++n) {
    const auto seen = legs.seen(4 + n, hippo::legs_input);
    // Both are sums of 8 products of a unit vector and one of length 8; the compiler may fuse either.
    CHECK(std::abs(B[n] - seen.real()) <= 10 * 8 * 0x1p-52);
    CHECK(std::abs(B_imag[n] - std::min(std::max(seen.imag(), -2.0), 2.0)) <= 10 * 8 * 0x1p-52);
    whole += 2 * std::norm(seen);
  }
  CHECK(std::abs(whole - 64) < 1e-12);                      // the sum of 2 n + 1: V is unitary
}
