// SPDX-License-Identifier: MIT
// What the small examples share: random tensors, and whether two results agree.
#pragma once

#include <lcsm/tensor/buffer.hpp>

#include <cmath>
#include <cstdio>
#include <random>

namespace example {

inline lcsm::Buffer<float> random(std::mt19937& rng, lcsm::Index batch, lcsm::Index time, lcsm::Index head, lcsm::Index feature, float scale = 1, float shift = 0) {
  lcsm::Buffer<float> x(batch, time, head, feature);
  std::normal_distribution<float> normal;
  for (float& number : x) number = shift + scale * normal(rng);
  return x;
}

// The largest difference, relative to the largest number of b.
template <class A, class B> double difference(const lcsm::View<A>& a, const lcsm::View<B>& b) {
  double worst = 0, largest = 0;
  for (lcsm::Index n = 0; n < b.batch(); ++n)
    for (lcsm::Index t = 0; t < b.time(); ++t)
      for (lcsm::Index h = 0; h < b.head(); ++h)
        for (lcsm::Index f = 0; f < b.feature(); ++f) {
          const double x = double(b(n, t, h, f)), error = std::abs(double(a(n, t, h, f)) - x);
          if (!(error <= worst)) worst = error;             // a NaN counts
          if (std::abs(x) > largest) largest = std::abs(x);
        }
  return largest > 0 ? worst / largest : worst;
}

// Prints a line; true if the results agree within what docs/accuracy.md promises of float at most.
template <class A, class B> bool agree(const char* what, const lcsm::View<A>& a, const lcsm::View<B>& b) {
  const double d = difference(a, b);
  const bool good = d <= 1e-4;
  std::printf("  %-44s %.1e%s\n", what, d, good ? "" : "   DISAGREES");
  return good;
}

}  // namespace example
