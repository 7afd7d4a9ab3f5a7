// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/logits.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/product.hpp>
#include <lcsm/simd/denormals.hpp>
#include <lcsm/vq/nearest.hpp>

#include <utility>

namespace lcsm {

// Softmax attention whose keys are codes of a codebook: the weight of a key depends on its code alone, so all keys beyond a local window are S counts and S means of values.
// q [B,T,H,1,K]; codes [1,1,C,S,K], codes_of [B,T,G,1,1] in [0, S), v [B,T,G,1,D], C and G dividing H; bias as in attention.hpp, or {}: added within the window alone.
template <class S, class Z = const std::int32_t, class B = S> struct VqInputs {
  View<S> q{}, codes{}, v{};
  View<B> bias{};
  View<Z> codes_of{};
};

// What a call carries to the next: counts and means of all tokens older than the last `window`, and codes and values of these. A value: copy it to fork, keep it to roll back.
template <class T> class VqState {
 public:
  VqState(Index sequences, Index heads, Index codes, Index values, Index window)
      : counts_(sequences, 1, heads, 1, codes), means_(sequences, 1, heads, codes, values), recent_codes_(sequences, window, heads, 1), recent_values_(sequences, window, heads, values), recent_(to_size(sequences)) { clear(); }
  void clear() { counts_.fill(0), means_.fill(T(0)), recent_codes_.fill(0), recent_values_.fill(T(0)), std::fill(recent_.begin(), recent_.end(), 0); }

  View<const double> counts() const { return counts_.view(); }      // [N,1,G,1,S]
  View<const T> means() const { return means_.view(); }             // [N,1,G,S,D]; 0 where nothing was counted
  Index recent(Index sequence) const { return recent_[to_size(sequence)]; }      // tokens in the window, oldest first
  View<const std::int32_t> recent_codes() const { return recent_codes_.view(); }
  View<const T> recent_values() const { return recent_values_.view(); }
  Index window() const { return recent_codes_.view().time(); }

  // What attend_vq leaves of a head, and then how many recent tokens a sequence has.
  void store(Index sequence, Index head, const double* counts, const T* means, Index pitch, const std::vector<std::int32_t>& codes, const std::vector<T>& values) {
    const Index all = counts_.view().feature(), width = means_.view().feature();
    for (Index s = 0; s < all; ++s) {
      counts_.view()(sequence, 0, head, s) = counts[s];
      for (Index c = 0; c < width; ++c) means_.view().at(sequence, 0, head, s, c) = means[s * pitch + c];
    }
    for (Index e = 0; e < Index(codes.size()); ++e) {
      recent_codes_.view()(sequence, e, head, 0) = codes[to_size(e)];
      for (Index c = 0; c < width; ++c) recent_values_.view()(sequence, e, head, c) = values[to_size(e * width + c)];
    }
  }
  void recent(Index sequence, Index tokens) { recent_[to_size(sequence)] = tokens; }

 private:
  Buffer<double> counts_;
  Buffer<T> means_;
  Buffer<std::int32_t> recent_codes_;
  Buffer<T> recent_values_;
  std::vector<Index> recent_;
};

template <class T> struct VqAttentionOptions {
  double scale = 0;                          // of q . code; 0: K^-1/2
  bool causal = true;
  Index window = 0;                          // keys at |s - t| <= window have a bias, and are never counted: local keys
  bool far = true;                           // false: keys beyond the window are not seen at all
  Index block = 64;                          // queries of a block, whose local keys begin `window` before its first
  Index stretch = 1024;                      // tokens of a stretch: stretches run side by side, each from the merged counts and means before it
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
  const VqState<T>* initial = nullptr;       // causal calls alone
  VqState<T>* final = nullptr;               // may be `initial`
  std::span<std::byte> workspace{};
};

inline namespace LCSM_ARCH {
namespace attention {

// Counts and means of one head. Two of them merge, in any grouping: n = n1 + n2, u = (n1 u1 + n2 u2) / n.
template <class T> struct VqMemory {
  Index codes, values, pitch;
  double* count;
  T* mean;
  VqMemory(Arena& arena, Index all, Index wide) : codes(all), values(wide), pitch(round_up(wide, simd::width<Batch<T>>)), count(arena.take<double>(all)), mean(arena.take<T>(all * pitch)) {}
  void clear() const { std::fill_n(count, codes, 0.0), std::fill_n(mean, codes * pitch, T(0)); }
  void copy_from(const VqMemory& other) const { std::copy_n(other.count, codes, count), std::copy_n(other.mean, codes * pitch, mean); }
  // value: padded with zeros.
  void add(Index code, const T* value) const {
    const double n = ++count[code];
    T* u = mean + code * pitch;
    const T by = static_cast<T>(1 / n);
    for_lanes<T>(pitch, [&]<class V>(std::type_identity<V>, Index c) {
      const V m = simd::load<V>(u + c);
      simd::store(u + c, simd::fma(V(simd::load<V>(value + c) - m), V(by), m));
    });
  }
  void merge(const VqMemory& other) const {
    for (Index s = 0; s < codes; ++s) {
      if (other.count[s] == 0) continue;
      const double n = count[s] + other.count[s];
      const T by = static_cast<T>(other.count[s] / n);
      T *u = mean + s * pitch, *w = other.mean + s * pitch;
      for_lanes<T>(pitch, [&]<class V>(std::type_identity<V>, Index c) {
        const V m = simd::load<V>(u + c);
        simd::store(u + c, simd::fma(V(simd::load<V>(w + c) - m), V(by), m));
      });
      count[s] = n;
    }
  }
  // What the other has comes first.
  void merge_behind(const VqMemory& other) const {
    for (Index s = 0; s < codes; ++s) {
      const double n = count[s] + other.count[s];
      if (n == 0) continue;
      const T by = static_cast<T>(count[s] / n);
      T *u = mean + s * pitch, *w = other.mean + s * pitch;
      for_lanes<T>(pitch, [&]<class V>(std::type_identity<V>, Index c) {
        const V m = simd::load<V>(w + c);
        simd::store(u + c, simd::fma(V(simd::load<V>(u + c) - m), V(by), m));
      });
      count[s] = n;
    }
  }
  void swap(const VqMemory& other) const { std::swap_ranges(count, count + codes, other.count), std::swap_ranges(mean, mean + codes * pitch, other.mean); }
  void load(const View<const double>& counts, const View<const T>& means, Index sequence, Index head) const {
    for (Index s = 0; s < codes; ++s) {
      count[s] = counts(sequence, 0, head, s);
      for (Index c = 0; c < values; ++c) mean[s * pitch + c] = means.at(sequence, 0, head, s, c);
    }
  }
};

// One head of one sequence as positions: the tokens that the state still holds come first.
template <class T, class In> class VqHead {
 public:
  VqHead(const In& in, const Run& run, const VqState<T>* state) : in_(in), run_(run), state_(state), recent_(state ? state->recent(run.sequence) : 0), group_(stage::group_of(in.codes_of, run)) {}
  Index recent() const { return recent_; }
  Index length() const { return recent_ + run_.time.length; }
  Index code(Index e) const {
    if (e < recent_) return state_->recent_codes()(run_.sequence, e, group_, 0);
    return Index(in_.codes_of(run_.batch, run_.time.token(e - recent_), group_, 0));
  }
  void value(Index e, Index values, Index pitch, T* to) const {
    if (e < recent_) for (Index c = 0; c < values; ++c) to[c] = state_->recent_values()(run_.sequence, e, group_, c);
    else for (Index c = 0; c < values; ++c) to[c] = stage::convert<T>(in_.v(run_.batch, run_.time.token(e - recent_), stage::group_of(in_.v, run_), c));
    std::fill(to + values, to + pitch, T(0));
  }
  Index group() const { return group_; }

 private:
  const In& in_;
  const Run& run_;
  const VqState<T>* state_;
  Index recent_, group_;
};

// The queries of one block, some rows at a time: logits against all codes, which are those of the local keys, too, and what is read, as matrix products.
template <class T> class VqBlock {
  using V = Batch<T>;
  static constexpr T lowest = -std::numeric_limits<T>::infinity();

 public:
  static constexpr Index most = 24;                         // rows at a time: two tiles of a product

  VqBlock(Arena& arena, const Sizes& n, Index codes, Index window, Index block)
      : n_(n), codes_(codes), window_(window), padded_(round_up(codes, simd::width<V>)), pitch_(round_up(n.values, simd::width<V>)), room_((std::min)(2 * window + block + 1, window + n.keys)), book_(arena.take<T>(n.width * padded_)), query_(arena.take<T>(most * n.width)),
        x_(arena.take<T>(most * padded_)), far_(arena.take<T>(most * padded_)), log_count_(arena.take<T>(padded_)), local_(arena.take<T>(room_)), value_(arena.take<T>(room_ * pitch_)), code_(arena.take<Index>(room_)), out_(arena.take<T>(most * pitch_)) {}

  template <class In> void begin(const In& in, const Run& run) {
    for (Index k = 0; k < n_.width; ++k) {
      for (Index s = 0; s < codes_; ++s) book_[k * padded_ + s] = stage::convert<T>(in.codes.at(0, 0, stage::group_of(in.codes, run), s, k));
      std::fill(book_ + k * padded_ + codes_, book_ + (k + 1) * padded_, T(0));
    }
  }
  // The local keys of a block, [first, last) of the head.
  template <class Head> void keys(const Head& head, Index first, Index last) {
    first_ = first;
    for (Index e = first; e < last; ++e) code_[e - first] = head.code(e), head.value(e, n_.values, pitch_, value_ + (e - first) * pitch_);
  }
  void memory(const VqMemory<T>& m) {
    for (Index s = 0; s < codes_; ++s) log_count_[s] = m.count[s] > 0 ? static_cast<T>(std::log(m.count[s])) : lowest;
    std::fill(log_count_ + codes_, log_count_ + padded_, lowest);
  }
  // The logits of `count` queries against all codes; token(r) is that of row r.
  template <class In, class Token> void queries(const In& in, const Run& run, Index count, Token&& token) {
    for (Index r = 0; r < count; ++r)
      for (Index k = 0; k < n_.width; ++k) query_[r * n_.width + k] = static_cast<T>(n_.scale * stage::convert<double>(in.q(run.batch, token(r), stage::group_of(in.q, run), k)));
    multiply(query_, n_.width, Index(1), book_, padded_, x_, padded_, count, padded_, n_.width);
  }
  // What row r, query e of the head, makes of codes with their counts, in place, and of the local keys [begin, end) that it sees: logits less the largest of both (or less nothing, if there
  // is none, or nothing but -infinity), then exp of them. Their sum.
  template <class In> T exponentials(const In& in, const Run& run, Index token, Index r, Index e, Index begin, Index end, const VqMemory<T>* memory) {
    T* const far = far_ + r * padded_;
    const T* const x = x_ + r * padded_;
    V most_far(lowest);
    for (Index s = 0; memory && s < padded_; s += simd::width<V>) {
      const V logit = simd::load<V>(x + s) + simd::load<V>(log_count_ + s);
      simd::store(far + s, logit), most_far = (simd::max)(most_far, logit);
    }
    T top = memory ? simd::max_lane(most_far) : lowest;
    for (Index s = begin; s < end; ++s) {
      T logit = x[code_[s - first_]];
      if (const Index offset = n_.bias + s - e; std::abs(s - e) <= window_ && offset >= 0 && offset <= 2 * n_.bias)
        logit += stage::convert<T>(in.bias(in.bias.batch() == 1 ? 0 : run.batch, in.bias.time() == 1 ? 0 : token, stage::group_of(in.bias, run), offset));
      local_[s - begin] = logit, top = logit > top ? logit : top;
    }
    if (top == lowest) top = T(0);
    V all(T(0));
    for (Index s = 0; memory && s < padded_; s += simd::width<V>) {
      const V weight = math::exp(simd::load<V>(far + s) - V(top));
      simd::store(far + s, weight), all = all + weight;
    }
    T sum = simd::sum(all);
    for (Index s = begin; s < end; ++s) local_[s - begin] = math::exp(local_[s - begin] - top), sum += local_[s - begin];
    return sum;
  }
  // The rows [first, last) of the head, whose first token is `recent`; seen(e) are the local keys that row e sees.
  template <class In, class Seen, class S> void rows(const In& in, const Run& run, Index recent, Index first, Index last, Seen&& seen, const VqMemory<T>* memory, const View<S>& y) {
    for (; first < last; first += most) {
      const Index count = (std::min)(most, last - first);
      const auto token = [&](Index r) { return run.time.token(first + r - recent); };
      queries(in, run, count, token);
      for (Index r = 0; r < count; ++r) {
        const std::pair<Index, Index> local = seen(first + r);
        const Index begin = local.first, end = local.second;
        const T all = exponentials(in, run, token(r), r, first + r, begin, end, memory);
        T* const out = out_ + r * pitch_;
        std::fill_n(out, pitch_, T(0));
        for (Index s = begin; s < end; ++s)
          for_lanes<T>(pitch_, [&]<class U>(std::type_identity<U>, Index c) { simd::store(out + c, simd::fma(U(local_[s - begin]), simd::load<U>(value_ + (s - first_) * pitch_ + c), simd::load<U>(out + c))); });
        by_[r] = all == T(0) ? T(1) : all;
      }
      if (memory) multiply_add(far_, padded_, Index(1), memory->mean, memory->pitch, out_, pitch_, count, pitch_, codes_);
      for (Index r = 0; r < count; ++r) {
        const Row<S> to{y.data + y.offset(run.batch, token(r), run.head, 0, 0), y.stride[4]};
        for_lanes<T>(n_.values, [&]<class U>(std::type_identity<U>, Index c) { to.put(c, U(simd::load<U>(out_ + r * pitch_ + c) / U(by_[r]))); });
      }
    }
  }
  // One row's weights, which add up to 1: of code s, of local key e, in place.
  template <class In> void weights(const In& in, const Run& run, Index token, Index e, Index begin, Index end, const VqMemory<T>* memory) {
    queries(in, run, 1, [&](Index) { return token; });
    const T all = exponentials(in, run, token, 0, e, begin, end, memory), by = all == T(0) ? T(1) : T(1) / all;
    for (Index s = 0; memory && s < codes_; ++s) far_[s] *= by;
    for (Index s = begin; s < end; ++s) local_[s - begin] *= by;
  }
  const T* far() const { return far_; }
  const T* local() const { return local_; }                 // from `begin` on
  const T* value(Index e) const { return value_ + (e - first_) * pitch_; }
  Index code(Index e) const { return code_[e - first_]; }
  T book(Index code, Index k) const { return book_[k * padded_ + code]; }
  T query(Index k) const { return query_[k]; }              // times the scale

 private:
  const Sizes& n_;
  Index codes_, window_, padded_, pitch_, room_, first_ = 0;
  T *book_, *query_, *x_, *far_, *log_count_, *local_, *value_;
  Index* code_;
  T* out_;
  T by_[most] = {};
};

template <class In, class Y, class T> Sizes check_vq(const char* function, const In& in, const View<Y>& y, const VqAttentionOptions<T>& o) {
  // The shapes of attention, with codes in the place of keys.
  struct { decltype(in.q) q; decltype(in.q) k; decltype(in.v) v; decltype(in.bias) bias; } as_attention{in.q, in.q, in.v, in.bias};
  const AttentionOptions options{.scale = o.scale, .causal = o.causal, .sequences = o.sequences, .mask = o.mask, .direction = o.direction};
  as_attention.k.extent[2] = in.codes_of.head();
  Sizes n = check(function, "y", as_attention, y, options, false);
  vq::check(function, "q", in.q, in.codes, {});
  const Index extent[] = {n.batch, n.queries, in.codes_of.head(), 1, 1};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, "codes_of", in.codes_of, a, extent[a], true);
  door::data(function, "codes_of", in.codes_of), door::grouped_heads(function, "codes_of", in.codes_of, n.heads);
  n.groups = in.codes_of.head();
  for (const Timeline& time : n.streams)
    for (Index j = 0; j < time.length; ++j)
      for (Index g = 0; g < n.groups; ++g) {
        const Index b = n.packed ? 0 : Index(&time - n.streams.data()), code = Index(in.codes_of(b, time.token(j), g, 0));
        if (code < 0 || code >= in.codes.row()) raise<ShapeError>(function, "codes_of", "codes in [0, " + door::text(in.codes.row()) + ")", door::text(code) + " at token " + door::text(time.token(j)));
      }
  if (o.window < 0) raise<OptionError>(function, "window", "0 or more", door::text(o.window));
  if (o.block < 1) raise<OptionError>(function, "block", "at least 1", door::text(o.block));
  if (o.stretch < 1) raise<OptionError>(function, "stretch", "at least 1", door::text(o.stretch));
  for (const auto& [name, s] : {std::pair<const char*, const VqState<T>*>{"initial", o.initial}, {"final", o.final}}) {
    if (!s) continue;
    if (!o.causal) raise<OptionError>(function, name, "none without causality", "one");
    const Index want[] = {Index(n.streams.size()), 1, n.groups, in.codes.row(), n.values};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, s->means(), a, want[a], false);
    if (s->window() != o.window) raise<ShapeError>(function, name, "a window of " + door::text(o.window), door::text(s->window()));
  }
  return n;
}

}  // namespace attention
}  // namespace LCSM_ARCH
}  // namespace lcsm
