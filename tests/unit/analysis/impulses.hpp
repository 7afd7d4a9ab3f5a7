// SPDX-License-Identifier: MIT
#pragma once

#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/analysis/impulse.hpp>

#include <limits>

// alpha from the row of numbers against impulses through the public recurrent mode, for any mixer, within a derived bound.
namespace lcsm::test {

// Every number replaced by its size: its coefficients are the sums of the absolute values of their terms.
inline analysis::Dynamics sizes_of_terms(analysis::Dynamics d) {
  for (auto* x : {&d.decay, &d.stored_decay, &d.write, &d.read, &d.own, &d.erase})
    for (analysis::Number& z : *x) z = std::abs(z);
  for (analysis::Number& z : d.correct) z = -std::abs(z);
  d.eta.clear(), d.normaliser = analysis::Eta::one, d.projection = std::abs(d.projection);
  return d;
}

// A coefficient is a sum of products of at most (i - j + 1) transitions, a write and a read. A transition of n entries rounds n + 2 times (the sum of a coupling, its products, the
// difference), and each of its numbers comes out of two evaluations of the mixer's maps that may be off by 8 roundings each (exp of a log of a size up to 4, sines); the read rounds
// n times. A quotient's divisor is a sum of the row's coefficients, so it is off by the sum of their bounds.
inline void check_agreement(const char* name, const analysis::Dynamics& d, const analysis::Coefficients& expected, const analysis::Coefficients& by_impulse) {
  INFO(name);
  REQUIRE(expected.tokens == by_impulse.tokens);
  REQUIRE(expected.systems == by_impulse.systems);
  const analysis::Coefficients size = analysis::coefficients(sizes_of_terms(d));
  constexpr double eps = std::numeric_limits<double>::epsilon();
  double largest = 0;
  for (Index c = 0; c < expected.systems; ++c)
    for (Index i = 0; i < d.tokens; ++i) {
      const double eta = d.eta.empty() ? 1 : std::abs(d.eta[to_size(i * d.systems + c)]);
      double row = 0;
      const auto bound = [&](Index j) { return eps * double((i - j + 2) * (d.width + 18)) * std::abs(size.at(i, j, c)); };
      for (Index j = 0; j <= i && !d.eta.empty(); ++j) row += bound(j);
      for (Index j = 0; j < d.tokens; ++j) {
        const double error = std::abs(expected.at(i, j, c) - by_impulse.at(i, j, c)), allowed = j > i ? 0 : (bound(j) + std::abs(expected.at(i, j, c)) * row) / eta;
        if (!(error <= allowed)) FAIL("alpha[" << i << "," << j << "] of channel " << c << ": " << expected.at(i, j, c) << " against " << by_impulse.at(i, j, c) << ", allowed " << allowed);
        largest = std::max(largest, std::abs(expected.at(i, j, c)));
      }
    }
  CHECK(largest > 1e-6);                                    // zeros agree with anything
}

template <class M> void check_impulses(const char* name, std::uint64_t seed, const Shape& n = {.batch = 2, .tokens = 9, .heads = 2, .keys = 4, .values = 3}) {
  INFO(name);
  Random random(seed);
  const RandomInputs<M, double> inputs(n, {.broadcast = false, .groups = false}, random);
  const analysis::Which which{.batch = 1, .head = 1, .values = n.values};
  const analysis::Dynamics d = analysis::dynamics(M{}, inputs.in, which);
  check_agreement(name, d, analysis::coefficients(d), analysis::coefficients_by_impulse(M{}, inputs.in, which));
}

}  // namespace lcsm::test
