// SPDX-License-Identifier: MIT
#pragma once

#include "support/arrange.hpp"
#include "support/catch.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/reference.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace lcsm::test {

using Numbers = std::vector<double>;

// A memory with its transition written out, as the papers have it: m <- A m + e i^T with A a K x K matrix, y = m^T s.
class DenseMemory {
 public:
  DenseMemory(Index keys, Index values) : K_(keys), D_(values), m_(to_size(keys * values)) {}
  template <class Transition> void step(Transition&& A, const Numbers& e, const double* i) {
    Numbers next(m_.size());
    for (Index a = 0; a < K_; ++a)
      for (Index c = 0; c < D_; ++c) {
        double sum = e[to_size(a)] * i[c];
        for (Index b = 0; b < K_; ++b) sum += A(to_size(a), to_size(b)) * m_[to_size(b * D_ + c)];
        next[to_size(a * D_ + c)] = sum;
      }
    m_ = next;
  }
  double read(const Numbers& s, Index c) const {
    double sum = 0;
    for (Index a = 0; a < K_; ++a) sum += s[to_size(a)] * m_[to_size(a * D_ + c)];
    return sum;
  }

 private:
  Index K_, D_;
  Numbers m_;
};

// A contraction forgets errors no slower than the memory. A step adds K products to three sums (erase, dense transition, read) on either
// side, each number rounded to eps / 2, and up to 16 operations of its maps, of 2 eps each; chunks of 8 add three sums over at
// most 8 tokens.
inline double step_errors(Index tokens, Index keys) {
  return double(tokens) * double(3 * keys + 44) * std::numeric_limits<double>::epsilon();
}

inline double unit(std::size_t a, std::size_t b) { return a == b ? 1 : 0; }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus(double x) { return std::log1p(std::exp(x)); }
inline Numbers scaled(Numbers x, double by) {
  for (double& v : x) v *= by;
  return x;
}
inline double square(const Numbers& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}
inline Numbers l2(const Numbers& x) { return scaled(x, 1 / std::sqrt(square(x) + 1e-6)); }

// Streams of one sequence, [T, H, width], and what they hold of a token.
struct Stream {
  Index tokens, heads, width;
  Numbers x;

  Stream(init::Generator& rng, Index t, Index h, Index w, double deviation = 1) : tokens(t), heads(h), width(w), x(to_size(t * h * w)) {
    for (double& v : x) v = init::normal(rng, deviation);
  }
  const double* at(Index t, Index h) const { return x.data() + (t * heads + h) * width; }
  Numbers row(Index t, Index h) const { return {at(t, h), at(t, h) + width}; }
  View<const double> view() const { return lcsm::view(x.data(), 1, tokens, heads, width); }
  View<const double> parameter() const { return lcsm::parameter(x.data(), heads, 1, width); }        // of one token: [H, width]
};

// The mixer's definition and its form in chunks (of 8 tokens) against a loop that fills want(t, h, c).
template <class M, class In, class Want> void agrees(const In& in, Index tokens, Index heads, Index keys, Index values, Want&& want) {
  Buffer<double> expected(1, tokens, heads, values), y(1, tokens, heads, values);
  want(expected.view());
  reference(M{}, in, y.view());
  CHECK(relative_error(std::as_const(y).view(), std::as_const(expected).view()) < step_errors(tokens, keys));
  y.fill(0);
  Options<double> options;
  options.tuning.chunk = 8;
  chunkwise(exec::seq, M{}, in, y.view(), options);
  CHECK(relative_error(std::as_const(y).view(), std::as_const(expected).view()) < step_errors(tokens, keys));
}

}  // namespace lcsm::test
