// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/state.hpp>

namespace lcsm {

// Memories that a forward call keeps for its adjoint, as a call takes them in its options: that of sequence n before its token b * every, for every b below
// blocks, is sequence n * blocks + b of `states`.
template <class T> struct SavedView {
  StateView<T> states{};
  Index every = 0, blocks = 0;
  explicit operator bool() const noexcept { return bool(states); }
};

// The owner. Without one an adjoint first runs forwards to find these memories again; with the one that the forward call filled it does not: (K D) numbers for
// every `every` tokens and head, held from one call to the other, against that pass. The same inputs, initial state and options belong to both calls.
// tokens: of the longest sequence.
template <class M, class T> class Saved {
 public:
  Saved(Index sequences, Index tokens, Index heads, Index keys, Index values, Index every = 64)
      : view_{{}, every, divide_up(std::max<Index>(tokens, 1), std::max<Index>(every, 1))}, states_(sequences * view_.blocks, heads, keys, values) {
    const auto position = states_.view().position;
    for (Index n = 0; n < position.batch(); ++n) position.at(n, 0, 0, 0, 0) = -1;         // filled by no call yet
  }

  SavedView<T> view() { return {states_.view(), view_.every, view_.blocks}; }
  operator SavedView<T>() { return view(); }
  Index size() const { return states_.view().m.batch(); }

 private:
  SavedView<T> view_;
  State<M, T> states_;
};

}  // namespace lcsm
