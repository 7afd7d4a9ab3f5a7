// SPDX-License-Identifier: MIT
// What ties write where the oscillation has a sign, against a plain loop.
#include <lcsm/mode/reference.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <complex>

using namespace lcsm;

namespace {

struct Still : Mixer<Stage<Tied<tie::MinusOne>>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {};
struct Turned : Mixer<Stage<Tied<tie::MinusOne>>, Stage<LogTerm<Data<in::g, Axes::key, map::LogAbs>>, SignTerm<Data<in::g, Axes::key, map::Sign>>, PhaseTerm<Data<in::phase>>>, shrink::Data<>, project::Complex> {};
struct Open : Mixer<Stage<Tied<tie::Complement>>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {};
struct Kept : Mixer<Stage<Tied<tie::VariancePreserving>>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {};
template <class V> struct In { View<V> q{}, g{}, phase{}, v{}; };

constexpr Index L = 7, K = 2;
struct Numbers {
  Buffer<double> q{1, L, 1, K}, g{1, L, 1, K}, phase{1, L, 1, K}, v{1, L, 1, 1};
  Numbers() {
    for (Index n = 0; n < L * K; ++n) q[n] = 0.3 * double(n % 5) - 0.7, g[n] = (n % 3 == 0 ? -1 : 1) * (1 - 0.13 * double(n % 7)), phase[n] = 0.4 * double(n) - 2;
    for (Index t = 0; t < L; ++t) v[t] = std::cos(double(t));
    g[3] = -1e-9, g[5] = 1 - 1e-12;
  }
  In<const double> in() const { return {q.view(), g.view(), phase.view(), v.view()}; }
};

// sum over keys of q m, m = o m + write(o) v.
template <class Write> void check(const Numbers& x, const Buffer<double>& y, Index parts, bool turns, Write&& write) {
  std::array<std::complex<double>, K> m{};
  for (Index t = 0; t < L; ++t) {
    std::complex<double> sum = 0;
    for (Index a = 0; a < K; ++a) {
      const Index n = t * K + a;
      const std::complex<double> o = x.g[n] * std::polar(1.0, turns ? x.phase[n] : 0.0);
      m[to_size(a)] = o * m[to_size(a)] + write(o) * x.v[t], sum += x.q[n] * m[to_size(a)];
    }
    CHECK(std::abs(y[t * parts] - sum.real()) <= 1e-14);
    if (parts == 2) CHECK(std::abs(y[t * parts + 1] - sum.imag()) <= 1e-14);
  }
}

}  // namespace

TEST_CASE("ties see the sign of the oscillation, or its size, as they say", "[stage]") {
  const Numbers x;
  Buffer<double> y(1, L, 1, 1), two(1, L, 1, 2);
  using C = std::complex<double>;
  reference(Still{}, x.in(), y.view()), check(x, y, 1, false, [](C o) { return o - 1.0; });
  reference(Turned{}, x.in(), two.view()), check(x, two, 2, true, [](C o) { return o - 1.0; });
  reference(Open{}, x.in(), y.view()), check(x, y, 1, false, [](C o) { return C(1 - std::abs(o)); });
  reference(Kept{}, x.in(), y.view()), check(x, y, 1, false, [](C o) { return C(std::sqrt(1 - std::norm(o))); });
}
