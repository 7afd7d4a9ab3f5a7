// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/leaf_lanes.hpp>
#include <lcsm/kernel/toeplitz.hpp>
#include <lcsm/mode/kernel_of.hpp>
#include <lcsm/mode/modal_taps.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/window.hpp>

#include <array>

namespace lcsm {
inline namespace LCSM_ARCH {

namespace convolution {
// The associative scan, where there is one.
template <class Exec, class M, class In, class S, class T> void run(const Exec& exec, M mixer, const In& in, const View<S>& y, const Options<T>& options) {
  if constexpr (is_scannable<M>) scan(exec, mixer, in, y, options); else recurrent(exec, mixer, in, y, options);
}
}

// The taps of a time-invariant mixer, its surrogate attention of t to t - l:
//
//     k_l[c] = sum_a s[a,c] o[a,c]^l e[a,c]            (with another readout, of the memory that is read), times the projection's factor
//
// k [1, L, H, 1, F]: L lags from 0 on; F = attention_rows<M>(D) numbers per head, D being what the parameters say (a kernel of all channels alike has one), the
// imaginary parts behind the real ones where there are two planes. Any strides and type; computed in double, by tables of powers (modal_taps.hpp) or, where the memory before its token
// is read or keys are mixed, by the associative scan, and rounded once: powers of o err by less than l 2^-51, so a million lags are right to 1e-9 of their terms. The skip is no part of it. Throws ShapeError before anything is written.
template <class Exec, class M, class In, class S> void convolution_kernel(const Exec& exec, M, const In& in, const View<S>& k, const Tuning& tuning = {}) {
  constexpr bool inputs = KernelOf<M>::template bound<In>, convolvable = is_convolvable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::convolution_kernel: the inputs lack a parameter that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!convolvable) static_assert(convolvable, "lcsm::convolution_kernel: this mixer is no convolution (its coefficients change with the token, or it divides or gathers): use lcsm::attention_matrix");
  else {
    if constexpr (!M::per_channel) door::axis("convolution_kernel", "k", k, 4, matrix_planes<M>, false);
    if constexpr (window::is_window<M>) return window::kernel<M>(in, k, tuning);
    else if constexpr (is_modal<M>) modal_taps(exec, M{}, in, k);
    else convolution::run(exec, KernelOf<M>{}, in, k, Options<double>{.tuning = tuning});
    if constexpr (matrix_planes<M> == 2 && M::projection::scale != 1)
      for (Index l = 0; l < k.time(); ++l)
        for (Index h = 0; h < k.head(); ++h)
          for (Index c = 0; c < k.feature(); ++c) k.at(0, l, h, 0, c) = static_cast<S>(stage::convert<double>(k.at(0, l, h, 0, c)) * M::projection::scale);
  }
}

namespace convolution {

// One product of a plane of the kernel with a part of the input, onto a part of the output.
struct Product { int plane, input, output; double sign; };
template <class M> constexpr auto products() {
  constexpr bool complex_input = M::input::domain == Domain::complex, both = M::projection::parts == 2;
  if constexpr (complex_input && both) return std::array<Product, 4>{{{0, 0, 0, 1}, {1, 1, 0, -1}, {0, 1, 1, 1}, {1, 0, 1, 1}}};
  else if constexpr (complex_input) return std::array<Product, 2>{{{0, 0, 0, 1}, {1, 1, 0, -1}}};
  else if constexpr (both) return std::array<Product, 2>{{{0, 0, 0, 1}, {1, 0, 1, 1}}};
  else return std::array<Product, 1>{{{0, 0, 0, 1}}};
}

// The planes of a call's kernel, [1, L, H, 1, planes * Dk] with Dk = D or 1, for lanes over H x D.
template <class M, class T> std::vector<Toeplitz<T>> planes_of(const View<const double>& k, const Extent& n, const Tuning& tuning) {
  const Index width = k.feature() / matrix_planes<M>;
  std::vector<Toeplitz<T>> out;
  for (Index plane = 0; plane < matrix_planes<M>; ++plane)
    out.emplace_back(k.time(), 0, n.heads, n.values, k.time(), tuning.form, tuning.block, [&](Index l, Index h, Index c) { return k.at(0, l, h, 0, plane * width + (width == 1 ? 0 : c)); });
  return out;
}
template <class Call> Index longest(const Call& call) {
  Index most = 0;
  for (const Timeline& time : call.streams) most = (std::max)(most, time.length);
  return most;
}
// One block's sums over lags, a row of lanes for every token; products are added to it.
template <class T> struct BlockSums {
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;
  ConvolutionBlock block;
  Index group;
  T* rows;

  BlockSums(Arena& arena, const Toeplitz<T>& kernel, const ConvolutionBlock& of, Index channels) : block(of), group(channels), rows(arena.take<T>(kernel.block() * W)) {}
  static Index bytes(const Toeplitz<T>& kernel) {
    Arena counting;
    counting.take<T>(kernel.block() * W), counting.take<std::byte>(kernel.scratch());
    return counting.used();
  }
  // row <- f(token, row)
  template <class F> void each(F&& f) const {
    for (Index j = 0; j < block.count; ++j) simd::store(rows + j * W, V(f(block.first + j, simd::load<V>(rows + j * W))));
  }
  template <bool Transposed, class Read> void add(const Toeplitz<T>& kernel, double sign, Arena arena, Read&& read) const {
    kernel.template operator()<Transposed>(group, block.first, block.count, arena, read, [&](Index t, V sum) {
      T* to = rows + (t - block.first) * W;
      simd::store(to, V(sign < 0 ? simd::load<V>(to) - sum : simd::load<V>(to) + sum));
    });
  }
  template <class S> void store(const ChannelLanes<T, S>& out, const Run& run) const {
    for (Index j = 0; j < block.count; ++j) out.store(run.batch, run.time.token(block.first + j), simd::load<V>(rows + j * W));
  }
};

// The state after the last token, from stretches of time.
template <class Exec, class M, class T, class In> void final_state(const Exec& exec, const Call<M, T, In>& call) {
  const Stretches all(call, call.options.tuning.scan_chunk);
  Arena counting, counting_shared;
  { ScanScratch<M, T> scratch(counting, call.extent, call.options.tuning); }
  summaries<M, T>(counting_shared, call.extent, all.count());
  const Workspace workspace("convolve", {}, counting.used(), exec.workers((std::max)(all.count(), call.units())), counting_shared.used());
  Arena shared = workspace.shared();
  auto summary = summaries<M, T>(shared, call.extent, all.count());
  summarise(exec, call, all, workspace, summary, call.options.final, true);
  finish_positions(call);
}

}  // namespace convolution

// A time-invariant mixer as a convolution: its taps (convolution_kernel) for as many lags as the longest sequence has tokens, applied in direct or in Fourier
// form (tuning.form, tuning.block). An initial memory contributes what the recurrence makes of it alone, and the final one is summed up over stretches as by
// `scan`: both cost O(T K D), as the recurrence itself does. Arguments, options, aliasing and errors as `recurrent`; saved memories are an error. A memory
// that is the last K inputs (oscillation::Shift) has K taps and states that cost nothing.
//
// In direct form an output has the error of the other modes. In Fourier form it errs by 7 eps log2(N) |k| |w| beside that of its taps, with the norms of the
// channel's taps and of its inputs: relative to the largest outputs, not to each. No thread count changes a bit; how time is cut does, within the bound.
// Memory of its own, not options.workspace: the taps in double and their spectra, 2 to 6 numbers per lag and channel, and copies of inputs that a map changes.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void convolve(const Exec& exec, M mixer, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>, convolvable = is_convolvable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::convolve: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!convolvable) static_assert(convolvable, "lcsm::convolve: this mixer is no convolution (its coefficients change with the token, or it divides or gathers): use lcsm::mix");
  else {
    using V = Batch<T>;
    constexpr auto products = convolution::products<M>();
    const auto call = checked_call<M, T>("convolve", in, y, options);
    door::nothing_saved("convolve", options);
    if constexpr (window::is_window<M>) return window::apply(exec, call, y);
    const Extent& n = call.extent;
    const Index D = n.values, L = convolution::longest(call);
    zero_padding(call, y);
    if (L > 0 && n.heads > 0 && D > 0) {
      Buffer<double> k(1, L, n.heads, attention_rows<M>(D));
      convolution_kernel(exec, mixer, in, k.view(), options.tuning);
      const std::vector<Toeplitz<T>> planes = convolution::planes_of<M, T>(std::as_const(k).view(), n, options.tuning);
      Buffer<T> free;
      if (options.initial) {
        free = Buffer<T>(y.batch(), y.time(), n.heads, y.feature());
        Options<T> alone = options;
        alone.final = {};
        convolution::run(exec, FreeOf<M>{}, in, free.view(), alone);
      }
      const LeafRows<typename M::input::leaf, T> re(exec, call, true);
      const LeafRows<typename M::input::imag, T> im(exec, call, M::input::domain == Domain::complex);
      const LeafRows<typename M::skip::leaf, T> skip(exec, call, M::skip::present);

      const Toeplitz<T>& first_plane = planes.front();
      const auto blocks = convolution_blocks(call.streams, first_plane.block());
      for_each_block("convolve", exec, blocks, first_plane.groups(), convolution::BlockSums<T>::bytes(first_plane), [&](const ConvolutionBlock& block, Index group, Arena arena) {
        const Run run = call.run(block.sequence, 0);
        const convolution::BlockSums<T> sums(arena, first_plane, block, group);
        for (int output = 0; output < M::projection::parts; ++output) {
          if (options.initial) {
            const ChannelLanes<T, T> lanes(free.view().features(output * D, D), n.heads, D, group);
            sums.each([&](Index t, V) { return lanes.load(run.batch, run.time.token(t)); });
          } else sums.each([](Index, V) { return V(T(0)); });
          for (const auto& p : products) {
            if (p.output != output) continue;
            const auto add = [&](const auto& rows) { sums.template add<false>(planes[to_size(p.plane)], p.sign, arena, rows.stream(in, n, run, group)); };
            if (p.input == 0) add(re); else add(im);
          }
          if constexpr (M::skip::present)
            if (output == 0) {
              const auto d = skip.stream(in, n, run, group);
              const auto x = re.stream(in, n, run, group);
              sums.each([&](Index t, V sum) { return simd::fma(d(t), x(t), sum); });
            }
          sums.store(ChannelLanes<T, S>(y.features(output * D, D), n.heads, D, group), run);
        }
      });
    }
    if constexpr (!M::coupled) {
      if (options.final) convolution::final_state(exec, call);
    } else if (options.final) {                             // a coupling's summaries are its scan's own
      Buffer<T> unread(y.batch(), y.time(), y.head(), y.feature());
      convolution::run(exec, mixer, in, unread.view(), options);
    }
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
