// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>
#include <lcsm/stage/leaf.hpp>
#include <lcsm/stage/where.hpp>
#include <lcsm/tensor/view.hpp>

#include <algorithm>

namespace lcsm {
inline namespace LCSM_ARCH {

// W channels of a stream [B, T, H, 1, D] as lanes, whatever its strides and type: channel n is feature n % D of head n / D. A last group that is not
// full has zeros in its other lanes.
template <class T, class S> class ChannelLanes {
 public:
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;

  ChannelLanes() = default;
  ChannelLanes(const View<S>& v, Index heads, Index features, Index group) : view_(v), count_((std::min)(W, heads * features - group * W)) {
    for (Index l = 0; l < count_; ++l) {
      const Index n = group * W + l, h = n / features;
      offset_[l] = h / (heads / v.head()) * v.stride[2] + n % features * v.stride[4];
    }
    side_by_side_ = count_ == W && std::is_same_v<std::remove_const_t<S>, T>;
    for (Index l = 1; l < count_; ++l) side_by_side_ = side_by_side_ && offset_[l] == offset_[0] + l;
  }

  V load(Index b, Index t) const {
    const S* row = view_.data + b * view_.stride[0] + t * view_.stride[1];
    if constexpr (std::is_same_v<std::remove_const_t<S>, T>)
      if (side_by_side_) return simd::load<V>(row + offset_[0]);
    alignas(64) T lanes[W] = {};
    for (Index l = 0; l < count_; ++l) lanes[l] = stage::convert<T>(row[offset_[l]]);
    return simd::load<V>(lanes);
  }
  void store(Index b, Index t, V x) const {
    S* row = view_.data + b * view_.stride[0] + t * view_.stride[1];
    if constexpr (std::is_same_v<S, T>)
      if (side_by_side_) return simd::store(row + offset_[0], x);
    alignas(64) T lanes[W];
    simd::store(lanes, x);
    store_numbers(b, t, lanes);
  }
  template <class N> void store_numbers(Index b, Index t, const N* lanes) const {
    S* row = view_.data + b * view_.stride[0] + t * view_.stride[1];
    for (Index l = 0; l < count_; ++l) row[offset_[l]] = static_cast<S>(lanes[l]);
  }

 private:
  View<S> view_;
  Index count_ = 0;
  Index offset_[W] = {};
  bool side_by_side_ = false;
};
// The rows of a state as tokens.
template <class T> View<T> rows_as_tokens(const View<T>& state) { return {state.data, {state.extent[0], state.extent[3], state.extent[2], 1, state.extent[4]}, {state.stride[0], state.stride[3], state.stride[2], 0, state.stride[4]}}; }

// One group of channels of one sequence, along its timeline; before its first token the rows of a state [N, 1, H, past, D], oldest at -past, beyond its
// ends zeros.
template <class T, class X> class ChannelStream {
 public:
  using V = Batch<T>;
  ChannelStream(const View<X>& x, const View<const T>& initial, Index heads, Index features, const Timeline& time, Index batch, Index sequence, Index group)
      : time_(time), batch_(batch), sequence_(sequence), past_(initial ? initial.row() : 0), x_(x, heads, features, group) {
    if (past_ > 0) initial_ = ChannelLanes<T, const T>(rows_as_tokens(initial), heads, features, group);
  }
  V operator()(Index t) const {
    if (t >= 0 && t < time_.length) return x_.load(batch_, time_.token(t));
    if (t < 0 && t >= -past_) return initial_.load(sequence_, past_ + t);
    return V(T(0));
  }

 private:
  const Timeline& time_;
  Index batch_, sequence_, past_;
  ChannelLanes<T, X> x_;
  ChannelLanes<T, const T> initial_;
};

inline Index lane_groups(Index channels, Index width) { return (channels + width - 1) / width; }

}  // namespace LCSM_ARCH
}  // namespace lcsm
