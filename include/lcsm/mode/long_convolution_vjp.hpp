// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/gradients.hpp>
#include <lcsm/call/sum_onto.hpp>
#include <lcsm/kernel/toeplitz_vjp.hpp>
#include <lcsm/mode/long_convolution.hpp>

namespace lcsm {

// Gradients of a long convolution, which are written in full. Any aggregate with members of these names will do; a null view, or no member, asks for
// nothing. The skip has a gradient where none was given, too: that of a skip of 0.
template <class S, class P = S> struct LongConvolutionGradients {
  View<S> x{};
  View<P> kernel{}, back{}, skip{};
};

inline namespace LCSM_ARCH {
namespace long_window {

namespace in { LCSM_NAME(x); LCSM_NAME(kernel); LCSM_NAME(back); LCSM_NAME(skip); }

}  // namespace long_window

// The adjoint of `long_convolution`, whose inputs and options come first and mean the same. y_bar is dL/dy, shaped as y:
//
//   x_bar_s = sum over l of kernel_l y_bar_{s+l} + sum over l > 0 of back_l y_bar_{s-l} + skip y_bar_s, and what the final state's cotangent says of x_s
//   kernel_bar_l = sum over t of y_bar_t x_{t-l}        back_bar_l = sum over t of y_bar_t x_{t+l}        skip_bar = sum over t of y_bar_t x_t
//
// Gradients have the shapes of what they are of: x as y, kernel and back as the plan was given them, skip [H, D]. An axis of extent 1 and stride 0 is summed
// over, and so are heads that share a view; tokens that a mask takes out get 0. options.initial is what the call began with; options.final is not looked at.
// x_bar errs as y does, with y_bar in the place of x. Taps' gradients are summed in double from block to block; in Fourier form each block's part is within
// 7 eps log2(N) |y_bar| |w|, in direct form within (count + 2) eps of its terms' sizes. No thread count changes a bit. Inputs and outputs must not overlap, but
// states.final and states.initial may be one. Scratch: the taps' gradients of all channels in double. Parallel over sequences, blocks and groups of channels, and
// for the taps over groups alone. Throws ShapeError or SequenceError before anything is written.
template <class Exec, class T, class X, class Y, class G, class P = const T>
void long_convolution_vjp(const Exec& exec, const ConvolutionPlan<T>& plan, const View<X>& x, const View<P>& skip, const View<Y>& y_bar, const G& grads,
                          const std::type_identity_t<ConvolutionOptions<T>>& options = {}, const std::type_identity_t<ConvolutionCotangents<T>>& states = {}) {
  constexpr const char* function = "long_convolution_vjp";
  using V = Batch<T>;
  using Bars = View<const std::remove_const_t<Y>>;
  const Toeplitz<T>& kernel = plan.toeplitz();
  const long_window::Call<T> call(function, kernel, x, skip, Bars(y_bar), options, "y_bar");
  const Index groups = kernel.groups(), batch = y_bar.batch(), tokens = y_bar.time(), H = kernel.heads(), D = kernel.features(), past = call.past;
  const Index sequences = Index(call.streams.size());
  const auto of_x = gradient_of<long_window::in::x>(grads);
  const auto of_kernel = gradient_of<long_window::in::kernel>(grads);
  const auto of_back = gradient_of<long_window::in::back>(grads);
  const auto of_skip = gradient_of<long_window::in::skip>(grads);
  door::gradient_view(function, "x", of_x, {batch, tokens, H, 1, D});
  door::gradient_view(function, "kernel", of_kernel, {1, kernel.front(), H, 1, D}), door::gradient_view(function, "back", of_back, {1, kernel.back(), H, 1, D});
  door::gradient_view(function, "skip", of_skip, {1, 1, H, 1, D});
  if (given(states.final)) door::component(function, "states", "final", states.final, sequences, H, past, D);
  if (given(states.initial)) door::component(function, "states", "initial", states.initial, sequences, H, past, D);

  const bool wants_taps = of_kernel || of_back || of_skip, sums_x = of_x && of_x.extent != y_bar.extent;
  const std::array<Index, 5> of_y{batch, tokens, H, 1, D};
  const Index lags = kernel.taps() + 1;                     // the skip comes after the taps
  Arena counting, counting_shared;
  { ToeplitzTrace<T> trace(counting, kernel, wants_taps); }
  counting.template take<T>(states.initial && states.final ? past * simd::width<V> : 0), counting.template take<std::byte>(kernel.scratch());
  const auto lay_out = [&](Arena& arena) { return std::pair(arena.take<double>(wants_taps ? lags * H * D : 0), arena.take<T>(sums_x ? batch * tokens * H * D : 0)); };
  lay_out(counting_shared);
  const Workspace workspace(function, {}, counting.used(), exec.workers((std::max)(groups, sequences * groups)), counting_shared.used());
  Arena shared = workspace.shared();
  const auto [of_taps, apart] = lay_out(shared);
  const Bars bars(y_bar);
  const View<const T> none;
  const auto bar_of = [&](Index sequence, Index group) { return ChannelStream<T, const std::remove_const_t<Y>>(bars, none, H, D, call.streams[to_size(sequence)], call.batch(sequence), sequence, group); };
  const auto arena_after_trace = [&](Index worker) {
    Arena arena = workspace.arena(worker);
    ToeplitzTrace<T>(arena, kernel, wants_taps);
    return arena;
  };

  const auto pull = [&](const auto& to) {
    using S = typename std::remove_cvref_t<decltype(to)>::element;
    zero_padding(call, to);
    for_each_block(function, exec, call.blocks, groups, kernel.scratch(), [&](const ConvolutionBlock& block, Index group, Arena arena) {
      const Index sequence = block.sequence, b = call.batch(sequence);
      const Timeline& time = call.streams[to_size(sequence)];
      const auto bar = bar_of(sequence, group);
      const ChannelLanes<T, S> out(to, H, D, group);
      const V d = long_window::parameter_lanes<T>(skip, kernel, group);
      ChannelLanes<T, const T> final;
      if (states.final && past > 0) final = ChannelLanes<T, const T>(rows_as_tokens(states.final), H, D, group);
      kernel.template operator()<true>(group, block.first, block.count, arena, bar, [&](Index t, V sum) {
        if (given(skip)) sum = simd::fma(d, bar(t), sum);
        if (const Index row = t - time.length + past; states.final && row >= 0 && row < past) sum = sum + final.load(sequence, row);
        out.store(b, time.token(t), sum);
      });
    });
  };
  if (sums_x) {
    const View<T> whole(apart, of_y, lcsm::view<T>(nullptr, batch, tokens, H, D).stride);
    pull(whole), sum_onto(exec, of_x, whole);
  } else if (of_x) pull(of_x);

  if (wants_taps) {
    const View<double> by_lag(of_taps, {1, lags, H, 1, D}, {0, H * D, D, 0, 1});
    exec.for_each(groups, [&](Index group, Index worker) {
      Arena arena = workspace.arena(worker);
      const ToeplitzTrace<T> trace(arena, kernel, true);
      const ChannelLanes<T, double> to(by_lag, H, D, group);
      double skips[simd::width<V>] = {};
      trace.clear();
      for (const auto& [sequence, first, count] : call.blocks) {
        const ChannelStream<T, X> in(x, options.initial, H, D, call.streams[to_size(sequence)], call.batch(sequence), sequence, group);
        const auto bar = bar_of(sequence, group);
        add_taps(kernel, trace, first, count, in, bar);
        for (Index t = first; t < first + count; ++t) {
          alignas(64) T a[simd::width<V>], b[simd::width<V>];
          simd::store(a, in(t)), simd::store(b, bar(t));
          for (Index n = 0; n < simd::width<V>; ++n) skips[n] += double(a[n]) * double(b[n]);
        }
      }
      to.store_numbers(0, kernel.taps(), skips);
      put_taps(kernel, trace, [&](Index l, const auto* lanes) { to.store_numbers(0, l, lanes); });
    });
    if (of_kernel) sum_onto(exec, of_kernel, by_lag.tokens(kernel.back(), kernel.front()));
    if (of_back) {                                          // tap l of what is to come is lag -(l + 1)
      View<double> backwards = by_lag.tokens(0, kernel.back());
      backwards.data += (kernel.back() - 1) * H * D, backwards.stride[1] = -H * D;
      sum_onto(exec, of_back, backwards);
    }
    if (of_skip) sum_onto(exec, of_skip, by_lag.tokens(kernel.taps(), 1));
  }

  if (!states.initial || past == 0) return;
  exec.for_each(sequences * groups, [&](Index n, Index worker) {
    const Index sequence = n / groups, group = n % groups, length = call.streams[to_size(sequence)].length;
    const auto bar = bar_of(sequence, group);
    const ChannelLanes<T, T> to(rows_as_tokens(states.initial), H, D, group);
    Arena arena = arena_after_trace(worker);
    T* later = nullptr;                                     // the final state's cotangent, which may be overwritten here
    if (states.final) {
      later = arena.template take<T>(past * simd::width<V>);
      const ChannelLanes<T, const T> final(rows_as_tokens(states.final), H, D, group);
      for (Index r = 0; r < past; ++r) simd::store(later + r * simd::width<V>, final.load(sequence, r));
    }
    for (Index first = -past; first < 0; first += kernel.block())
      kernel.template operator()<true>(group, first, (std::min)(kernel.block(), -first), arena, bar, [&](Index t, V sum) {
        if (const Index row = t - length + past; later && row >= 0) sum = sum + simd::load<V>(later + row * simd::width<V>);
        to.store(sequence, t + past, sum);
      });
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
