// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/toeplitz.hpp>
#include <lcsm/call/convolution_options.hpp>

#include <type_traits>

namespace lcsm {

// What a plan may be told beside its taps.
//
//   back      taps of what is to come, [1, Lb, H, 1, D]: tap l is that of lag -(l + 1)
//   heads     of the inputs, and their channels per head; 0: as many as the kernel has
//   features
//   tokens    of the longest sequence to expect; it says how long transforms are, and no longer or shorter sequence is refused. 0: as many as taps
//   form      direct or fourier; automatic: by the sizes and the taps
//   block     tokens computed at a time; 0: chosen
template <class P> struct ConvolutionChoice {
  View<const P> back{};
  Index heads = 0, features = 0, tokens = 0, block = 0;
  ConvolutionForm form = ConvolutionForm::automatic;
};

inline namespace LCSM_ARCH {

// A long convolution's kernel, ready to be applied: its taps, and what their spectra are for one length of transform. Immutable, so threads may share it.
// kernel [1, L, H, 1, D]: the time axis is the lag, tap 0 is that of the present token. Heads of the kernel divide those of the inputs, and channels may
// repeat (extent 1, stride 0). T, float or double, is what is computed in. Spectra take 2 L to 6 L numbers per channel.
// Throws ShapeError or OptionError.
template <class T> class ConvolutionPlan {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "lcsm::ConvolutionPlan: computes in float or double");

 public:
  ConvolutionPlan() = default;
  template <class P> explicit ConvolutionPlan(const View<P>& kernel, const ConvolutionChoice<std::remove_const_t<P>>& choice = {}) {
    constexpr const char* function = "ConvolutionPlan";
    const bool two_sided = given(choice.back);
    const Index heads = choice.heads > 0 ? choice.heads : kernel.head(), features = choice.features > 0 ? choice.features : kernel.feature();
    const auto check = [&](const char* name, const auto& v) {
      door::axis(function, name, v, 0, 1, true), door::grouped_heads(function, name, v, heads), door::axis(function, name, v, 3, 1, true);
      door::axis(function, name, v, 4, features, true), door::data(function, name, v);
    };
    check("kernel", kernel);
    if (kernel.time() < 1) raise<ShapeError>(function, "kernel", "a time extent of at least 1 tap", door::text(kernel.time()));
    if (two_sided) check("back", choice.back);
    if (choice.tokens < 0) raise<OptionError>(function, "tokens", "at least 0", door::text(choice.tokens));
    if (choice.block < 0) raise<OptionError>(function, "block", "at least 0", door::text(choice.block));
    const auto tap = [&](Index l, Index h, Index c) {
      const auto of = [&](const auto& v, Index t) { return double(stage::convert<storage_compute_t<std::remove_const_t<P>>>(v.data[v.offset(0, t, h / (heads / v.head()), 0, c)])); };
      return l >= 0 ? of(kernel, l) : of(choice.back, -l - 1);
    };
    toeplitz_ = Toeplitz<T>(kernel.time(), two_sided ? choice.back.time() : 0, heads, features, choice.tokens > 0 ? choice.tokens : kernel.time(), choice.form, choice.block, tap);
  }
  const Toeplitz<T>& toeplitz() const noexcept { return toeplitz_; }

 private:
  Toeplitz<T> toeplitz_;
};

namespace long_window {

// A checked call: nothing is written before it stands. y, or its cotangent in an adjoint, says how large it is.
template <class T> struct Call {
  const ConvolutionOptions<T>& options;
  Index past;
  std::vector<Index> table;
  std::vector<Timeline> streams;
  std::vector<ConvolutionBlock> blocks;

  template <class X, class P, class S>
  Call(const char* function, const Toeplitz<T>& kernel, const View<X>& x, const View<P>& skip, const View<S>& y, const ConvolutionOptions<T>& opt, const char* output = "y")
      : options(opt), past(kernel.front() - 1) {
    const Index of_y[] = {y.batch(), y.time(), kernel.heads(), 1, kernel.features()};
    for (std::size_t a = 2; a < 5; ++a) door::axis(function, output, y, a, of_y[a], std::is_const_v<S>);
    door::data(function, output, y);
    if constexpr (!std::is_const_v<S>) door::output_axes(function, output, y);
    streams = door::timelines(function, y.batch(), y.time(), opt, table);
    for (std::size_t a : {0u, 1u, 3u, 4u}) door::axis(function, "x", x, a, of_y[a], true);
    door::grouped_heads(function, "x", x, kernel.heads()), door::data(function, "x", x);
    if (given(skip)) {
      for (std::size_t a : {0u, 1u, 3u}) door::axis(function, "skip", skip, a, 1, true);
      door::grouped_heads(function, "skip", skip, kernel.heads()), door::axis(function, "skip", skip, 4, kernel.features(), true), door::data(function, "skip", skip);
    }
    const Index sequences = Index(streams.size());
    if (given(opt.initial)) door::component(function, "options", "initial", opt.initial, sequences, kernel.heads(), past, kernel.features());
    if (given(opt.final)) door::component(function, "options", "final", opt.final, sequences, kernel.heads(), past, kernel.features());
    blocks = convolution_blocks(streams, kernel.block());
  }
  Index batch(Index sequence) const { return options.sequences.given() ? 0 : sequence; }
};

// The number of one channel of a parameter [H, D] as lanes, or nothing.
template <class T, class P> Batch<T> parameter_lanes(const View<P>& p, const Toeplitz<T>& kernel, Index group) {
  if (!given(p)) return Batch<T>(T(0));
  return ChannelLanes<T, P>(p, kernel.heads(), kernel.features(), group).load(0, 0);
}

}  // namespace long_window

// A long depthwise convolution,
//
//   y_t[d] = sum over l >= 0 of kernel_l[d] x_{t-l}[d] + sum over l > 0 of back_l[d] x_{t+l}[d] + skip[d] x_t[d]
//
// x, y [B, T, H, 1, D]; the kernel is the plan's; skip parameter(data, H, D), or {} for none. Heads of x divide those of y, and its axes may repeat
// (extent 1, stride 0). Any T >= 0 and strides; the kernel may be longer or shorter than the sequence. What is convolved is safari's long convolution
// (https://arxiv.org/abs/2302.06646), Hyena's (https://arxiv.org/abs/2302.10866), SGConv's, that of S4 and its kin; back is their backward kernel,
// whose first tap is that of the next token.
//
// In direct form an output is within (taps + 2) eps of the sum of the absolute values of its terms. In Fourier form it is within 7 eps log2(N) |k| |w|, where |k|
// and |w| are the norms of the channel's taps and of the window of N inputs that one transform sees, and so a change of one input changes all outputs of
// the block by so much; the newest 32 lags are summed directly if they are 16 times larger than the others, and are then no part of |k|. Neither a NaN nor a
// thread count reaches another channel, sequence or earlier block; the bits depend on the plan and on where a call begins, so a call that is cut agrees within the
// bound (direct form: to the bit). x and y must not overlap; options.final may be options.initial. Parallel over sequences, blocks and groups of channels.
// Throws before anything is written: ShapeError for views, SequenceError for offsets and masks.
template <class Exec, class T, class X, class S, class P = const T>
void long_convolution(const Exec& exec, const ConvolutionPlan<T>& plan, const View<X>& x, const View<P>& skip, const View<S>& y,
                      const std::type_identity_t<ConvolutionOptions<T>>& options = {}) {
  const Toeplitz<T>& kernel = plan.toeplitz();
  const long_window::Call<T> call("long_convolution", kernel, x, skip, y, options);
  const Index groups = kernel.groups(), sequences = Index(call.streams.size());
  const auto stream = [&](Index sequence, Index group) { return ChannelStream<T, X>(x, options.initial, kernel.heads(), kernel.features(), call.streams[to_size(sequence)], call.batch(sequence), sequence, group); };

  zero_padding(call, y);
  const bool skips = given(skip);
  for_each_block("long_convolution", exec, call.blocks, groups, kernel.scratch(), [&](const ConvolutionBlock& block, Index group, Arena arena) {
    const Index batch = call.batch(block.sequence);
    const Timeline& time = call.streams[to_size(block.sequence)];
    const ChannelStream<T, X> in = stream(block.sequence, group);
    const ChannelLanes<T, S> out(y, kernel.heads(), kernel.features(), group);
    const auto d = long_window::parameter_lanes<T>(skip, kernel, group);
    kernel.template operator()<false>(group, block.first, block.count, arena, in, [&](Index t, Batch<T> sum) {
      out.store(batch, time.token(t), skips ? simd::fma(d, in(t), sum) : sum);
    });
  });
  if (!options.final || call.past == 0) return;
  exec.for_each(sequences * groups, [&](Index n, Index) {   // after all blocks: the initial state may be the final one, and is read from old to new
    const Index sequence = n / groups, group = n % groups, length = call.streams[to_size(sequence)].length;
    const auto in = stream(sequence, group);
    const ChannelLanes<T, T> to(rows_as_tokens(options.final), kernel.heads(), kernel.features(), group);
    for (Index r = 0; r < call.past; ++r) to.store(sequence, r, in(length - call.past + r));
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
