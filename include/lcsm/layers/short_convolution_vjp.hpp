// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/gradients.hpp>
#include <lcsm/call/sum_onto.hpp>
#include <lcsm/layers/short_convolution.hpp>

#include <algorithm>

namespace lcsm {

// Gradients of a short convolution, which are written in full. Any aggregate with members of these names will do; a null view, or no member, asks for
// nothing. The bias has a gradient where none was given, too: that of a bias of 0.
template <class S, class P = S> struct ConvolutionGradients {
  View<S> x{};
  View<P> weight{}, bias{};
};

inline namespace LCSM_ARCH {
namespace short_window {

// What the gradients are of, to the checks of all gradients: keys are channels, values are taps.
namespace in { LCSM_NAME(x); LCSM_NAME(weight); LCSM_NAME(bias); }
template <class F> void each_leaf(F&& f) {
  f.template operator()<Data<in::x>>(), f.template operator()<Learned<in::weight, Axes::matrix>>(), f.template operator()<Learned<in::bias>>();
}

// Some channels of one head; an axis that repeats stays as it is.
template <class T> View<T> strip_of(View<T> v, Index head, Index first, Index count) {
  if (v && v.head() > 1) v = v.heads(head, 1);
  if (v && v.feature() > 1) v = v.features(first, count);
  return v;
}
template <class T> Taps<T> strip_of(Taps<T> taps, Index head, Index first, Index count) {
  taps.weight += head * taps.count * taps.pitch + first, taps.bias += head * taps.pitch + first;
  taps.heads = 1, taps.features = count;
  return taps;
}

template <class V> LCSM_INLINE void add_product(double* to, V a, V b) {
  if constexpr (std::is_same_v<simd::scalar_t<V>, double>) simd::store(to, simd::fma(a, b, simd::load<V>(to)));
  else {                                                    // exact in double
    using Wide = simd::Doubles<V>;
    const auto p = simd::widen(a), q = simd::widen(b);
    for (std::size_t n = 0; n < p.size(); ++n, to += simd::width<Wide>) simd::store(to, simd::fma(p[n], q[n], simd::load<Wide>(to)));
  }
}

// The adjoint of `row` for one token of a strip. window[k] is input k of its window, bars[k] the cotangent of that, row k of sums that of tap k; the
// bias comes after the taps. Input 0 has had no cotangent before, and the last one gets no more: it goes out. Known: the number of taps, or 0.
template <class Activation, Index Known, class T, class Y, class S>
void pull(const Taps<T>& taps, const Token<T>* window, T* const* bars, const Row<Y>& y_bar, const Row<S>& x_bar, double* sums) {
  const Index count = Known > 0 ? Known : taps.count, pitch = taps.pitch;
  const T *const bias = taps.bias, *const weight = taps.weight;
  const T* inputs[Known > 0 ? Known : 1];                   // in registers, as in `row`
  T* pulled[Known > 0 ? Known : 1];
  for (Index k = 0; k < Known; ++k) inputs[k] = window[k].data, pulled[k] = bars ? bars[k] : nullptr;
  const auto input = [&](Index k) { if constexpr (Known > 0) return inputs[k]; else return window[k].data; };
  const auto pulled_to = [&](Index k) { if constexpr (Known > 0) return pulled[k]; else return bars[k]; };
  for_lanes<T>(taps.features, [&]<class V>(std::type_identity<V>, Index c) {
    V bar = gather<V>(y_bar.data + c * y_bar.stride, y_bar.stride);
    if constexpr (!std::is_same_v<Activation, map::Identity>) {
      V sum = simd::load<V>(bias + c);
      for (Index k = 0; k < count; ++k) sum = simd::fma(simd::load<V>(weight + k * pitch + c), simd::load<V>(input(k) + c), sum);
      bar = V(Activation::vjp(sum, bar));
    }
    if (bars) {
      for (Index k = 0; k < count; ++k) {
        const V total = simd::fma(simd::load<V>(weight + k * pitch + c), bar, k > 0 ? simd::load<V>(pulled_to(k) + c) : V(T(0)));
        if (k + 1 < count) simd::store(pulled_to(k) + c, total);
        else if (x_bar.data) x_bar.put(c, total);
      }
    }
    if (sums) {
      for (Index k = 0; k < count; ++k) add_product(sums + k * pitch + c, bar, simd::load<V>(input(k) + c));
      add_product(sums + count * pitch + c, bar, V(T(1)));
    }
  });
}

// Channels side by side that go back in time together: few enough for their sums to stay in a near cache, enough for rows to be streams.
inline constexpr Index strip_width = 512;

// Scratch of one worker.
template <class T> struct Trace {
  T *ring, *numbers;
  Token<T>* window;
  T** bars;
  Trace(Arena& arena, const Taps<T>& taps)
      : ring(arena.take<T>(taps.count * taps.pitch)), numbers(arena.take<T>(taps.count * strip_width)), window(arena.take<Token<T>>(taps.count)), bars(arena.take<T*>(taps.count)) {}
};

// Cotangents of the inputs [first, end) of one strip of a sequence, newest first; -1 is the newest of the initial state. Later tokens that see these
// inputs are computed again, so blocks of tokens are apart. A cotangent starts from that of the final state and goes from the latest token to the
// earliest: however a sequence is cut, the bits are the same. Null: not wanted.
template <class Activation, class T, class X, class Y, class S>
LCSM_NOINLINE void tokens_vjp(const Inputs<T, X>& inputs, const Taps<T>& taps, const View<Y>& y_bar, const View<S>& x_bar, const ConvolutionCotangents<T>& states,
                              Index batch, Index sequence, Index first, Index end, double* sums, const Trace<T>& trace) {
  const Timeline& time = inputs.time();
  const bool pulls = x_bar || states.initial;
  const Index past = taps.count - 1, top = (std::min)(end + (pulls ? past : 0), time.length) - 1;
  for (Index k = 0; k <= past; ++k) {
    trace.bars[k] = trace.numbers + k * strip_width;
    if (k == 0) continue;
    trace.window[k] = inputs.token(top - past + k);
    const Index row = top + k - time.length;                // in the final state
    if (states.final && row >= 0) std::copy_n(states.final.data + states.final.offset(sequence, 0, 0, row, 0), taps.features, trace.bars[k]);
    else std::fill_n(trace.bars[k], taps.features, T(0));
  }
  for (Index t = top; t >= (std::max)(first, Index(0)); --t) {
    const Index token = time.token(t);
    trace.window[0] = inputs.token(t - past);
    const Row<Y> from{y_bar.data + y_bar.offset(batch, token, 0, 0, 0), y_bar.stride[4]};
    const Row<S> to{x_bar && t < end ? x_bar.data + x_bar.offset(batch, token, 0, 0, 0) : nullptr, x_bar.stride[4]};
    T** const bars = pulls ? trace.bars : nullptr;
    double* const added = t < end ? sums : nullptr;
    if (taps.count == 4) pull<Activation, 4>(taps, trace.window, bars, from, to, added); else pull<Activation, 0>(taps, trace.window, bars, from, to, added);
    std::rotate(trace.bars, trace.bars + past, trace.bars + past + 1);
    for (Index k = past; k > 0; --k) trace.window[k] = trace.window[k - 1];
  }
  if (!states.initial) return;
  for (Index k = past; k > 0; --k) std::copy_n(trace.bars[k], taps.features, states.initial.data + states.initial.offset(sequence, 0, 0, k - 1, 0));
}

// Sums of the taps' and the bias' cotangents: a slice [H, W + 1, D] of doubles for each block of tokens.
template <class T> struct TapSums {
  Index slices, rows, pitch;
  double* numbers;
  TapSums(Arena& arena, const Taps<T>& taps, Index blocks, bool wanted)
      : slices((std::max)(blocks, Index(1))), rows(taps.heads * (taps.count + 1)), pitch(taps.pitch), numbers(arena.take<double>(wanted ? slices * rows * pitch : 0)) {}

  double* slice(Index n) const { return numbers + n * rows * pitch; }
  void clear(Index n) const { std::fill_n(slice(n), rows * pitch, 0.0); }
  // All onto the first, in order.
  template <class Exec> void add_up(const Exec& exec) const {
    exec.for_each(rows, [&](Index row, Index) {
      double* to = numbers + row * pitch;
      for (Index n = 1; n < slices; ++n) {
        const double* from = slice(n) + row * pitch;
        for_lanes<double>(pitch, [&]<class V>(std::type_identity<V>, Index c) { simd::store(to + c, simd::load<V>(to + c) + simd::load<V>(from + c)); });
      }
    });
  }
};

// What all workers see. apart: the gradient of x before it is summed.
template <class T> struct Shared {
  Taps<T> taps;
  TapSums<T> sums;
  T* apart;
  Shared(Arena& arena, const Extent& n, Index blocks, bool sums_taps, bool sums_x, Index batch)
      : taps(arena, n.values, n.heads, n.keys), sums((arena.take<std::byte>(taps.used), arena), taps, blocks, sums_taps),
        apart(arena.take<T>(sums_x ? batch * n.tokens * n.heads * n.keys : 0)) {}
};

template <class Activation, class T, class Exec, class X, class P, class Q, class Y, class G>
void adjoint(const char* function, const Exec& exec, const View<X>& x, const View<P>& weight, const View<Q>& bias, const View<const Y>& y_bar, const G& grads,
             const ConvolutionOptions<T>& options, const ConvolutionCotangents<T>& states) {
  const Call<T> call(function, x, weight, bias, y_bar, options, "y_bar");
  const Index batch = y_bar.batch(), parts = Index(call.parts.size());
  const Extent n{Index(call.streams.size()), y_bar.time(), y_bar.head(), y_bar.feature(), weight.feature()};
  each_leaf([&]<class Leaf>() { door::gradient<Leaf>(function, grads, grads, n, batch, n.tokens); });
  if (given(states.final)) door::component(function, "states", "final", states.final, n.sequences, n.heads, n.values - 1, n.keys);
  if (given(states.initial)) door::component(function, "states", "initial", states.initial, n.sequences, n.heads, n.values - 1, n.keys);

  const auto of_x = gradient_of<in::x>(grads);
  const auto of_weight = gradient_of<in::weight>(grads);
  const auto of_bias = gradient_of<in::bias>(grads);
  const bool sums_taps = of_weight || of_bias, sums_x = of_x && of_x.extent != y_bar.extent;
  Arena counting, counting_shared;
  const Shared<T> sizes(counting_shared, n, parts, sums_taps, sums_x, batch);
  { Trace<T> trace(counting, sizes.taps); }
  const Workspace workspace(function, {}, counting.used(), exec.workers((std::max)(parts, n.sequences)), counting_shared.used());
  Arena arena = workspace.shared();
  const Shared<T> shared(arena, n, parts, sums_taps, sums_x, batch);
  shared.taps.fill(weight, bias);

  // The inputs [first, end) of a sequence, strip by strip.
  const auto go_back = [&](const auto& x_bar, const View<T>& initial_bar, Index sequence, Index first, Index end, double* sums, Index worker) {
    Arena scratch = workspace.arena(worker);
    const Trace<T> trace(scratch, shared.taps);
    for (Index h = 0; h < n.heads; ++h)
      for (Index c = 0; c < n.keys; c += strip_width) {
        const auto part = [&](const auto& v) { return strip_of(v, h, c, (std::min)(strip_width, n.keys - c)); };
        const Taps<T> taps = part(shared.taps);
        const View<X> from = part(x);
        const View<const T> initial = part(options.initial);
        const Inputs<T, X> inputs(from, initial, taps, call.streams[to_size(sequence)], call.batch(sequence), sequence, trace.ring);
        tokens_vjp<Activation>(inputs, taps, part(y_bar), part(x_bar), {part(states.final), part(initial_bar)}, call.batch(sequence), sequence, first, end,
                               sums ? sums + h * (n.values + 1) * shared.taps.pitch + c : nullptr, trace);
      }
  };
  const auto blocks = [&](const auto& x_bar) {
    if (x_bar) zero_padding(call, x_bar);
    exec.for_each(parts, [&](Index p, Index worker) {
      const auto [sequence, first] = call.parts[to_size(p)];
      if (sums_taps) shared.sums.clear(p);
      go_back(x_bar, View<T>{}, sequence, first, (std::min)(first + call.block, call.streams[to_size(sequence)].length), sums_taps ? shared.sums.slice(p) : nullptr, worker);
    });
  };
  if (sums_x) {
    const View<T> apart(shared.apart, y_bar.extent, lcsm::view<T>(nullptr, batch, n.tokens, n.heads, n.keys).stride);
    blocks(apart), sum_onto(exec, of_x, apart);
  } else if (of_x || sums_taps) blocks(of_x);
  if (sums_taps) {
    if (parts == 0) shared.sums.clear(0);
    shared.sums.add_up(exec);
    const Index pitch = shared.taps.pitch, head = (n.values + 1) * pitch;
    if (of_weight) sum_onto(exec, of_weight, View<double>(shared.sums.numbers, {1, 1, n.heads, n.keys, n.values}, {0, 0, head, 1, pitch}));
    if (of_bias) sum_onto(exec, of_bias, View<double>(shared.sums.numbers + n.values * pitch, {1, 1, n.heads, 1, n.keys}, {0, 0, head, 0, 1}));
  }
  if (!states.initial) return;
  exec.for_each(n.sequences, [&](Index sequence, Index worker) {   // after all blocks: the final state's cotangent may be the initial one's
    go_back(View<T>{}, states.initial, sequence, 1 - n.values, 0, nullptr, worker);
  });
}

}  // namespace short_window

// The adjoint of `short_convolution`, whose inputs and options come first and mean the same. y_bar is dL/dy, shaped as y. With c_t the sums before f:
//
//   c_bar_t = f'(c_t) y_bar_t        x_bar_s = sum over j of weight[j] c_bar_{s + (W - 1) - j}, and what the final state's cotangent says of x_s
//   weight_bar[j] = sum over t of c_bar_t x_{t - (W - 1) + j}        bias_bar = sum over t of c_bar_t
//
// Gradients have the shapes of what they are of. An axis of extent 1 and stride 0 is summed over, and so are heads that share a view; tokens that a
// mask takes out get 0. options.initial is what the call began with; options.final is checked and not written. Sums before f are computed again, with
// the bits that they had; f has a `vjp` (stage/maps.hpp). Splitting a call and carrying the states' cotangents changes no bit of x_bar.
//
// With n eps for the error of c_bar: x_bar is within n + W + 1 eps of the sum of the absolute values of its terms, in the type T of the call. Sums of
// weight and bias, and along axes, are in double, block by block of tokens; no thread count changes their order. Scratch: W + 1 doubles for every
// 128 tokens and channel, and an array like x if its gradient is summed. Inputs and outputs must not overlap, but states.final and states.initial may.
// Parallel over sequences and blocks of tokens. Throws ShapeError or SequenceError before anything is written.
template <class Activation = map::Identity, class Exec, class X, class P, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void short_convolution_vjp(const Exec& exec, const View<X>& x, const View<P>& weight, const short_window::Bias<P>& bias, const View<Y>& y_bar, const G& grads,
                           const ConvolutionOptions<T>& options = {}, const std::type_identity_t<ConvolutionCotangents<T>>& states = {}) {
  constexpr bool computes = std::is_same_v<T, float> || std::is_same_v<T, double>, slopes = map::Slope<Activation>::known;
  if constexpr (!computes) static_assert(computes, "lcsm::short_convolution_vjp: computes in float or double");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::short_convolution_vjp: this map has no derivative: give it `template <class V> static V vjp(V raw, V bar)`");
  else short_window::adjoint<Activation, T>("short_convolution_vjp", exec, x, weight, bias, View<const std::remove_const_t<Y>>(y_bar), grads, options, states);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
