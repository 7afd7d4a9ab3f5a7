// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/saved.hpp>
#include <lcsm/call/sequences.hpp>
#include <lcsm/call/state.hpp>
#include <lcsm/call/tuning.hpp>

#include <span>

namespace lcsm {

// The same for every mode. T is the type the call computes in and keeps its state in (float or double); it follows the output unless said:
// Options<double> runs float inputs in double.
//
//   initial     the state to start from; none: an empty memory
//   final       where the state after the last token goes; it may be the initial one
//   sequences   offsets of packed sequences (the batch is then 1)
//   mask        [B, T, 1, 1] of bytes, 0 = padding: such a token leaves the state as it is and writes 0. Not together with sequences
//   direction   reverse: time runs backwards, the initial state enters at the end
//   tuning      sizes
//   saved       memories that a call of recurrent, scan, chunkwise or mix keeps on its way, and that the adjoint of such a call starts from (call/saved.hpp)
//   workspace   scratch of the caller's, at least workspace_size() bytes; none: scratch of the thread
template <class T> struct Options {
  StateView<const T> initial{};
  StateView<T> final{};
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
  Tuning tuning{};
  SavedView<T> saved{};
  std::span<std::byte> workspace{};

  // Tokens of a block that starts from a memory of its own.
  Index block() const { return saved ? saved.every : tuning.chunk; }
};

}  // namespace lcsm
