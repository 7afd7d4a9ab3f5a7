// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/call/convolution_options.hpp>
#include <lcsm/stage/leaf.hpp>

namespace lcsm {

inline namespace LCSM_ARCH {
namespace short_window {

// Numbers of any storage type and stride as lanes.
template <class V, class S> LCSM_INLINE V gather(const S* from, Index stride) noexcept {
  using T = simd::scalar_t<V>;
  if constexpr (simd::width<V> == 1) return stage::convert<T>(*from);
  else {
    if constexpr (std::is_same_v<std::remove_const_t<S>, T>)
      if (stride == 1) return simd::load<V>(from);
    alignas(64) T lanes[simd::width<V>];
    for (Index n = 0; n < simd::width<V>; ++n) lanes[n] = stage::convert<T>(from[n * stride]);
    return simd::load<V>(lanes);
  }
}

// One token of all heads as numbers of T, features side by side.
template <class T> struct Token {
  const T* data = nullptr;
  Index head = 0;                                           // stride
};

// The parameters of all heads, tap by tap, so that lanes are channels.
template <class T> struct Taps {
  Index count, heads, features, pitch;
  T *weight, *bias, *zeros;
  Index used;

  Taps(Arena arena, Index taps, Index head_count, Index feature_count)
      : count(taps), heads(head_count), features(feature_count), pitch(round_up(feature_count, 64 / Index(sizeof(T)))),
        weight(arena.take<T>(heads * taps * pitch)), bias(arena.take<T>(heads * pitch)), zeros(arena.take<T>(pitch)), used(arena.used()) {}

  template <class P, class Q> void fill(const View<P>& w, const View<Q>& b) const {
    for (Index h = 0; h < heads; ++h) {
      const Index hw = w.head() == 0 ? 0 : h / (heads / w.head()), hb = b.head() == 0 ? 0 : h / (heads / b.head());
      for (Index k = 0; k < count; ++k)
        for (Index d = 0; d < features; ++d) weight[(h * count + k) * pitch + d] = stage::convert<T>(w.data[w.offset(0, 0, hw, d, k)]);
      for (Index d = 0; d < features; ++d) bias[h * pitch + d] = b ? stage::convert<T>(b.data[b.offset(0, 0, hb, 0, d)]) : T(0);
    }
    std::fill_n(zeros, pitch, T(0));
  }
};

// The inputs of one sequence along its timeline, those before its first token included: read in place where they can be used as they stand,
// else converted into a ring of as many rows as there are taps.
template <class T, class X> class Inputs {
 public:
  static bool in_place(const View<X>& x, Index features) {
    return std::is_same_v<std::remove_const_t<X>, T> && (features == 1 || (x.stride[4] == 1 && x.feature() == features));
  }
  static Index ring_size(const View<X>& x, const Taps<T>& taps) { return in_place(x, taps.features) ? 0 : taps.count * taps.heads * taps.pitch; }

  Inputs(const View<X>& x, const View<const T>& initial, const Taps<T>& taps, const Timeline& time, Index batch, Index sequence, T* ring)
      : x_(x), initial_(initial), taps_(taps), time_(time), batch_(batch), sequence_(sequence), ring_(ring), in_place_(in_place(x, taps.features)) {}

  const Timeline& time() const noexcept { return time_; }
  // Whether any number of tokens is alive at a time.
  bool keeps() const noexcept { return in_place_; }
  // Token j of the timeline; -1 is the newest number of the initial state. At most `count` tokens in a row are alive at a time.
  Token<T> token(Index j) const {
    if (j < 0 && !initial_) return {taps_.zeros, 0};
    if (j < 0) return {initial_.data + initial_.offset(sequence_, 0, 0, taps_.count - 1 + j, 0), initial_.stride[2]};
    const X* from = x_.data + x_.offset(batch_, time_.token(j), 0, 0, 0);
    if constexpr (std::is_same_v<std::remove_const_t<X>, T>)
      if (in_place_) return {from, x_.stride[2]};
    T* to = ring_ + j % taps_.count * taps_.heads * taps_.pitch;
    for (Index h = 0; h < taps_.heads; ++h)
      for (Index d = 0; d < taps_.features; ++d) to[h * taps_.pitch + d] = stage::convert<T>(from[h * x_.stride[2] + d * x_.stride[4]]);
    return {to, taps_.pitch};
  }

 private:
  const View<X>& x_;
  const View<const T>& initial_;
  const Taps<T>& taps_;
  const Timeline& time_;
  Index batch_, sequence_;
  T* ring_;
  bool in_place_;
};

// One token of one head. The sum starts with the bias and goes from the oldest tap to the present one, one fused product each: whoever computes
// it, and however a sequence is cut, the bits are the same.
template <class Activation, class T, class S> void row(const Token<T>* window, const Taps<T>& taps, Index h, const Row<S>& y) {
  const T* bias = taps.bias + h * taps.pitch;
  const T* weight = taps.weight + h * taps.count * taps.pitch;
  for_lanes<T>(taps.features, [&]<class V>(std::type_identity<V>, Index c) {
    V sum = simd::load<V>(bias + c);
    for (Index k = 0; k < taps.count; ++k) {
      const V x = simd::load<V>(window[k].data + h * window[k].head + c);
      sum = simd::fma(simd::load<V>(weight + k * taps.pitch + c), x, sum);
    }
    y.put(c, V(Activation::apply(sum)));
  });
}
// The same of R tokens one after the other and 4 taps: every input and weight is loaded once for all of them. window: the 3 inputs before the first token, then theirs.
template <class Activation, int R, class T, class S> void rows_of_four(const Token<T>* window, const Taps<T>& taps, Index h, const Row<S>* y) {
  const T *const bias = taps.bias + h * taps.pitch, *const weight = taps.weight + h * 4 * taps.pitch;
  const T* x[R + 3];
  for (int r = 0; r < R + 3; ++r) x[r] = window[r].data + h * window[r].head;
  Row<S> out[R];
  std::copy_n(y, R, out);
  for_lanes<T>(taps.features, [&]<class V>(std::type_identity<V>, Index c) {
    const V w[] = {simd::load<V>(weight + c), simd::load<V>(weight + taps.pitch + c), simd::load<V>(weight + 2 * taps.pitch + c), simd::load<V>(weight + 3 * taps.pitch + c)}, b = simd::load<V>(bias + c);
    V in[R + 3];
#pragma GCC unroll 8
    for (int r = 0; r < R + 3; ++r) in[r] = simd::load<V>(x[r] + c);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      V sum = b;
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) sum = simd::fma(w[k], in[r + k], sum);
      out[r].put(c, V(Activation::apply(sum)));
    }
  });
}

// The tokens [first, first + count) of a timeline, time outside and the whole width inside. window: of taps - 1 + several tokens.
inline constexpr Index several = 4;
template <class Activation, class T, class X, class S>
LCSM_NOINLINE void tokens(const Inputs<T, X>& in, const Taps<T>& taps, const View<S>& y, Index batch, Index first, Index count, Token<T>* window, bool streamed) {
  const Index past = taps.count - 1;
  for (Index k = 0; k < past; ++k) window[k] = in.token(first - past + k);
  const auto out = [&](Index j, Index h) { return Row<S>{y.data + y.offset(batch, in.time().token(j), h, 0, 0), y.stride[4], 0, streamed}; };
  for (Index j = first, done = 1; j < first + count; j += done) {
    done = taps.count == 4 && in.keeps() && j + several <= first + count ? several : 1;
    for (Index r = 0; r < done; ++r) window[past + r] = in.token(j + r);
    for (Index h = 0; h < taps.heads; ++h) {
      if (done == 1) row<Activation>(window, taps, h, out(j, h));
      else {
        Row<S> rows[several];
        for (Index r = 0; r < several; ++r) rows[r] = out(j + r, h);
        rows_of_four<Activation, int(several)>(window, taps, h, rows);
      }
    }
    for (Index k = 0; k < past; ++k) window[k] = window[k + done];
  }
  if (streamed) simd::stream_fence();
}

// The last inputs. Going from old to new, a state may move on in its own place.
template <class T, class X> void last_inputs(const Inputs<T, X>& in, const Taps<T>& taps, const View<T>& final, Index sequence) {
  const Index past = taps.count - 1;
  for (Index r = 0; r < past; ++r) {
    const Token<T> from = in.token(in.time().length - past + r);
    for (Index h = 0; h < taps.heads; ++h) {
      T* to = final.data + final.offset(sequence, 0, h, r, 0);
      if (const T* row = from.data + h * from.head; row != to) std::copy_n(row, taps.features, to);
    }
  }
}

// Stored as the weight is; not deduced, so that {} says none.
template <class P> using Bias = std::type_identity_t<View<const std::remove_const_t<P>>>;

// A checked call: nothing is written before it stands. y, or its cotangent in an adjoint, says how large it is.
template <class T> struct Call {
  static constexpr Index block = 128;                       // tokens of one item of work
  struct Part { Index sequence, first; };
  const ConvolutionOptions<T>& options;
  std::vector<Index> table;
  std::vector<Timeline> streams;
  std::vector<Part> parts;

  template <class X, class P, class Q, class S>
  Call(const char* function, const View<X>& x, const View<P>& weight, const View<Q>& bias, const View<S>& y, const ConvolutionOptions<T>& opt,
       const char* output = "y")
      : options(opt) {
    const Index batch = y.batch(), tokens = y.time(), heads = y.head(), features = y.feature();
    door::data(function, output, y), door::axis(function, output, y, 3, 1, true);
    if constexpr (!std::is_const_v<S>) door::output_axes(function, output, y);
    streams = door::timelines(function, batch, tokens, opt, table);
    const Index of_x[] = {batch, tokens, heads, 1, features};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, "x", x, a, of_x[a], true);
    door::data(function, "x", x);
    door::axis(function, "weight", weight, 0, 1, true), door::axis(function, "weight", weight, 1, 1, true);
    door::grouped_heads(function, "weight", weight, heads), door::axis(function, "weight", weight, 3, features, true);
    if (weight.feature() < 1) raise<ShapeError>(function, "weight", "a feature extent of at least 1 tap", door::text(weight.feature()));
    door::data(function, "weight", weight);
    if (given(bias)) {
      for (std::size_t a : {0u, 1u, 3u}) door::axis(function, "bias", bias, a, 1, true);
      door::grouped_heads(function, "bias", bias, heads), door::axis(function, "bias", bias, 4, features, true);
      door::data(function, "bias", bias);
    }
    const Index sequences = Index(streams.size()), past = weight.feature() - 1;
    if (given(opt.initial)) door::component(function, "options", "initial", opt.initial, sequences, heads, past, features);
    if (given(opt.final)) {
      door::component(function, "options", "final", opt.final, sequences, heads, past, features);
      door::output_axes(function, "options.final", opt.final);
    }
    for (Index n = 0; n < sequences; ++n)
      for (Index first = 0; first < streams[to_size(n)].length; first += block) parts.push_back({n, first});
  }
  Index batch(Index sequence) const { return options.sequences.given() ? 0 : sequence; }
};

}  // namespace short_window

