// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/weight.hpp>
#include <lcsm/call/door.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <cmath>
#include <span>

namespace lcsm {

// Attention whose weight is not linear: no finite state, so it has the modes `attend` and `attention_matrix` (attend.hpp), an adjoint, and one token at a time
// over a KeyValueCache. A type without members, as mixers are.
template <class Weight> struct Attention {
  using weight = Weight;
  // q [B,T,H,1,K]; k [B,S,G,1,K], v [B,S,G,1,D], G dividing H; bias [B,T,H,1,2R+1], or the same for all of a batch, tokens or heads (extent 1), adds
  // bias[R + s - t] of query t to the logit of key s, and 0 beyond R, or {}.
  template <class S> struct In {
    View<S> q{}, k{}, v{}, bias{};
  };
};
using SoftmaxAttention = Attention<weight::Softmax>;
using SigmoidAttention = Attention<weight::Sigmoid>;
using ReluAttention = Attention<weight::Relu>;
using NormalisedAttention = Attention<weight::Normalised>;

// Its memory grows with every token: not FiniteState.
template <class Weight> inline constexpr bool has_finite_state<Attention<Weight>> = false;

// Which keys a query sees, and how its logits are scaled. Positions are those on the timeline of the call: padding counts for nothing, the other direction counts from
// the end. With more keys than queries (S > T: a cache) the queries are the last T of the S tokens; packing, masks and reversal need S = T.
struct AttentionOptions {
  double scale = 0;                          // of q . k; 0: K^-1/2
  bool by_visible = false;                   // the scaled q . k is also divided by the number of keys that the query sees (Mega's Laplace and relu^2)
  bool causal = true;                        // s <= t
  Index window = 0;                          // > 0: |s - t| < window
  Index chunk = 0;                           // > 0: s and t in the same stretch of `chunk` positions
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
  std::span<std::byte> workspace{};
};

// Keys [B,n,G,1,K] and values of n tokens so far, in a block that doubles: what attention carries from token to token instead of a state.
template <class T> class KeyValueCache {
 public:
  KeyValueCache(Index batch, Index heads, Index keys, Index values, Index room = 64) : k_(batch, room, heads, keys), v_(batch, room, heads, values) {}
  Index tokens() const noexcept { return tokens_; }
  View<const T> k() const { return k_.view().tokens(0, tokens_); }
  View<const T> v() const { return v_.view().tokens(0, tokens_); }
  Index bytes() const noexcept { return tokens_ * (k_.view().stride[1] + v_.view().stride[1]) * k_.view().batch() * Index(sizeof(T)); }
  void clear() noexcept { tokens_ = 0; }
  // Forgets what came after the first n tokens: a roll back.
  void truncate(Index n) {
    if (n < 0 || n > tokens_) raise<ShapeError>("KeyValueCache::truncate", "n", "between 0 and " + door::text(tokens_), door::text(n));
    tokens_ = n;
  }
  template <class K, class V> void append(const View<K>& k, const View<V>& v) {
    const auto fits = [&](const char* name, const auto& given, const Buffer<T>& own, Index tokens) {
      const Index extent[] = {own.view().batch(), tokens, own.view().head(), 1, own.view().feature()};
      for (std::size_t a = 0; a < 5; ++a) door::axis("KeyValueCache::append", name, given, a, extent[a], a != 1);
      door::data("KeyValueCache::append", name, given);
    };
    fits("k", k, k_, k.time()), fits("v", v, v_, k.time());
    const Index needed = tokens_ + k.time();
    if (needed > k_.view().time()) grow(k_, needed), grow(v_, needed);
    copy(k, k_), copy(v, v_);
    tokens_ = needed;
  }

 private:
  void grow(Buffer<T>& x, Index needed) const {
    Buffer<T> wider(x.view().batch(), (std::max)(2 * x.view().time(), needed), x.view().head(), x.view().feature());
    const Index row = x.view().head() * x.view().feature();
    for (Index b = 0; b < x.view().batch(); ++b) std::copy_n(x.data() + b * x.view().time() * row, tokens_ * row, wider.data() + b * wider.view().time() * row);
    x = std::move(wider);
  }
  template <class V> void copy(const View<V>& from, Buffer<T>& to) const {
    for (Index b = 0; b < to.view().batch(); ++b)
      for (Index t = 0; t < from.time(); ++t)
        for (Index h = 0; h < to.view().head(); ++h)
          for (Index c = 0; c < to.view().feature(); ++c) to.view()(b, tokens_ + t, h, c) = stage::convert<T>(from(b, t, h, c));
  }
  Index tokens_ = 0;
  Buffer<T> k_, v_;
};

// A checked call of attention: who sees whom.
inline namespace LCSM_ARCH {
namespace attention {

struct Range {
  Index begin, end;
  Index count() const noexcept { return end - begin; }
};
inline Range seen_by(Index query, Index keys, const AttentionOptions& o) {
  Range r{0, o.causal ? query + 1 : keys};
  if (o.window > 0) r.begin = (std::max)(r.begin, query - o.window + 1), r.end = (std::min)(r.end, query + o.window);
  if (o.chunk > 0) r.begin = (std::max)(r.begin, query / o.chunk * o.chunk), r.end = (std::min)(r.end, (query / o.chunk + 1) * o.chunk);
  return r;
}

struct Sizes {
  Index batch, queries, keys, heads, groups, width, values, bias;   // bias: R, or -1
  double scale;
  std::vector<Index> table;
  std::vector<Timeline> streams;
  bool packed;
  Index units() const { return Index(streams.size()) * heads; }
};
template <class In, class Y> Sizes check(const char* function, const char* output, const In& in, const View<Y>& y, const AttentionOptions& o, bool is_matrix) {
  Sizes n{in.q.batch(), in.q.time(), in.k.time(), in.q.head(), in.k.head(), in.q.feature(), is_matrix ? 0 : in.v.feature(), -1, o.scale, {}, {}, o.sequences.given()};
  const auto stream = [&](const char* name, const auto& v, Index tokens, Index heads, Index features) {
    const Index extent[] = {n.batch, tokens, heads, 1, features};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, extent[a], true);
    door::data(function, name, v);
  };
  stream("q", in.q, n.queries, n.heads, n.width), door::grouped_heads(function, "k", in.k, n.heads), stream("k", in.k, n.keys, n.groups, n.width);
  if (!is_matrix) stream("v", in.v, n.keys, n.groups, n.values);
  if (in.bias) {
    door::axis(function, "bias", in.bias, 0, in.bias.batch() == 1 ? 1 : n.batch, true), door::axis(function, "bias", in.bias, 1, in.bias.time() == 1 ? 1 : n.queries, true), door::axis(function, "bias", in.bias, 3, 1, true);
    door::grouped_heads(function, "bias", in.bias, n.heads), door::data(function, "bias", in.bias);
    if (in.bias.feature() % 2 == 0) raise<ShapeError>(function, "bias", "an odd number of offsets", door::text(in.bias.feature()));
    n.bias = in.bias.feature() / 2;
  }
  const Index extent[] = {n.batch, n.queries, n.heads, 1, is_matrix ? n.keys : n.values};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, output, y, a, extent[a], false);
  door::data(function, output, y);
  if constexpr (!std::is_const_v<Y>) door::output_axes(function, output, y);
  if (n.queries > n.keys) raise<ShapeError>(function, "k", "at least as many tokens as q", door::text(n.keys) + " for " + door::text(n.queries));
  if (n.queries != n.keys && (o.sequences.given() || o.mask || o.direction == Direction::reverse))
    raise<SequenceError>(function, "options", "as many keys as queries with packing, a mask or the other direction", door::text(n.keys) + " for " + door::text(n.queries));
  if (o.window < 0) raise<OptionError>(function, "window", "0 or more", door::text(o.window));
  if (o.chunk < 0) raise<OptionError>(function, "chunk", "0 or more", door::text(o.chunk));
  n.streams = door::timelines(function, n.batch, n.keys, o, n.table);
  if (n.scale == 0) n.scale = 1 / std::sqrt(double((std::max)(n.width, Index(1))));
  return n;
}

}  // namespace attention
}  // namespace LCSM_ARCH
}  // namespace lcsm
