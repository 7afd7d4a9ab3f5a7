// SPDX-License-Identifier: MIT
#include "variants.hpp"

#include <limits>
#include <random>

namespace lcsm::conformance {
namespace {

// Longer cases are the cost of all others together and have no more borders inside; every file has shorter ones.
constexpr Index longest = 128;

using Places = std::vector<Inputs::Place>;
constexpr Inputs::Place no_token{0, -1};
double huge(const std::string&, Index n) {
  constexpr double numbers[] = {std::numeric_limits<double>::quiet_NaN(), 1e38, -std::numeric_limits<double>::infinity(), -1e38};
  return numbers[n % 4];
}

// The call reads the tokens `from`; row[(b T + t)] is the token of the new call that is the case's.
Problem on_tokens(const Problem& p, Index batch, Index tokens, const Places& from, const std::vector<Index>& row, const Inputs::Fill& fill) {
  Problem q = p;
  q.batch = batch, q.tokens = tokens, q.inputs = p.inputs.at(batch, tokens, from, fill);
  q.rows.clear();
  for (const Index at : row)
    for (Index h = 0; h < p.heads; ++h) q.rows.push_back(at < 0 ? -1 : at * p.heads + h);
  return q;
}

Problem packed(const Problem& p, bool withheld) {
  Places from;
  std::vector<Index> row;
  for (Index b = 0; b < p.batch; ++b)
    for (Index t = 0; t < p.tokens; ++t) row.push_back(Index(from.size())), from.push_back({b, t});
  Problem q = on_tokens(p, 1, Index(from.size()), from, row, huge);
  const auto slot = [](Index b) { return b > 0 ? b + 1 : b; };             // sequence 1 is the empty one
  q.offsets.assign(1, 0);
  for (Index b = 0; b < p.batch; ++b) {
    q.offsets.push_back(std::int32_t((b + 1) * p.tokens));
    if (b == 0) q.offsets.push_back(q.offsets.back());
    for (Index h = 0; h < p.heads; ++h) q.slots.push_back(slot(b) * p.heads + h);
  }
  if (withheld) --q.offsets[1];
  for (auto& [name, x] : q.initial) {
    const Index width = Index(x.values.size()) / p.batch;
    std::vector<double> empty;
    for (Index n = 0; n < width; ++n) empty.push_back(0.25 * double(n % 7 + 1));
    x.values.insert(x.values.begin() + width, empty.begin(), empty.end());
  }
  q.others_silent = true;
  return q;
}

// The first tokens of each row, or the rest of them, in the order of the direction: (b + 1) / (B + 1) of row b.
Problem packed_part(const Problem& p, bool rest) {
  Places from;
  std::vector<Index> row(to_size(p.batch * p.tokens), -1);
  Problem q;
  q.offsets.assign(1, 0);
  for (Index b = 0; b < p.batch; ++b) {
    const Index cut = p.tokens * (b + 1) / (p.batch + 1), border = p.direction == Direction::reverse ? p.tokens - cut : cut;
    const bool low = (p.direction == Direction::reverse) == rest;
    for (Index t = low ? 0 : border; t < (low ? border : p.tokens); ++t) row[to_size(b * p.tokens + t)] = Index(from.size()), from.push_back({b, t});
    q.offsets.push_back(std::int32_t(from.size()));
  }
  const std::vector<std::int32_t> offsets = q.offsets;
  q = on_tokens(p, 1, Index(from.size()), from, row, huge);
  q.offsets = offsets;
  return q;
}

// More tokens than the case has: at the side that is seen first, or anywhere.
Problem with_more(const Problem& p, bool first, bool masked, const Inputs::Fill& fill, bool withheld) {
  std::mt19937 random(1);
  const Index more = 3 + p.tokens / 2, tokens = p.tokens + more;
  Places from(to_size(p.batch * tokens), no_token);
  std::vector<Index> row;
  std::vector<std::uint8_t> mask(from.size());
  for (Index b = 0; b < p.batch; ++b) {
    Index left = more, at = 0;
    for (Index t = 0; t < p.tokens; ++t) {
      // Before the first token, and again with the odds of an even spread; the last of them stay for the end.
      Index here = 0;
      if (first) here = t == 0 && p.direction == Direction::forward ? left : 0;
      else
        while (here < left - 1 && ((t == 0 && here == 0) || Index(random() % std::uint32_t(p.tokens + 1)) < more / 2)) ++here;
      at += here, left -= here;
      row.push_back(b * tokens + at), mask[to_size(row.back())] = std::uint8_t(1 + t % 255), from[to_size(row.back())] = {b, t}, ++at;
    }
  }
  Problem q = on_tokens(p, p.batch, tokens, from, row, fill);
  if (!masked) return q;
  if (!withheld) q.mask = mask;
  q.others_silent = true;
  return q;
}

Problem reversed(const Problem& p, bool withheld) {
  Places from;
  std::vector<Index> row;
  for (Index b = 0; b < p.batch; ++b)
    for (Index t = 0; t < p.tokens; ++t) from.push_back({b, p.tokens - 1 - t}), row.push_back(b * p.tokens + p.tokens - 1 - t);
  Problem q = on_tokens(p, p.batch, p.tokens, from, row, huge);
  if (!withheld) q.direction = p.direction == Direction::forward ? Direction::reverse : Direction::forward;
  return q;
}

// which: the inputs that are given for each of the heads; copy: which of the two heads is compared.
Problem grouped(const Problem& p, int which, Index copy, bool withheld) {
  Problem q = p;
  const bool fold = p.heads == 1 && p.batch > 1;
  if (fold) q.batch = 1, q.heads = p.batch, q.inputs = p.inputs.rows_as_heads();
  const Index heads = q.heads;
  q.heads *= 2, q.inputs = q.inputs.heads_repeated(which, 2);
  const auto twin = [&](Index head) { return withheld ? head + copy * heads : 2 * head + copy; };
  for (Index b = 0; b < p.batch; ++b)
    for (Index t = 0; t < p.tokens; ++t)
      for (Index h = 0; h < p.heads; ++h) q.rows.push_back(fold ? t * q.heads + twin(b) : (b * p.tokens + t) * q.heads + twin(h));
  for (Index b = 0; b < p.batch; ++b)
    for (Index h = 0; h < p.heads; ++h) q.slots.push_back(fold ? twin(b) : b * q.heads + twin(h));
  for (auto& [name, x] : q.initial) {
    const auto width = std::ptrdiff_t(x.values.size()) / (p.batch * p.heads);
    std::vector<double> twice;
    for (auto from = x.values.begin(); from != x.values.end(); from += width)
      for (int n = 0; n < 2; ++n) twice.insert(twice.end(), from, from + width);
    x.values = std::move(twice);
  }
  return q;
}

}  // namespace

std::vector<Variant> variants_of(const Problem& p, bool withheld) {
  std::vector<Variant> all;
  if (p.tokens > longest) return all;
  if (!withheld || p.tokens > 1) all.push_back({"packed", [=](const Problem& x) { return packed(x, withheld); }});
  if (!p.whole && !withheld)
    all.push_back({"packed", [](const Problem& x) { return packed_part(x, false); }, [](const Problem& x) { return packed_part(x, true); }});
  all.push_back({"masked", [=](const Problem& x) { return with_more(x, false, true, huge, withheld); }});
  if (!p.no_op.empty() && !(p.no_op_first && (!p.initial.empty() || p.whole))) {
    const auto fill = [no_op = p.no_op, withheld](const std::string& name, Index n) {
      const auto found = no_op.find(name);
      constexpr double numbers[] = {2.5, -3, 0.75, -0.5};
      return found == no_op.end() || withheld ? numbers[n % 4] : found->second;
    };
    all.push_back({.name = "padded", .change = [=](const Problem& x) { return with_more(x, x.no_op_first, false, fill, false); }, .steps = true, .counts = false});
  }
  if (!withheld || p.tokens > 1) all.push_back({.name = "reversed", .change = [=](const Problem& x) { return reversed(x, withheld); }, .steps = true});
  for (const int which : {0, 1})
    for (const Index copy : {0, 1})
      if (!p.by_head && !(withheld && p.batch * p.heads == 1))
        all.push_back({.name = "grouped", .change = [=](const Problem& x) { return grouped(x, which, copy, withheld); }, .steps = true});
  return all;
}

std::vector<std::pair<Change, Change>> shared_heads(const Problem& p, bool withheld) {
  std::vector<std::pair<Change, Change>> all;
  const auto of = [](int which, Index copies) {
    return [=](const Problem& x) {
      Problem q = x;
      q.inputs = x.inputs.head_shared(which, copies > 0 ? copies : x.heads);
      return q;
    };
  };
  if (p.by_head && p.heads > 1 && !withheld && p.tokens <= longest)
    for (const int which : {0, 1}) all.emplace_back(of(which, 1), of(which, 0));
  return all;
}

}  // namespace lcsm::conformance
