// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attention.hpp>
#include <lcsm/stage/arena.hpp>
#include <lcsm/stage/leaf.hpp>

#include <algorithm>
#include <limits>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace attention {

// Logits of a few queries of one head against a block of keys, keys in lanes.
template <class T> class Logits {
  using V = Batch<T>;
  static constexpr Index width = simd::width<V>;

 public:
  static constexpr Index rows = 16, keys = 64;

  Logits(Arena& arena, const Sizes& n, const AttentionOptions& o)
      : n_(n), options_(o), query_(arena.take<T>(rows * n.width)), key_(arena.take<T>(n.width * keys)), bias_(arena.take<T>(n.bias >= 0 ? rows * (2 * n.bias + 1) : 0)) {}

  Index length(const Run& run) const { return run.time.length - (n_.keys - n_.queries); }        // queries
  // Query j of the head is at this position among its keys, and at this token of q.
  Index position(Index j) const { return n_.keys - n_.queries + j; }
  Index token(const Run& run, Index j) const { return run.time.token(position(j)) - (n_.keys - n_.queries); }
  Range range(const Run& run, Index j) const { return seen_by(position(j), run.time.length, options_); }
  // What q . k is multiplied by.
  double scale(const Run& run, Index j) const { return options_.by_visible ? n_.scale / double(range(run, j).count()) : n_.scale; }

  template <class In> void take_queries(const In& in, const Run& run, Index first, Index count) {
    for (Index i = 0; i < count; ++i) {
      const double by = scale(run, first + i);
      for (Index k = 0; k < n_.width; ++k) query_[i * n_.width + k] = static_cast<T>(by * stage::convert<double>(in.q(run.batch, token(run, first + i), stage::group_of(in.q, run), k)));
      for (Index r = 0; n_.bias >= 0 && r <= 2 * n_.bias; ++r) bias_[i * (2 * n_.bias + 1) + r] = stage::convert<T>(in.bias(in.bias.batch() == 1 ? 0 : run.batch, in.bias.time() == 1 ? 0 : token(run, first + i), stage::group_of(in.bias, run), r));
    }
  }
  template <class In> void take_keys(const In& in, const Run& run, Index first, Index count) {
    for (Index j = 0; j < count; ++j)
      for (Index k = 0; k < n_.width; ++k) key_[k * keys + j] = stage::convert<T>(in.k(run.batch, run.time.token(first + j), stage::group_of(in.k, run), k));
    for (Index j = count; j < keys; ++j)
      for (Index k = 0; k < n_.width; ++k) key_[k * keys + j] = T(0);
  }
  // x[0 .. keys) of query i of those taken against the keys from `first` on. What the query does not see is any number.
  void row(Index i, Index at, Index first, T* x) const { row(i, at, first, x, key_, keys); }
  // The same of keys that lie elsewhere: feature k of them from key + k pitch on.
  void row(Index i, Index at, Index first, T* x, const T* key, Index pitch) const {
    V sum[keys / width];
#pragma GCC unroll 16
    for (V& s : sum) s = V(T(0));
    for (Index k = 0; k < n_.width; ++k) {
      const V q(query_[i * n_.width + k]);
#pragma GCC unroll 16
      for (Index b = 0; b < keys / width; ++b) sum[b] = simd::fma(q, simd::load<V>(key + k * pitch + b * width), sum[b]);
    }
#pragma GCC unroll 16
    for (Index b = 0; b < keys / width; ++b) simd::store(x + b * width, sum[b]);
    if (n_.bias < 0) return;
    const T* bias = bias_ + i * (2 * n_.bias + 1);
    const Index offset = n_.bias + first - position(at);    // of key j: offset + j
    for (Index j = (std::max)(Index(0), -offset); j < (std::min)(keys, 2 * n_.bias + 1 - offset); ++j) x[j] += bias[offset + j];
  }

 private:
  const Sizes& n_;
  const AttentionOptions& options_;
  T *query_, *key_, *bias_;
};

// The run of a unit: one head of one sequence.
inline Run run_of(const Sizes& n, Index unit) {
  const Index sequence = unit / n.heads;
  Run run{.extent = {Index(n.streams.size()), n.keys, n.heads, n.width, n.values}, .time = n.streams[to_size(sequence)], .batch = n.packed ? 0 : sequence, .head = unit % n.heads, .sequence = sequence};
  return run;
}
template <class W, class T> T divisor(T sum) {
  if constexpr (W::sum == weight::Sum::none) return T(1);
  else if constexpr (W::sum == weight::Sum::bounded) return std::abs(sum) < T(1) ? T(1) : std::abs(sum);      // a NaN stays one
  else return sum == T(0) ? T(1) : sum;                     // a row that sees nothing
}

// The gradient of a bias that all batches and tokens share, from that of every unit [2R+1]: of each head, or of all.
template <class V> void sum_bias(const double* units, const Sizes& n, const V& to) {
  const Index offsets = 2 * n.bias + 1;
  for (Index h = 0; h < to.head(); ++h)
    for (Index r = 0; r < offsets; ++r) {
      double sum = 0;
      for (Index unit = 0; unit < n.units(); ++unit)
        if (to.head() == 1 || unit % n.heads == h) sum += units[unit * offsets + r];
      to(0, 0, h, r) = stage::convert<std::remove_cvref_t<decltype(to(0, 0, 0, 0))>>(sum);
    }
}

}  // namespace attention
}  // namespace LCSM_ARCH
}  // namespace lcsm
