// SPDX-License-Identifier: MIT
// First-order recurrences of every small length, both directions, real and complex.
#include "mixers.hpp"

#include <lcsm/mixers/gateloop.hpp>

#include <complex>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// h_t = a_t h_{t-1} + b_t with a_t = exp(g_t + i phase_t), both parts read.
struct ComplexFirstOrder : Mixer<expand::One, oscillation::Polar<Axes::value, map::Identity>, shrink::One, Input<Data<in::b, Axes::value>>, project::Complex> {
  template <class T> struct In { View<T> g{}, phase{}, b{}; };
};

}  // namespace

TEMPLATE_TEST_CASE("odd lengths in both directions", "[cases][scan_01]", float, double) {
  using T = TestType;
  const Case file(case_path("scan_01"));
  const Numbers<T> a(file.in("a"), "bthf"), b(file.in("b"), "bthf"), whole(file.in("b_int"), "bthf");
  const T one = 1;
  const View<const T> ones(&one, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0});
  Problem p{.batch = 2, .heads = 1, .keys = 1, .values = 2, .chunks = {1, 2, 4, 16, 64}};
  for (const Index length : {1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33})
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
      const bool reverse = direction == Direction::reverse;
      INFO("length " << length << (reverse ? ", reversed" : ""));
      p.tokens = length, p.direction = direction;
      const std::string name = reverse ? "rev_L" + std::to_string(length) : "fwd_L33";
      const Array right = file.out(name), sums = file.out("sum_" + name);
      every_way<FirstOrder, T>(tokens_of<FirstOrder>(FirstOrder::In<const T>{.a = a.view(), .b = b.view()}, 0, length), p, [&](const Outcome& x) {
        const View<const double> want = arrange(right, "bthf").tokens(0, length);
        agrees(x.y, want, 5e-6 * (std::is_same_v<T, float> ? 1 : 0x1p-29));
        agrees(x.m, want.tokens(reverse ? 0 : length - 1, 1), 5e-6 * (std::is_same_v<T, float> ? 1 : 0x1p-29));
      });
      every_way<FirstOrder, T>(FirstOrder::In<const T>{.a = ones, .b = whole.view().tokens(0, length)}, p,
                               [&](const Outcome& x) { agrees(x.y, arrange(sums, "bthf").tokens(0, length), 0); });
    }
}

TEMPLATE_TEST_CASE("combining does not commute", "[cases][scan_02]", float, double) {
  using T = TestType;
  const Case file(case_path("scan_02"));
  const Numbers<T> a(file.in("a"), "bthf"), b(file.in("b"), "bthf");
  const Array h0 = file.in("h0"), forward = file.out("h"), backward = file.out("h_rev"), re = file.out("hc_re"), im = file.out("hc_im");
  Problem p{.batch = 1, .tokens = 11, .heads = 1, .keys = 1, .values = 2, .chunks = {1, 2, 4, 64}};
  const FirstOrder::In<const T> in{.a = a.view(), .b = b.view()};
  p.direction = Direction::reverse;
  every_way<FirstOrder, T>(in, p, [&](const Outcome& x) { agrees(x.y, arrange(backward, "bthf"), tolerance<T>(file)); });
  p.direction = Direction::forward, p.initial = arrange(h0, "bhf");
  every_way<FirstOrder, T>(in, p, [&](const Outcome& x) { agrees(x.y, arrange(forward, "bthf"), tolerance<T>(file)); });

  // Complex, from nothing; and, by the plain loop, from a state at either end.
  const Array a_re = file.in("ca_re"), a_im = file.in("ca_im");
  std::vector<std::complex<double>> c(22);
  Buffer<T> log(1, 11, 1, 2), phase(1, 11, 1, 2);
  for (std::size_t n = 0; n < 22; ++n) {
    c[n] = {a_re[n], a_im[n]};
    log[Index(n)] = static_cast<T>(std::log(std::abs(c[n]))), phase[Index(n)] = static_cast<T>(std::arg(c[n]));
  }
  const ComplexFirstOrder::In<const T> turning{.g = log, .phase = phase, .b = b.view()};
  p.initial = {};
  every_way<ComplexFirstOrder, T>(turning, p, [&](const Outcome& x) {
    agrees(x.y.view().features(0, 2), arrange(re, "bthf"), tolerance<T>(file));
    agrees(x.y.view().features(2, 2), arrange(im, "bthf"), tolerance<T>(file));
    agrees(x.m, arrange(re, "bthf").tokens(10, 1), tolerance<T>(file));
    agrees(x.m_imag, arrange(im, "bthf").tokens(10, 1), tolerance<T>(file));
  });
  p.initial = arrange(h0, "bhf");
  for (const Direction direction : {Direction::forward, Direction::reverse}) {
    p.direction = direction;
    Buffer<double> right(1, 11, 1, 4);
    for (Index d = 0; d < 2; ++d) {
      std::complex<double> h = h0[to_size(d)];
      for (Index j = 0; j < 11; ++j) {
        const Index t = direction == Direction::reverse ? 10 - j : j;
        h = c[to_size(2 * t + d)] * h + double(b.view()(0, t, 0, d));
        right.view()(0, t, 0, d) = h.real(), right.view()(0, t, 0, 2 + d) = h.imag();
      }
    }
    every_way<ComplexFirstOrder, T>(turning, p, [&](const Outcome& x) { agrees(x.y, right, tolerance<T>(file)); });
  }
}