// The short causal depthwise convolution in front of Mamba (arXiv:2312.00752), gated linear attention, the delta rules and others:
//
//   y_t[d] = f(bias[d] + sum over j = 0 .. W - 1 of weight[d, j] x_{t - (W - 1) + j}[d])
//
// x, y [B, T, H, 1, D]; weight [H, D, W] as parameter(data, H, D, W), the last tap being that of the present token (PyTorch's conv1d); bias
// parameter(data, H, D), or {} for none. The parameters' heads may be fewer, and divide those of y; an axis of x, and the channels of a
// parameter, may repeat (extent 1, stride 0). f is a map of stage/maps.hpp: map::Identity, map::Silu ... Any W >= 1, T >= 0 and strides.
//
// Splitting a call anywhere and carrying the state changes no bit, nor does the number of threads, nor `short_convolution_step` instead. A sum is
// within W eps times the sum of the absolute values of its terms (W fused products from the bias on), before f. A NaN reaches the windows that
// hold it and the state, no other channel or sequence. x and y must not overlap. Parallel over sequences and blocks of tokens. Throws before
// anything is written: ShapeError for views, SequenceError for offsets and masks.
template <class Activation = map::Identity, class Exec, class X, class P, class S, class T = storage_compute_t<S>>
void short_convolution(const Exec& exec, const View<X>& x, const View<P>& weight, const short_window::Bias<P>& bias, const View<S>& y,
                       const ConvolutionOptions<T>& options = {}) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "lcsm::short_convolution: computes in float or double");
  const short_window::Call<T> call("short_convolution", x, weight, bias, y, options);
  const Index taps_count = weight.feature(), parts = Index(call.parts.size()), sequences = Index(call.streams.size());
  const short_window::Taps<T> counting({}, taps_count, y.head(), y.feature());
  const Index ring_size = short_window::Inputs<T, X>::ring_size(x, counting);
  Arena of_worker;
  of_worker.take<T>(ring_size), of_worker.take<short_window::Token<T>>(taps_count + short_window::several);

  const Workspace workspace("short_convolution", {}, of_worker.used(), exec.workers((std::max)(parts, sequences)), counting.used);
  const short_window::Taps<T> taps(workspace.shared(), taps_count, y.head(), y.feature());
  taps.fill(weight, bias);
  const auto inputs = [&](Index sequence, T* ring) {
    return short_window::Inputs<T, X>(x, options.initial, taps, call.streams[to_size(sequence)], call.batch(sequence), sequence, ring);
  };

  zero_padding(call, y);
  const bool streamed = streams(y, Tuning{}, 1);
  exec.for_each(parts, [&](Index n, Index worker) {
    const auto [sequence, first] = call.parts[to_size(n)];
    Arena arena = workspace.arena(worker);
    T* ring = arena.template take<T>(ring_size);
    auto* window = arena.template take<short_window::Token<T>>(taps_count + short_window::several);
    const Index count = (std::min)(call.block, call.streams[to_size(sequence)].length - first);
    short_window::tokens<Activation>(inputs(sequence, ring), taps, y, call.batch(sequence), first, count, window, streamed);
  });
  if (!options.final) return;
  exec.for_each(sequences, [&](Index n, Index worker) {     // after all windows: the initial state may be the final one
    Arena arena = workspace.arena(worker);
    short_window::last_inputs(inputs(n, arena.template take<T>(ring_size)), taps, options.final, n);
  });
}

