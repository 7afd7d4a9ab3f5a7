// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/where.hpp>

#include <algorithm>

namespace lcsm {

// Heads that one worker walks together, a chunk of each in turn: the rows of a token's heads lie side by side, so memory is read in order. At most 8, as
// their memories share a cache, and so many that all workers have the same number of groups. No bit depends on it.
struct HeadGroups {
  Index heads, sequences, size, per_sequence;

  HeadGroups(const Extent& n, Index workers) : heads(n.heads), sequences(n.sequences) {
    constexpr Index most = 8;
    const Index each = (std::max<Index>)(divide_up(sequences * heads, (std::max<Index>)(workers, 1)), 1);      // heads of a worker
    size = std::clamp<Index>(divide_up(each, divide_up(each, most)), 1, (std::max<Index>)(heads, 1)), per_sequence = divide_up(heads, size);
  }
  Index items() const { return sequences * per_sequence; }
  // The first unit of a group; that of the next is its end.
  Index first(Index item) const { return item / per_sequence * heads + (std::min)(item % per_sequence * size, heads); }
};

}  // namespace lcsm
