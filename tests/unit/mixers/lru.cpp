// SPDX-License-Identifier: MIT
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/rglru.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("the whole LRU", "[mixers]") {
  for_each_case("lru", [](Against& at) {
    const auto want = at("out", "y", "btf"), u = at("in", "u", "btf"), nu = at("par", "nu_log", "f");
    const LruMaps<const double> maps{.B = at("par", "B", "rfn", 0),
                                     .B_imag = at("par", "B", "rfn", 1),
                                     .C = at("par", "C", "rfn", 0),
                                     .C_imag = at("par", "C", "rfn", 1),
                                     .D = at("par", "D", "rf")};
    const Index N = nu.feature();
    Buffer<double> x(u.batch(), u.time(), 1, N), x_imag(x), m(u.batch(), u.time(), 1, 2 * N), y(u.batch(), u.time(), 1, want.feature());
    lru_input(maps, u, x.view(), x_imag.view());
    reference(
        Lru{},
        Lru::In<const double>{
            .x = x, .x_imag = x_imag, .nu_log = nu, .theta_log = at("par", "theta_log", "f"), .gamma_log = at("par", "gamma_log", "f")},
        m.view());
    lru_output(maps, m.view(), u, y.view());
    close(y, want);
  });
}

TEST_CASE("the LRU starts on its ring", "[mixers]") {
  init::Generator rng(1);
  constexpr Index N = 4000;
  Buffer<double> nu(N), theta(N), gamma(N);
  initialise(Lru{}, {.nu_log = nu, .theta_log = theta, .gamma_log = gamma}, rng, 0.4, 0.9, 3);
  double mean = 0;
  for (Index n = 0; n < N; ++n) {
    const double size = std::exp(-std::exp(nu[n])), angle = std::exp(theta[n]);
    CHECK((size >= 0.4 - 1e-15 && size <= 0.9 + 1e-15 && angle > 0 && angle <= 3 + 1e-14));
    CHECK(std::abs(std::exp(2 * gamma[n]) - (1 - size * size)) < 1e-14);
    mean += size * size / N;
  }
  // |lambda|^2 is uniform in [0.16, 0.81]: mean 0.485, deviation 0.188; five deviations of the mean.
  CHECK(std::abs(mean - 0.485) < 5 * 0.188 / std::sqrt(double(N)));
}

TEST_CASE("RG-LRU", "[mixers]") {
  for_each_case("rglru", [](Against& at) {
    const auto want = at("out", "y", "btf"), x = at("in", "x", "btf");
    // The gates are the layer's: block-diagonal maps of x.
    const auto gate = [&](const char* name) {
      const auto w = at("par", std::string(name) + "_weight", "hrf"), b = at("par", std::string(name) + "_bias", "hf");
      Buffer<double> out(x.batch(), x.time(), 1, x.feature());
      for (Index n = 0; n < x.batch(); ++n)
        for (Index t = 0; t < x.time(); ++t)
          for (Index h = 0; h < w.head(); ++h)
            for (Index o = 0; o < w.feature(); ++o) {
              double sum = b.at(0, 0, h, 0, o);
              for (Index i = 0; i < w.row(); ++i) sum += x(n, t, 0, h * w.row() + i) * w.at(0, 0, h, i, o);
              out.view()(n, t, 0, h * w.feature() + o) = sum;
            }
      return out;
    };
    const Buffer<double> r = gate("recurrent_gate"), i = gate("input_gate");
    State<RgLru, double> state(want.batch(), 1, 1, want.feature());
    if (at.has("s0", "h0")) copy(at("s0", "h0", "bf"), state.view().m);
    for (Index n = 0; n < want.batch(); ++n) state.view().position.at(n, 0, 0, 0, 0) = at.golden.size("start");
    run<RgLru>(RgLru::In<const double>{.x = x, .recurrent_gate = r, .input_gate = i, .recurrent_param = at("par", "recurrent_param", "f")},
               want, state, true);
    if (at.golden.size("start") > 0) {                       // nothing to reset
      State<RgLruUnreset, double> kept(want.batch(), 1, 1, want.feature());
      copy(at("s0", "h0", "bf"), kept.view().m);
      run<RgLruUnreset>(
          RgLruUnreset::In<const double>{
              .x = x, .recurrent_gate = r, .input_gate = i, .recurrent_param = at("par", "recurrent_param", "f")},
          want, kept, true);
    }
    close(state.view().m, at("s1", "h", "bf"));
    CHECK(state.view().position.at(0, 0, 0, 0, 0) == at.golden.size("start") + want.time());
  });
}

TEST_CASE("RG-LRU's published start", "[mixers]") {
  init::Generator rng(5);
  Buffer<double> parameter(100);
  initialise(RgLru{}, {.recurrent_param = parameter}, rng);
  for (double p : parameter) {
    const double radius = std::exp(-std::log1p(std::exp(p)));
    CHECK((radius > 0.9 - 1e-8 && radius < 0.999 + 1e-8));
  }
}
