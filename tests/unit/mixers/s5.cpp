// SPDX-License-Identifier: MIT
#include <lcsm/mixers/s5.hpp>

#include "unit/mixers/against_golden.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/mimo.hpp>

#include <cmath>
#include <complex>

using namespace lcsm;
using namespace lcsm::test;

namespace {
using Z = std::complex<double>;

// The whole layer against a file: with time and input axes `stream`, factor 2 or not.
template <class Projection> void layer(Against& at, const char* stream) {
  const auto want = at("out", "y", stream), u = at("in", "u", stream), D = at("par", "D", "f");
  const MimoMaps<const double> maps{.B = at("par", "B", "rfn", 0), .B_imag = at("par", "B", "rfn", 1), .C = at("par", "C", "rfn", 0), .C_imag = at("par", "C", "rfn", 1), .D = D};
  const S5::In<const double> in{.log_step = at("par", "log_step", "f"), .lambda = at("par", "Lambda", "fn", 0), .lambda_imag = at("par", "Lambda", "fn", 1)};
  const bool from = at.has("s0", "x");
  const auto with = [&]<class M>(M) {
    Buffer<double> y(want.batch(), want.time(), 1, want.feature());
    State<M, double> state(want.batch(), 1, 1, maps.B.row());
    Options<double> options;
    if (from) copy(at("s0", "x", "bfn", 0), state.view().m), copy(at("s0", "x", "bfn", 1), state.view().m_imag), options.initial = state.view();
    if (maps.C.feature() == maps.B.row()) options.final = state;
    mimo<Projection>(exec::seq, M{}, in, maps, u, y.view(), options);
    close(y, want);
    if (at.has("s1", "x")) close(state.view().m, at("s1", "x", "bfn", 0)), close(state.view().m_imag, at("s1", "x", "bfn", 1));
  };
  if (at.golden.text("disc") == "zoh") with(S5{}); else with(S5Bilinear{});
}
}  // namespace

TEST_CASE("the whole S5, of both public codes", "[mixers]") {
  for_each_case("s5", [](Against& at) { layer<project::Real>(at, "btf"); });
  for_each_case("s5_jax", [](Against& at) {
    if (at.golden.flag("conj_sym")) layer<project::TwiceReal>(at, "tf"); else layer<project::Real>(at, "tf");
  });
}

TEST_CASE("S5 clips real parts at -1e-4", "[mixers]") {
  constexpr Index P = 5, T = 9;
  Buffer<double> x(1, T, 1, P), x_imag(x), step(P), lambda(P), clipped(P), imag(P), y(1, T, 1, 2 * P), z(y);
  init::Generator rng(3);
  for (Buffer<double>* numbers : {&x, &x_imag, &lambda, &imag})
    for (double& v : *numbers) v = init::normal(rng);
  lambda[2] = -1e-5;
  for (Index n = 0; n < P; ++n) step[n] = -2, clipped[n] = std::min(lambda[n], -1e-4);
  const auto alike = [&]<class M, class Plain>(M, Plain) {
    reference(M{}, typename M::template In<const double>{.x = x, .x_imag = x_imag, .log_step = step, .lambda = lambda, .lambda_imag = imag}, y.view());
    reference(Plain{}, typename Plain::template In<const double>{.x = x, .x_imag = x_imag, .log_step = step, .lambda = clipped, .lambda_imag = imag}, z.view());
    bool same = true;
    for (Index n = 0; n < y.size(); ++n) same = same && y[n] == z[n];
    CHECK(same);
  };
  alike(S5Clipped{}, S5{});
  alike(S5BilinearClipped{}, S5Bilinear{});
}

TEST_CASE("S5 starts from blocks of HiPPO-N", "[mixers]") {
  constexpr Index P = 8, H = 400;
  init::Generator rng(8);
  Buffer<double> step(P), lambda(P), imag(P), B(1, 1, 1, P, H), B_imag(B), C(1, 1, 1, H, 2 * P), C_imag(C);
  const S5::In<double> core{.x = {}, .x_imag = {}, .log_step = step, .lambda = lambda, .lambda_imag = imag};
  const S5Maps<double> maps{B, B_imag, C, C_imag};
  const auto mean_square = [](const Buffer<double>& re, const Buffer<double>& im) {
    double sum = 0;
    for (Index n = 0; n < re.size(); ++n) sum += re[n] * re[n] + im[n] * im[n];
    return sum / double(re.size());
  };
  // One of each pair: two blocks of size 8, the negative halves of them.
  initialise(S5{}, core, maps, rng, 2);
  const hippo::Modes eight = hippo::legs_modes(8);
  for (Index n = 0; n < P; ++n) {
    CHECK((lambda[n] == -0.5 && imag[n] == eight.imag[to_size(n % 4)] && imag[n] < 0));
    CHECK((step[n] >= std::log(1e-3) && step[n] < std::log(1e-1)));
  }
  // V is unitary: |V^* x|^2 has the mean of x^2, 1 / 16; |c V|^2 that of both parts of c, 2 / 16. The mean of n numbers whose squares have a
  // relative deviation below 1.5 is within five of its own deviations.
  CHECK(std::abs(mean_square(B, B_imag) * 16 - 1) < 5 * 1.5 / std::sqrt(double(B.size())));
  CHECK(std::abs(mean_square(C, C_imag) * 16 - 2) < 2 * 5 * 1.5 / std::sqrt(double(C.size())));
  initialise(S5{}, core, maps, rng, 2, true, S5Read::lecun);
  CHECK(std::abs(mean_square(C, C_imag) * 16 * double(H) - 2) < 2 * 5 * 1.5 / std::sqrt(double(C.size())));
  initialise(S5{}, core, maps, rng, 2, true, S5Read::complex);
  CHECK(std::abs(mean_square(C, C_imag) - 1) < 5 * 1.5 / std::sqrt(double(C.size())));
  // All of them: one block of size 8, and V takes B back to real numbers.
  initialise(S5{}, core, maps, rng, 1, false);
  for (Index n = 0; n < P; ++n) CHECK(imag[n] == eight.imag[to_size(n)]);
  double largest = 0;
  for (Index c = 0; c < H; ++c)
    for (Index r = 0; r < P; ++r) {
      Z sum = 0;
      for (Index j = 0; j < P; ++j) sum += eight.vector(j)[r] * Z(B.view().at(0, 0, 0, j, c), B_imag.view().at(0, 0, 0, j, c));
      largest = std::max(largest, std::abs(sum.imag()));
    }
  CHECK(largest < 1e-14);
  CHECK_THROWS_AS(initialise(S5{}, core, maps, rng, 3), ShapeError);
}
