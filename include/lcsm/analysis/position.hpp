// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/coefficients.hpp>
#include <lcsm/analysis/text.hpp>

#include <numeric>
#include <random>

namespace lcsm::analysis {

// Third principle, position: with A_t = I a coefficient depends on the query and the key alone, and the order of the past is not seen; any other A tells it. A statement of one layer.
struct Position {
  double permutation = 0;                                   // how much the last output changes when all earlier tokens are shuffled, relative, for white values
  std::vector<double> response;                             // mean |alpha_{i,i-l}| over i, for every lag l
  double variation = 0;                                     // of a coefficient at a lag, around its mean over i, relative; 0: Toeplitz
  bool sees_order = false;
};

// The first tokens but the last of them in another order, for Which::order; of a sequence of `all` tokens (0: no more than these). The same with every standard library.
inline std::vector<Index> shuffled_past(Index tokens, Index all = 0, std::uint64_t seed = 1) {
  std::vector<Index> order(to_size((std::max)(tokens, all)));
  std::iota(order.begin(), order.end(), Index(0));
  std::mt19937_64 rng(seed);
  for (Index n = tokens - 2; n > 0; --n) std::swap(order[to_size(n)], order[to_size(Index(rng() % std::uint64_t(n + 1)))]);
  return order;
}

// alpha, and alpha of the same tokens read in `order` (Which::order; it leaves the last in its place). The change is the root of the mean square over white values,
// |alpha - permuted alpha| / |alpha| of the last row.
inline Position position(const Coefficients& alpha, const Coefficients& shuffled, const std::vector<Index>& order) {
  Position p;
  const Index T = alpha.tokens, last = T - 1;
  double change = 0, size = 0, spread = 0, total = 0;
  for (Index c = 0; c < alpha.systems && T > 0; ++c)
    for (Index j = 0; j < T; ++j) change += std::norm(alpha.at(last, order[to_size(j)], c) - shuffled.at(last, j, c)), size += std::norm(alpha.at(last, j, c));
  p.permutation = size > 0 ? std::sqrt(change / size) : 0, p.sees_order = p.permutation > 1e-9;
  for (Index l = 0; l < T; ++l) {
    double sum = 0;
    for (Index c = 0; c < alpha.systems; ++c) {
      Number mean = 0;
      for (Index i = l; i < T; ++i) sum += std::abs(alpha.at(i, i - l, c)), mean += alpha.at(i, i - l, c) / double(T - l);
      for (Index i = l; i < T; ++i) spread += std::norm(alpha.at(i, i - l, c) - mean), total += std::norm(alpha.at(i, i - l, c));
    }
    p.response.push_back(sum / double((T - l) * alpha.systems));
  }
  p.variation = total > 0 ? std::sqrt(spread / total) : 0;
  return p;
}
inline std::string line(const Position& p) {
  const Index n = Index(p.response.size());
  return "position: shuffling the past changes the last output by " + text(p.permutation) + (p.sees_order ? "" : ": needs positions in its queries and keys") + "; response at lag 0 " +
         text(n > 0 ? p.response[0] : 0) + ", " + text(n / 4) + ": " + text(n > 0 ? p.response[to_size(n / 4)] : 0) + ", " + text(n / 2) + ": " + text(n > 0 ? p.response[to_size(n / 2)] : 0) +
         (p.variation < 1e-9 ? "; the same for all queries (Toeplitz)" : "; varies by " + text(p.variation));
}

}  // namespace lcsm::analysis
