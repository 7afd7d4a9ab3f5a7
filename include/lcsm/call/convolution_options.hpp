// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/options.hpp>

namespace lcsm {

// Of a convolution with W taps, short or long; T is what it computes in and keeps its state in, and follows the output unless said.
//
//   initial     the inputs before the first, [N, 1, H, W - 1, D], oldest first; none: zeros. Features side by side
//   final       where the last W - 1 inputs go, of the same shape; it may be the initial one. A Buffer<T>(N, 1, H, W - 1, D) will do
//   sequences   offsets of packed sequences (the batch is then 1): each starts from its own state and sees no other
//   mask        [B, T, 1, 1] of bytes, 0 = padding: such a token is not there. It enters no window and writes 0, so that padding on the left, on
//               the right or in between changes nothing, with a bias too. Not together with sequences
//   direction   reverse: time runs backwards, a window holds the tokens that follow, and the initial state enters at the end
template <class T> struct ConvolutionOptions {
  View<const T> initial{};
  View<T> final{};
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
};

// Cotangents of its states, of their shape: `final` comes in, `initial` goes out. Both may be the same memory. Null: no cotangent, none wanted.
template <class T> struct ConvolutionCotangents {
  View<const T> final{};
  View<T> initial{};
};

// Said to be there, if only by its shape.
template <class T> bool given(const View<T>& v) { return v.data || v.extent != View<T>{}.extent; }

}  // namespace lcsm
