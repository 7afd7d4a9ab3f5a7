// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/view.hpp>

#include <cmath>
#include <numbers>
#include <random>

// What published initialisations are made of. An initialisation is a function
//
//     initialise(Model{}, Model::In<double>{... views of the parameters ...}, [rng,] ...)
//
// that fills the parameters among the members of In through their views (any strides); streams are left alone, and a parameter without data
// is skipped. Numbers come from the caller's generator by formulas that are the same with every standard library.
namespace lcsm::init {

using Generator = std::mt19937_64;

// In [low, high).
inline double uniform(Generator& rng, double low = 0, double high = 1) {
  return low + (high - low) * (double(rng() >> 11) * 0x1p-53);
}
inline double log_uniform(Generator& rng, double low, double high) { return std::exp(uniform(rng, std::log(low), std::log(high))); }
inline double normal(Generator& rng, double deviation = 1) {
  const double u = 1 - uniform(rng), v = uniform(rng);                           // u > 0
  return deviation * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}
// Drawn again until it is within two deviations of its own, and scaled so that `deviation` is what is left (JAX's truncated normal).
inline double truncated_normal(Generator& rng, double deviation = 1) {
  double x = normal(rng);
  while (std::abs(x) > 2) x = normal(rng);
  return deviation / 0.87962566103423978 * x;
}
inline double inverse_softplus(double x) { return x + std::log(-std::expm1(-x)); }

// view[., ., h, r, f] = f(h, r, f), in order.
template <class F> void fill(const View<double>& v, F&& f) {
  if (!v) return;
  for (Index h = 0; h < v.head(); ++h)
    for (Index r = 0; r < v.row(); ++r)
      for (Index c = 0; c < v.feature(); ++c) v.at(0, 0, h, r, c) = f(h, r, c);
}

}  // namespace lcsm::init
