// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/tuning.hpp>
#include <lcsm/kernel/channels.hpp>
#include <lcsm/kernel/negacyclic.hpp>
#include <lcsm/call/workspace.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace lcsm {

inline namespace LCSM_ARCH {

// Sums over lags, one filter per channel, lanes over channels:
//
//     y_t = sum over l = -back .. front - 1 of k_l x_{t-l}            (transposed: k_l x_{t+l})
//
// for a block of tokens at a time, from the window of inputs that the block sees. Blocks share nothing, so they may be computed in any order.
//
//   direct     the sum itself, from the oldest input on, a fused product each: exact in the sense of a dot product, O(taps) per token
//   fourier    spectra of the taps (computed once, here) and of the window (overlap-save). Its errors are relative to the norms of taps and window, so
//              taps that are far larger than the others are taken out and summed directly: a head of the newest `head` lags. Channels that see a number
//              which is not finite are summed directly
template <class T> class Toeplitz {
 public:
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;
  static constexpr Index head_taps = 32;
  // Below so many taps the sum itself is as fast as three transforms.
  static constexpr Index direct_taps = 48;
  // The head is worth its cost once the taps behind it are so much smaller.
  static constexpr double steep = 16;

  Toeplitz() = default;
  // tap(l, head, feature) for l in [-back, front), in double; tokens: of the longest sequence that is expected.
  template <class Tap> Toeplitz(Index front, Index back, Index heads, Index features, Index tokens, ConvolutionForm form, Index block, Tap&& tap)
      : front_(front), back_(back), heads_(heads), features_(features), groups_(lane_groups(heads * features, W)), lags_(groups_ * taps() * W) {
    // Tap by tap, as channels lie side by side.
    for (Index l = 0; l < taps(); ++l)
      for (Index h = 0, channel = 0; h < heads; ++h)
        for (Index c = 0; c < features; ++c, ++channel) lags_[(channel / W * taps() + l) * W + channel % W] = T(tap(l - back, h, c));
    direct_ = taps() == 0 || form == ConvolutionForm::direct || (form == ConvolutionForm::automatic && (std::min)(taps(), (std::max)(tokens, Index(1))) <= direct_taps);
    if (direct_) {
      block_ = block > 0 ? block : Index(256);
      return;
    }
    if (is_steep()) head_ = (std::min)(head_taps, front);
    ring_ = Negacyclic<T>((block > 0 ? block : best_block(tokens)) + taps() - 1);
    block_ = ring_.length() - taps() + 1;                   // what fits
    spectra_ = Buffer<T>(groups_ * ring_.size());
    for (Index g = 0; g < groups_; ++g)
      ring_.values(spectra_.data() + g * ring_.size(), 0, taps(),
                   [&](Index m) { return m >= back_ && m < back_ + head_ ? V(T(0)) : simd::load<V>(lags_.data() + (g * taps() + m) * W); });
  }

  Index front() const noexcept { return front_; }
  Index back() const noexcept { return back_; }
  Index taps() const noexcept { return front_ + back_; }
  Index heads() const noexcept { return heads_; }
  Index features() const noexcept { return features_; }
  Index groups() const noexcept { return groups_; }
  Index block() const noexcept { return block_; }
  Index head() const noexcept { return head_; }
  bool is_direct() const noexcept { return direct_; }
  const Negacyclic<T>& ring() const noexcept { return ring_; }
  const Buffer<T>& lags() const noexcept { return lags_; }
  // Bytes for one block.
  Index scratch() const {
    Arena counting;
    counting.template take<T>((block_ + taps()) * W);
    if (!direct_) counting.template take<T>(ring_.size());
    return counting.used();
  }

  // The tokens [first, first + count), count <= block(), of one group: read(t) gives the lanes of input t in [first - front + 1, first + count + back), or
  // with Transposed in [first - back, first + count + front - 1); put(t, y). Transposed: k_l x_{t+l}.
  template <bool Transposed, class Read, class Put> void operator()(Index group, Index first, Index count, Arena arena, Read&& read, Put&& put) const {
    const Index before = Transposed ? back_ : front_ - 1, from = first - before, width = count + taps() - 1;
    if (taps() == 0) {
      for (Index j = 0; j < count; ++j) put(first + j, V(T(0)));
      return;
    }
    T* window = arena.template take<T>((block_ + taps()) * W);
    V poison(T(0));                                         // of lanes with a number that is not finite
    for (Index m = 0; m < width; ++m) {
      const V x = read(from + m);
      simd::store(window + m * W, x), poison = simd::fma(x, V(T(0)), poison);
    }
    const T *const lags = lags_.data() + group * taps() * W, *const at = window + before * W;
    if (direct_) return sums<Transposed>(lags, back_, taps(), at, count, [&](Index j, V y) { put(first + j, y); });
    // A transform would spread such a number over the block: its lane is summed directly, and its numbers go only where they belong.
    const auto lost = simd::is_nan(poison);
    const bool any_lost = simd::any(lost);
    T* x = arena.template take<T>(ring_.size());
    ring_.values(x, 0, width, [&](Index m) { const V w = simd::load<V>(window + m * W); return any_lost ? simd::select(lost, V(T(0)), w) : w; });
    ring_.template multiply<Transposed>(x, spectra_.data() + group * ring_.size());
    // With the tap of lag l at l + back and input t at t - from, output t is at t - from + back; transposed at t - from - back.
    const Index shift = Transposed ? before - back_ : before + back_;
    ring_.sequence(x, shift, shift + count, [&](Index m, V y) {
      const Index j = m - shift;
      if (head_ > 0) y = y + sum<Transposed, 1>(lags + back_ * W, 0, head_, at + j * W)[0];
      if (any_lost) y = simd::select(lost, sum<Transposed, 1>(lags, back_, taps(), at + j * W)[0], y);
      put(first + j, y);
    });
  }

 private:
  // The largest taps of some channel lie in the head, and what follows is small beside them, though not nothing.
  bool is_steep() const {
    for (Index g = 0; g < groups_; ++g) {
      V top(T(0)), rest(T(0));
      for (Index n = 0; n < taps(); ++n) {
        V& most = n >= back_ && n < back_ + head_taps ? top : rest;
        most = (simd::max)(most, simd::abs(simd::load<V>(lags_.data() + (g * taps() + n) * W)));
      }
      alignas(64) T tops[W], rests[W];
      simd::store(tops, top), simd::store(rests, rest);
      for (Index lane = 0; lane < W; ++lane)
        if (rests[lane] > 0 && double(tops[lane]) > steep * double(rests[lane])) return true;
    }
    return false;
  }

  // Tokens per transform: all of them if the filter is about as long, else as many as make the work per token least.
  Index best_block(Index tokens) const {
    const Index all = (std::max)(tokens, Index(1)), least = Fourier<T>::length_at_least(taps());   // 2 n = 2 taps
    double cost = HUGE_VAL;
    Index best = all;
    const auto consider = [&](Index points, Index block) {
      // Two transforms of n points and three sweeps, per token of the block.
      const double work = double(points) * (2 * 5 * std::log2(double(points) + 1) + 30) / double((std::min)(block, all));
      if (work < cost) cost = work, best = block;
    };
    for (Index points = least; 2 * points - taps() + 1 < all; points *= 2) consider(points, 2 * points - taps() + 1);
    consider(Fourier<T>::length_at_least((all + taps()) / 2), all);
    return best;
  }

  // Tokens 0 .. N - 1 from the place of input 0 on; lags are back places apart from lag 0.
  template <bool Transposed, int N> LCSM_INLINE static std::array<V, N> sum(const T* lags, Index back, Index taps, const T* at) {
    std::array<V, N> y;
    y.fill(V(T(0)));
    for (Index n = taps - 1; n >= 0; --n) {
      const V k = simd::load<V>(lags + n * W);
      const T* x = at + (Transposed ? n - back : back - n) * W;
      for (int j = 0; j < N; ++j) y[std::size_t(j)] = simd::fma(k, simd::load<V>(x + j * W), y[std::size_t(j)]);
    }
    return y;
  }
  template <bool Transposed, class Put> static void sums(const T* lags, Index back, Index taps, const T* at, Index count, Put&& put) {
    Index j = 0;
    for (; j + 4 <= count; j += 4) {
      const auto y = sum<Transposed, 4>(lags, back, taps, at + j * W);
      for (int n = 0; n < 4; ++n) put(j + n, y[std::size_t(n)]);
    }
    for (; j < count; ++j) put(j, sum<Transposed, 1>(lags, back, taps, at + j * W)[0]);
  }

  Index front_ = 0, back_ = 0, heads_ = 0, features_ = 0, groups_ = 0;
  Buffer<T> lags_;                                          // [groups, taps, W]
  Index block_ = 1, head_ = 0;
  bool direct_ = true;
  Negacyclic<T> ring_;
  Buffer<T> spectra_;
};

// Tokens [first, first + count) of a sequence's timeline: what one window of inputs gives.
struct ConvolutionBlock { Index sequence, first, count; };
inline std::vector<ConvolutionBlock> convolution_blocks(const std::vector<Timeline>& streams, Index length) {
  std::vector<ConvolutionBlock> out;
  for (Index n = 0; n < Index(streams.size()); ++n)
    for (Index first = 0, end = streams[to_size(n)].length; first < end; first += length) out.push_back({n, first, (std::min)(length, end - first)});
  return out;
}
// f(block, group, arena) for every block and group of channels, bytes of scratch each.
template <class Exec, class F> void for_each_block(const char* function, const Exec& exec, const std::vector<ConvolutionBlock>& blocks, Index groups, Index bytes, F&& f) {
  const Index items = Index(blocks.size()) * groups;
  const Workspace workspace(function, {}, bytes, exec.workers(items));
  exec.for_each(items, [&](Index n, Index worker) { f(blocks[to_size(n / groups)], n % groups, workspace.arena(worker)); });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
