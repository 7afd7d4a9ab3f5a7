// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/dynamics.hpp>

#include <algorithm>

namespace lcsm::analysis {

// alpha_ij of one head: [systems, tokens, tokens], 0 above the diagonal. Real numbers unless `complex` (a complex input or output).
struct Coefficients {
  Index tokens = 0, systems = 0;
  bool complex = false;
  std::vector<Number> alpha;

  Coefficients() = default;
  Coefficients(Index t, Index s, bool is_complex) : tokens(t), systems(s), complex(is_complex), alpha(to_size(s * t * t)) {}
  Number& at(Index i, Index j, Index c = 0) { return alpha[to_size((c * tokens + i) * tokens + j)]; }
  const Number& at(Index i, Index j, Index c = 0) const { return alpha[to_size((c * tokens + i) * tokens + j)]; }
};

// From the row of numbers: alpha_ij = phi(q_i^T A_i ... A_{j+1} b_j k_j) / eta_i, products from the write onward, in double. O(T^2 n) per system.
inline Coefficients coefficients(const Dynamics& d) {
  Coefficients out(d.tokens, d.systems, d.whole);
  for (Index c = 0; c < d.systems; ++c) {
    const auto put = [&](Index i, Index j, Number x) { out.at(i, j, c) = d.whole ? x : Number(d.projection * x.real()); };
    for_each_response(d, c, [&](Index i, Index j, const Number* h) { put(i, j, d.reading(i, c, h)); });
    for (Index i = 0; i < d.tokens; ++i) {
      if (d.previous) put(i, i, d.own[to_size(i * d.systems + c)]);
      Number* row = &out.at(i, 0, c);
      const Index from = d.first_of(i);
      std::fill_n(row, from, Number(0));
      for (Index j = from; !d.bias.empty() && j <= i; ++j) row[j] += d.bias[to_size(i * d.tokens + j)];
      double top = d.normaliser == Eta::row_sum ? -HUGE_VAL : 0, sum = 0;      // a softmax does not tell a shift of its row
      for (Index j = from; d.normaliser == Eta::row_sum && j <= i; ++j) top = (std::max)(top, row[j].real());
      if (top == -HUGE_VAL) top = 0;
      for (Index j = from; j <= i; ++j) {
        if (d.phi) row[j] = d.phi(row[j].real() - top);
        sum += row[j].real();
      }
      const double eta = d.normaliser == Eta::quotient ? d.eta[to_size(i * d.systems + c)] : d.normaliser == Eta::row_sum ? (sum == 0 ? 1 : sum)
                       : d.normaliser == Eta::bounded_row_sum ? (std::max)(std::abs(sum), 1.0) : 1.0;
      for (Index j = from; j <= i; ++j) row[j] /= eta;
    }
  }
  return out;
}

// The largest difference of two, and the largest number of the first.
struct Agreement {
  double difference = 0, largest = 0;
  double relative() const { return largest > 0 ? difference / largest : difference; }
};
inline Agreement agreement(const Coefficients& x, const Coefficients& y) {
  Agreement a;
  if (x.tokens != y.tokens || x.systems != y.systems) return {HUGE_VAL, 0};
  for (std::size_t n = 0; n < x.alpha.size(); ++n) {
    const double difference = std::abs(x.alpha[n] - y.alpha[n]);
    if (!(difference <= a.difference)) a.difference = difference;              // a NaN counts
    a.largest = (std::max)(a.largest, std::abs(x.alpha[n]));
  }
  return a;
}

}  // namespace lcsm::analysis
