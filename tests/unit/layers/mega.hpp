// SPDX-License-Identifier: MIT
#pragma once

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "support/mega_parameters.hpp"
#include "support/random_mixers.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

namespace lcsm::test {

// A random layer, whatever its memory.
struct MegaLayer {
  Index batch, time, D, Z, E, N;
  std::deque<Buffer<double>> numbers;
  MegaLayerParameters<const double> p;
  MegaLayerParameters<double> own, grads;
  Buffer<double> x, y_bar;
  MegaLayer(Random& random, Index most) : batch(random.between(1, 2)), time(random.below(most)), D(random.between(1, 4)), Z(random.between(1, 3)), E(random.between(1, 4)), N(2), x(batch, time, 1, D), y_bar(batch, time, 1, D) {
    const auto fill = [&](View<const double>& to, View<double>& mine, View<double>& grad, Index rows, Index columns) {
      Buffer<double>& b = numbers.emplace_back(1, 1, 1, rows, columns);
      for (double& v : b) v = random.uniform(-1, 1);
      mine = b.view(), to = std::as_const(b).view();
      numbers.emplace_back(1, 1, 1, rows, columns).fill(77), grad = numbers.back().view();
    };
    std::vector<std::pair<Index, Index>> shapes{{N, D}, {N, D}, {N, D}, {N, D}, {1, D}, {1, D}, {1, D}, {E, D}, {1, E}, {2 * D + Z + E, D}, {1, 2 * D + Z + E}, {2, Z}, {2, Z}, {D, E}, {1, D}, {1, 7}};
    std::vector<View<const double>*> to;
    std::vector<View<double>*> mine, grad;
    p.each([&](const char*, View<const double>& v, const char*) { to.push_back(&v); });
    own.each([&](const char*, View<double>& v, const char*) { mine.push_back(&v); });
    grads.each([&](const char*, View<double>& v, const char*) { grad.push_back(&v); });
    for (std::size_t n = 0; n < shapes.size(); ++n) fill(*to[n], *mine[n], *grad[n], shapes[n].first, shapes[n].second);
    for (Buffer<double>* v : {&x, &y_bar})
      for (double& n : *v) n = random.uniform(-1, 1);
  }
};

// The largest |a - b|; infinite if any is no number.
inline double largest_difference(const Buffer<double>& a, const Buffer<double>& b) {
  double off = 0;
  for (Index n = 0; n < a.size(); ++n) off = std::isnan(a[n] - b[n]) ? INFINITY : std::max(off, std::abs(a[n] - b[n]));
  return off;
}
// Gradients against central differences of a loss by each of `numbers`.
template <class Loss> void check_slopes(const char* name, double* numbers, const double* given, Index size, double tolerance, Loss&& loss) {
  INFO(name);
  double off = 0, largest = 1;
  for (Index n = 0; n < size; ++n) {
    const double want = central_difference(numbers[n], loss), d = std::abs(given[n] - want);
    largest = std::max(largest, std::abs(want)), off = std::isnan(d) ? INFINITY : std::max(off, d);
  }
  CHECK(off <= tolerance * largest);
}
// The same of the first `count` parameters of a layer.
template <class Loss> void check_parameter_slopes(MegaLayer& layer, double tolerance, Loss&& loss, std::size_t count = 16) {
  std::vector<View<double>> grads;
  layer.grads.each([&](const char*, View<double>& v, const char*) { grads.push_back(v); });
  std::size_t n = 0;
  layer.own.each([&](const char* name, View<double>& v, const char*) {
    if (n < count) check_slopes(name, v.data, grads[n].data, v.row() * v.feature(), tolerance, loss);
    ++n;
  });
}

}  // namespace lcsm::test
