// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/spectrum.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// Second principle, selectivity: the set of keys that a query can leave out. Under a linear phi alpha_ij = 0 only where q_i is orthogonal to h_i^(j), so one query zeroes at most rank - 1
// independent keys exactly; exp and sigmoid never reach 0; ReLU has half a space of zeros. What all queries leave out is done by b_j = 0 or by an eigenvalue 0 of A_t. Under a real part
// of complex numbers h counts as 2 n real ones, or as its real part where queries are real.
struct Selectivity {
  Index keys = 0, key_rank = 0;                             // the keys that the last token sees, and the rank of their h
  Index zeroed = 0;                                         // how many of them the best query leaves out without leaving out all
  double zero_share = 0;                                    // of |alpha_ij| <= `threshold` times the largest of the row, j <= i
  double sign_changes = 0;                                  // along a row, on average
  double negative_share = 0;
  double effective_rank = 0;                                // of alpha
  Index block_rank = 0;                                     // of the later half's rows over the earlier half's columns, what passes from past to future: at most n under a linear phi, 2 n with a real part
  double block_effective_rank = 0;
  double gate_low = 1, gate_high = 1;                       // |A_t|'s diagonal, from the second token on
  double scale_low = 1, scale_high = 1;                     // b_j
};

// Of system c. threshold: what counts as zero, as a part of the row's largest.
inline Selectivity selectivity(const Dynamics& d, const Coefficients& alpha, Index c = 0, double threshold = 1e-12) {
  Selectivity s;
  const Index T = d.tokens;
  if (T == 0 || d.width == 0) return s;
  const Index last = T - 1, from = d.first_of(last);
  s.keys = T - from - (d.previous ? 1 : 0);
  bool real_query = true;
  for (Index a = 0; a < d.width; ++a) real_query = real_query && d.read[d.at(last, c) + to_size(a)].imag() == 0;
  const bool stacked = d.complex && !d.whole && !real_query;
  Matrix h = Matrix::Zero(d.width * (stacked ? 2 : 1), std::max<Index>(s.keys, 0));
  for_each_response(d, c, [&](Index i, Index j, const Number* x) {
    if (i != last || j < from || j - from >= s.keys) return;
    for (Index a = 0; a < d.width; ++a) {
      h(a, j - from) = d.whole ? x[a] : Number(x[a].real());
      if (stacked) h(d.width + a, j - from) = -x[a].imag();
    }
    h.col(j - from).normalize();
  });
  if (s.keys > 0) {
    Matrix directions = h;
    const std::vector<double> left = orthonormalise(directions, true);
    s.key_rank = Index(std::count_if(left.begin(), left.end(), [](double x) { return x > 0; }));
    if (!d.phi && s.key_rank > 1) {                         // orthogonal to all pivots but the last; the query is its conjugate
      const Eigen::VectorXcd q = directions.col(s.key_rank - 1);
      for (Index j = 0; j < s.keys; ++j) s.zeroed += std::abs(q.dot(h.col(j))) <= 1e-10;
    } else if (d.phi && d.phi(-1) == 0) s.zeroed = s.keys - 1;
  }
  Index pairs = 0, zeros = 0, changes = 0, negative = 0;
  for (Index i = 0; i < T; ++i) {
    double largest = 0, sign = 0;
    for (Index j = d.first_of(i); j <= i; ++j) largest = (std::max)(largest, std::abs(alpha.at(i, j, c)));
    for (Index j = d.first_of(i); j <= i; ++j) {
      const double x = alpha.at(i, j, c).real();
      ++pairs, zeros += std::abs(alpha.at(i, j, c)) <= threshold * largest, negative += x < 0;
      if (x == 0) continue;
      changes += sign * x < 0, sign = x;
    }
  }
  s.zero_share = double(zeros) / double(pairs), s.negative_share = double(negative) / double(pairs), s.sign_changes = double(changes) / double(T);
  s.effective_rank = effective_rank(singular_values(block(alpha, c, 0, 0, T, T)));
  const std::vector<double> passed = singular_values(block(alpha, c, T / 2, 0, T - T / 2, T / 2));
  s.block_rank = rank(passed), s.block_effective_rank = effective_rank(passed);
  s.scale_low = s.gate_low = HUGE_VAL, s.scale_high = s.gate_high = 0;
  for (Index t = 0; t < T; ++t) {
    s.scale_low = (std::min)(s.scale_low, d.scale[to_size(t * d.systems + c)]), s.scale_high = (std::max)(s.scale_high, d.scale[to_size(t * d.systems + c)]);
    for (Index a = 0; t > 0 && a < d.width; ++a) {
      const double gate = d.shifts ? 1 : std::abs(d.decay[d.at(t, c) + to_size(a)]);
      s.gate_low = (std::min)(s.gate_low, gate), s.gate_high = (std::max)(s.gate_high, gate);
    }
  }
  if (s.gate_low > s.gate_high) s.gate_low = s.gate_high = 1;
  return s;
}
inline std::string line(const Selectivity& s) {
  return "selectivity: a query zeroes " + text(s.zeroed) + " of " + text(s.keys) + " keys (rank " + text(s.key_rank) + "); zeros " + percent(s.zero_share) + ", negative " + percent(s.negative_share) +
         ", sign changes " + text(s.sign_changes) + " a row, effective rank " + text(s.effective_rank) + ", from past to future " + text(s.block_effective_rank) + " (rank " + text(s.block_rank) + "), gates " + text(s.gate_low) + " to " + text(s.gate_high) +
         ", b " + text(s.scale_low) + " to " + text(s.scale_high);
}

}  // namespace lcsm::analysis