// One token of every sequence: x_t and y_t are [N, 1, H, 1, D] (and may be one), state is [N, 1, H, W - 1, D] and moves on by one token. The same
// sums as above, bit for bit. Allocates nothing and throws nothing: shapes are asserted. A weight whose channels lie side by side (a view
// with row stride 1) is read in lanes.
template <class Activation = map::Identity, class X, class P, class S, class T>
void short_convolution_step(const View<X>& x, const View<P>& weight, const short_window::Bias<P>& bias, const View<S>& y, const View<T>& state) noexcept {
  const Index heads = y.head(), features = y.feature(), past = weight.feature() - 1;
  LCSM_ASSERT(y.time() == 1 && past >= 0 && (heads == 0 || (weight.head() > 0 && heads % weight.head() == 0)));
  LCSM_ASSERT(past == 0 || (state.batch() == y.batch() && state.head() == heads && state.row() == past && state.feature() == features));
  LCSM_ASSERT(past == 0 || features < 2 || state.stride[4] == 1);
  for (Index n = 0; n < y.batch(); ++n)
    for (Index h = 0; h < heads; ++h) {
      const P* w = weight.data + weight.offset(0, 0, h / (heads / weight.head()), 0, 0);
      const P* b = bias ? bias.data + bias.offset(0, 0, h / (heads / bias.head()), 0, 0) : nullptr;
      const X* from = x.data + x.offset(n, 0, h, 0, 0);
      T* memory = past > 0 ? state.data + state.offset(n, 0, h, 0, 0) : nullptr;
      const Row<S> out{y.data + y.offset(n, 0, h, 0, 0), y.stride[4]};
      for_lanes<T>(features, [&]<class V>(std::type_identity<V>, Index c) {
        const auto weight_at = [&](Index k) { return short_window::gather<V>(w + c * weight.stride[3] + k * weight.stride[4], weight.stride[3]); };
        V sum = b ? short_window::gather<V>(b + c * bias.stride[4], bias.stride[4]) : V(T(0));
        const V now = short_window::gather<V>(from + c * x.stride[4], x.stride[4]);
        for (Index k = 0; k < past; ++k) {
          T* place = memory + k * state.stride[3] + c;
          sum = simd::fma(weight_at(k), simd::load<V>(place), sum);
          simd::store(place, k + 1 < past ? simd::load<V>(place + state.stride[3]) : now);
        }
        out.put(c, V(Activation::apply(simd::fma(weight_at(past), now, sum))));
      });
    }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
