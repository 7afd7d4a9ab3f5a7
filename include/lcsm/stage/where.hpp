// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

namespace lcsm {

// The sizes of a call: N sequences, T tokens in the longest stream, H heads, memory K x D per head.
struct Extent {
  Index sequences = 0, tokens = 0, heads = 0, keys = 0, values = 0;
};

// The tokens of one sequence, in the order in which its memory sees them. Packed sequences, reversed direction and masks are all of them
// timelines, so no kernel knows any of the three: a masked token is simply not on it.
struct Timeline {
  Index length = 0;
  Index begin = 0, step = 1;           // token(j) = begin + step j, unless there is a table
  const Index* table = nullptr;
  Index position = 0;                  // absolute position of j = 0

  Index token(Index j) const noexcept { return table ? table[j] : begin + step * j; }
};

// One head of one sequence.
struct Run {
  Extent extent;
  Timeline time;
  Index batch = 0, head = 0, sequence = 0;
  const Index* held_from = nullptr;    // for each key: the position of the first token whose read finds something there; only where a stage asks (Logits)
  Index impulse = -1;                  // the token whose input is 1 while all others are 0, when a mixer's impulse response is asked for
};

// One token of it, for rules and maps that ask where they are.
struct Where {
  Index keys = 0, values = 0, heads = 0;
  Index head = 0;
  Index position = 0;                  // from the start of the sequence, or from the position in the initial state
};
inline Where where(const Run& run, Index j) noexcept {
  return {run.extent.keys, run.extent.values, run.extent.heads, run.head, run.time.position + j};
}

}  // namespace lcsm
