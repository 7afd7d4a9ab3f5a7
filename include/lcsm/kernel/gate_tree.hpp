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
  GateTree(Arena& arena, Index tokens) : product_(arena.take<double>(2 * leaves(tokens))), bar_(arena.take<double>(2 * leaves(tokens))) {}

  // begin, then set for each token, then build.
  void begin(Index tokens) {
    size_ = leaves(tokens), first_ = 2 * size_ - tokens;     // the last token is the last leaf
    std::fill(product_ + size_, product_ + first_, 1.0);
  }
  void set(Index token, double multiplier) { product_[first_ + token] = multiplier; }
  void build() {
    for (Index n = size_ - 1; n > 0; --n) product_[n] = product_[2 * n] * product_[2 * n + 1];
    std::fill_n(bar_, 2 * size_, 0.0);
  }
  // The product of the tokens [first, end).
  double product(Index first, Index end) const {
    double left = 1, right = 1;
    cover(first, end, [&](Index n, bool counts, Index m, bool too) {
      const double x = product_[n], y = product_[m];
      left *= counts ? x : 1, right *= too ? y : 1;
    });
    return left * right;
  }
  // Its cotangent.
  void add(Index first, Index end, double bar) {
    Index node[128];
    double before[128], after = 1;
    int count = 0;
    cover(first, end, [&](Index n, bool counts, Index m, bool too) { node[count] = n, count += counts, node[count] = m, count += too; });
    for (int n = 0; n < count; ++n) before[n] = bar, bar *= product_[node[n]];
    for (int n = count; n-- > 0;) bar_[node[n]] += before[n] * after, after *= product_[node[n]];
  }
  // That of one multiplier, of all that has been added. Tokens are taken from the last to the first, and no range is added that holds a token already taken:
  // what a node has is handed to those below it when the walk comes to its last token.
  double take(Index token) {
    Index n = first_ + token;
    int down = 0;
    for (; (n & 1) != 0 && n > 1; n >>= 1) ++down;
    for (;; --down, n = 2 * n + 1) {
      if (n > 1) bar_[n] += bar_[n >> 1] * product_[n ^ 1];
      if (down == 0) return bar_[n];
    }
  }

 private:
  static Index leaves(Index tokens) { return Index(std::bit_ceil(std::uint64_t(tokens > 0 ? tokens : 1))); }
  // visitor(node, whether it counts, another, whether it counts) for the levels of the tree: no branch depends on the range's place.
  template <class Visitor> void cover(Index first, Index end, Visitor&& visitor) const {
    for (first += first_, end += first_; first < end; first = (first + 1) >> 1, end >>= 1) visitor(first, (first & 1) != 0, end - 1, (end & 1) != 0);
  }
  Index size_ = 1, first_ = 2;         // the leaves, and that of token 0; node n is made of 2n and 2n + 1
  double *product_, *bar_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
