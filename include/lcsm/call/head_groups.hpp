// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/where.hpp>

#include <algorithm>

namespace lcsm {

// Heads that one worker walks together, a chunk of each in turn: the rows of a token's heads lie side by side, so memory is read in order. As many as
// leave every worker some, and at most 8, as their memories share a cache. No bit depends on it.
struct HeadGroups {
  Index heads, sequences, size, per_sequence;

  HeadGroups(const Extent& n, Index workers)
      : heads(n.heads), sequences(n.sequences), size(std::clamp<Index>(divide_up(n.sequences * n.heads, (std::max<Index>)(workers, 1)), 1, std::clamp<Index>(n.heads, 1, 8))), per_sequence(divide_up(n.heads, size)) {}
  Index items() const { return sequences * per_sequence; }
  // The first unit of a group; that of the next is its end.
  Index first(Index item) const { return item / per_sequence * heads + (std::min)(item % per_sequence * size, heads); }
};

}  // namespace lcsm
