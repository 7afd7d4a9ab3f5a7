// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace lcsm::detail {

// The merges of a byte pair encoding (Sennrich et al. 2016) by rank: of all neighbours the pair of the lowest rank is joined first, the leftmost of
// equals. A queue of the pairs makes it O(n log n) for a word of n symbols.
class BpeMerges {
 public:
  using Id = std::int32_t;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct Symbol { Id id; std::size_t previous, next; };
  struct Candidate { std::int64_t rank; std::size_t at; Id joined; };
  struct Work { std::vector<Symbol> symbols; std::vector<Candidate> queue; };   // what one thread reuses from word to word

  // False if the pair has a rank already. Ranks count from 0 in the order of these calls.
  bool add(Id left, Id right, Id joined) { return joins_.emplace(pair(left, right), Join{static_cast<std::int64_t>(joins_.size()), joined}).second; }

  // Appends what the symbols of one word become.
  void apply(std::span<const Id> word, Work& work, std::vector<Id>& out) const {
    auto& [symbols, queue] = work;
    symbols.clear(), queue.clear();
    for (std::size_t n = 0; n < word.size(); ++n) symbols.push_back({word[n], n == 0 ? none : n - 1, n + 1 == word.size() ? none : n + 1});
    for (std::size_t n = 0; n + 1 < symbols.size(); ++n)
      if (const Join* join = find(word[n], word[n + 1])) queue.push_back({join->rank, n, join->joined});
    std::make_heap(queue.begin(), queue.end(), later);

    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end(), later);
      const Candidate best = queue.back();
      queue.pop_back();
      Symbol& left = symbols[best.at];
      if (left.id == gone || left.next == none) continue;
      Symbol& right = symbols[left.next];
      // One of the two may have changed since. A pair that now joins to the same symbol is joined, as the reference does.
      if (const Join* now = find(left.id, right.id); now == nullptr || now->joined != best.joined) continue;
      left.id = best.joined, left.next = right.next, right.id = gone;
      if (left.next != none) symbols[left.next].previous = best.at, enqueue(symbols, queue, best.at);
      if (left.previous != none) enqueue(symbols, queue, left.previous);
    }
    for (std::size_t n = 0; n < symbols.size(); n = symbols[n].next) {
      out.push_back(symbols[n].id);
      if (symbols[n].next == none) break;
    }
  }

 private:
  struct Join { std::int64_t rank; Id joined; };
  static constexpr Id gone = -1;
  static std::uint64_t pair(Id left, Id right) { return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right); }
  static bool later(const Candidate& a, const Candidate& b) { return std::tie(a.rank, a.at) > std::tie(b.rank, b.at); }
  const Join* find(Id left, Id right) const {
    const auto found = joins_.find(pair(left, right));
    return found == joins_.end() ? nullptr : &found->second;
  }
  void enqueue(const std::vector<Symbol>& symbols, std::vector<Candidate>& queue, std::size_t at) const {
    if (const Join* join = find(symbols[at].id, symbols[symbols[at].next].id)) {
      queue.push_back({join->rank, at, join->joined});
      std::push_heap(queue.begin(), queue.end(), later);
    }
  }
  std::unordered_map<std::uint64_t, Join> joins_;
};

}  // namespace lcsm::detail
