// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/arena.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace lcsm {
inline namespace LCSM_ARCH {

// The multipliers of the tokens of one head, in a binary tree of their products, in double. What is read at one time and was written at another has been
// multiplied by those between: a range of tokens, which is O(log T) nodes. Its adjoint adds a cotangent to those nodes, each times the product of the others
// of the range; on the way from the root to a token it is multiplied by all other tokens of each node. So a token's cotangent is the sum over the ranges that
// hold it of products without its own multiplier: nothing is divided, nothing is added to be taken off again, and a multiplier of 0 has its slope.
class GateTree {
 public:
  GateTree(Arena& arena, Index tokens) : product_(arena.take<double>(2 * tokens)), bar_(arena.take<double>(2 * tokens)) {}

  // begin, then set for each token, then build.
  void begin(Index tokens) { tokens_ = tokens; }
  void set(Index token, double multiplier) { product_[tokens_ + token] = multiplier; }
  void build() {
    for (Index n = tokens_ - 1; n > 0; --n) product_[n] = product_[2 * n] * product_[2 * n + 1];
    std::fill_n(bar_, 2 * tokens_, 0.0);
  }
  // The product of the tokens [first, end).
  double product(Index first, Index end) const {
    double x = 1;
    cover(first, end, [&](Index n) { x *= product_[n]; });
    return x;
  }
  // Its cotangent.
  void add(Index first, Index end, double bar) {
    Index node[128];
    double before[128], after = 1;
    int count = 0;
    cover(first, end, [&](Index n) { node[count] = n, before[count++] = bar, bar *= product_[n]; });
    while (count-- > 0) bar_[node[count]] += before[count] * after, after *= product_[node[count]];
  }
  // That of one multiplier, of all that has been added.
  double cotangent(Index token) const {
    const Index leaf = tokens_ + token;
    double x = 0;
    for (int level = int(std::bit_width(std::uint64_t(leaf))) - 1; level >= 0; --level) {
      const Index n = leaf >> level;
      x = (n > 1 ? x * product_[n ^ 1] : 0) + bar_[n];
    }
    return x;
  }

 private:
  // Node n is made of 2n and 2n + 1; the leaves are the last `tokens_` nodes. Any number of them will do, as the order of a product does not matter.
  template <class Visitor> void cover(Index first, Index end, Visitor&& visitor) const {
    for (first += tokens_, end += tokens_; first < end; first >>= 1, end >>= 1) {
      if (first & 1) visitor(first++);
      if (end & 1) visitor(--end);
    }
  }
  Index tokens_ = 0;
  double *product_, *bar_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
