// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/tensor/index.hpp>

#include <array>
#include <string>
#include <type_traits>

namespace lcsm {

// A view of somebody else's numbers with the five axes [batch, time, head, row, feature]. Streams of rows (query, key, value, gate ...) have
// one row; parameters and states may have more. Nothing is owned, nothing is copied, any strides are legal.
//
// An axis over which the numbers do not vary has extent 1 and stride 0: broadcasting is always said, never guessed. The head extent may
// divide the number of heads of a call: head h then reads h / (heads / extent), which is how grouped queries share their keys.
template <class T> struct View {
  using element = T;
  static constexpr std::size_t axes = 5;

  T* data = nullptr;
  std::array<Index, axes> extent{0, 0, 0, 0, 0};
  std::array<Index, axes> stride{0, 0, 0, 0, 0};

  constexpr View() = default;
  constexpr View(T* first, const std::array<Index, axes>& extents, const std::array<Index, axes>& strides) : data(first), extent(extents), stride(strides) {}
  template <class U>
    requires(std::is_same_v<T, const U>)
  constexpr View(const View<U>& other) : data(other.data), extent(other.extent), stride(other.stride) {}

  constexpr Index batch() const noexcept { return extent[0]; }
  constexpr Index time() const noexcept { return extent[1]; }
  constexpr Index head() const noexcept { return extent[2]; }
  constexpr Index row() const noexcept { return extent[3]; }
  constexpr Index feature() const noexcept { return extent[4]; }
  constexpr explicit operator bool() const noexcept { return data != nullptr; }

  constexpr Index offset(Index b, Index t, Index h, Index r, Index f) const noexcept {
    return b * stride[0] + t * stride[1] + h * stride[2] + r * stride[3] + f * stride[4];
  }
  constexpr T& at(Index b, Index t, Index h, Index r, Index f) const noexcept { return data[offset(b, t, h, r, f)]; }
  constexpr T& operator()(Index b, Index t, Index h, Index f) const noexcept { return data[offset(b, t, h, 0, f)]; }

  // The part [first, first + count) of one axis, with the same strides.
  constexpr View slice(std::size_t axis, Index first, Index count) const noexcept {
    LCSM_ASSERT(axis < axes && first >= 0 && count >= 0 && first + count <= extent[axis]);
    View part = *this;
    if (count > 0 && data) part.data += first * stride[axis];   // a part of no numbers has none either
    part.extent[axis] = count;
    return part;
  }
  constexpr View batches(Index first, Index count) const noexcept { return slice(0, first, count); }
  constexpr View tokens(Index first, Index count) const noexcept { return slice(1, first, count); }
  constexpr View heads(Index first, Index count) const noexcept { return slice(2, first, count); }
  constexpr View rows(Index first, Index count) const noexcept { return slice(3, first, count); }
  constexpr View features(Index first, Index count) const noexcept { return slice(4, first, count); }
};

namespace detail {
inline Index checked_product(Index a, Index b, const char* what) {
  Index out = 0;
  if (a < 0 || b < 0) raise<ShapeError>("view", what, "no negative extent", std::to_string(a < 0 ? a : b));
  if (__builtin_mul_overflow(a, b, &out)) raise<ShapeError>("view", what, "a number of elements below 2^63", std::to_string(a) + " x " + std::to_string(b));
  return out;
}
}

// Dense, row-major views. `parameter` has no batch and no time axis.
template <class T> View<T> view(T* data, Index batch, Index time, Index head, Index row, Index feature) {
  const Index f = detail::checked_product(row, feature, "row"), r = detail::checked_product(f, head, "head"), h = detail::checked_product(r, time, "time");
  detail::checked_product(h, batch, "batch");
  return {data, {batch, time, head, row, feature}, {h, r, f, feature, 1}};
}
template <class T> View<T> view(T* data, Index batch, Index time, Index head, Index feature) { return view(data, batch, time, head, 1, feature); }
template <class T> View<T> parameter(T* data, Index head, Index row, Index feature) {
  View<T> v = view(data, 1, 1, head, row, feature);
  v.stride[0] = v.stride[1] = 0;
  return v;
}
template <class T> View<T> parameter(T* data, Index head, Index feature) { return parameter(data, head, 1, feature); }

}  // namespace lcsm
