// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/sum_onto.hpp>
#include <lcsm/kernel/toeplitz_vjp.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/scan_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace convolution {

// Inputs as they stand, and a skip of parameters: what the adjoint below takes apart by itself.
template <class M> inline constexpr bool is_transposable =
    is_unmapped<typename M::input::leaf>() && is_unmapped<typename M::input::imag>() && M::input::leaf::axes == Axes::value && M::input::imag::axes == Axes::value &&
    M::input::source == Source::data && (!M::skip::present || (is_unmapped<typename M::skip::leaf>() && M::skip::leaf::source == Source::learned));

// The member of the gradients that a leaf's cotangents go to; null where there is none.
template <class Leaf, class G> auto gradient_of_leaf(const G& grads) {
  if constexpr (requires { Leaf::view(grads); }) return Leaf::view(grads); else return View<float>{};
}

template <class Exec, class M, class T, class In, class Y, class G> void transposed(const Exec& exec, M mixer, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads) {
  using V = Batch<T>;
  using Bars = View<const std::remove_const_t<Y>>;
  using X = typename M::input::leaf;
  using XI = typename M::input::imag;
  using D_ = typename M::skip::leaf;
  constexpr auto products = convolution::products<M>();
  constexpr Index W = simd::width<V>;
  constexpr int inputs = M::input::domain == Domain::complex ? 2 : 1, plane_count = int(matrix_planes<M>);
  const Extent& n = call.extent;
  const Index D = n.values, H = n.heads, L = longest(call), B = y_bar.batch(), N = y_bar.time();

  Buffer<double> k(1, L, H, attention_rows<M>(D));
  convolution_kernel(exec, mixer, call.in, k.view(), call.options.tuning);
  const std::vector<Toeplitz<T>> planes = planes_of<M, T>(std::as_const(k).view(), n, call.options.tuning);
  const Toeplitz<T>& first_plane = planes.front();
  const auto blocks = convolution_blocks(call.streams, first_plane.block());
  const Index groups = first_plane.groups();
  const LeafRows<X, T> re(exec, call, true);
  const LeafRows<XI, T> im(exec, call, inputs == 2);
  const LeafRows<D_, T> skip(exec, call, M::skip::present);
  const auto bar_of = [&](int output, const Run& run, Index group) {
    return ChannelStream<T, const std::remove_const_t<Y>>(Bars(y_bar).features(output * D, D), {}, H, D, run.time, run.batch, run.sequence, group);
  };

  // Inputs: the kernel, the other way round in time.
  const auto pull = [&](int input, const auto& to) {
    using S = typename std::remove_cvref_t<decltype(to)>::element;
    zero_padding(call, to);
    for_each_block("convolve_vjp", exec, blocks, groups, BlockSums<T>::bytes(first_plane), [&](const ConvolutionBlock& block, Index group, Arena arena) {
      const Run run = call.run(block.sequence, 0);
      const BlockSums<T> sums(arena, first_plane, block, group);
      sums.each([](Index, V) { return V(T(0)); });
      for (const auto& p : products)
        if (p.input == input) sums.template add<true>(planes[to_size(p.plane)], p.sign, arena, bar_of(p.output, run, group));
      if constexpr (M::skip::present)
        if (input == 0) {
          const V d = skip.stream(call.in, n, run, group)(0);
          const auto bar = bar_of(0, run, group);
          sums.each([&](Index t, V sum) { return simd::fma(d, bar(t), sum); });
        }
      sums.store(ChannelLanes<T, S>(to, H, D, group), run);
    });
  };
  const auto pull_onto = [&](int input, const auto& to) {
    if (!to) return;
    if (to.extent == std::array<Index, 5>{B, N, H, 1, D}) return pull(input, to);
    Buffer<T> apart(B, N, H, D);
    pull(input, apart.view()), sum_onto(exec, to, apart.view());
  };
  pull_onto(0, gradient_of_leaf<X>(grads));
  if constexpr (inputs == 2) pull_onto(1, gradient_of_leaf<XI>(grads));

  // Taps, and with them the parameters: the mixer's own adjoint where an impulse is its input.
  Buffer<double> by_lag(plane_count, L, H, D), of_skip(1, 1, H, D);
  Arena counting;
  { ToeplitzTrace<T> trace(counting, first_plane); }
  const Workspace workspace("convolve_vjp", {}, counting.used(), exec.workers(groups));
  exec.for_each(groups, [&](Index group, Index worker) {
    Arena arena = workspace.arena(worker);
    const ToeplitzTrace<T> trace(arena, first_plane);
    const ChannelLanes<T, double> to(by_lag.view(), H, D, group);
    for (int plane = 0; plane < plane_count; ++plane) {
      trace.clear();
      for (const auto& p : products)
        if (p.plane == plane)
          for (const ConvolutionBlock& part : blocks) {
            const Run run = call.run(part.sequence, 0);
            const auto bar = bar_of(p.output, run, group);
            const auto add = [&](const auto& rows) {
              add_taps(first_plane, trace, part.first, part.count, rows.stream(call.in, n, run, group), [&](Index t) { return p.sign < 0 ? V(simd::minus(bar(t))) : bar(t); });
            };
            if (p.input == 0) add(re); else add(im);
          }
      put_taps(first_plane, trace, [&](Index l, const auto* lanes) { to.store_numbers(plane, l, lanes); });
    }
    if constexpr (M::skip::present) {
      double sums[W] = {};
      for (const auto& [sequence, first, count] : blocks) {
        const Run run = call.run(sequence, 0);
        const auto x = re.stream(call.in, n, run, group);
        const auto bar = bar_of(0, run, group);
        alignas(64) T a[W], b[W];
        for (Index t = first; t < first + count; ++t) {
          simd::store(a, x(t)), simd::store(b, bar(t));
          for (Index lane = 0; lane < W; ++lane) sums[lane] += double(a[lane]) * double(b[lane]);
        }
      }
      ChannelLanes<T, double>(of_skip.view(), H, D, group).store_numbers(0, 0, sums);
    }
  });
  if constexpr (M::skip::present)
    if (const auto to = gradient_of_leaf<D_>(grads)) sum_onto(exec, to, of_skip.view());
  Buffer<double> k_bar(1, L, H, attention_rows<M>(D));
  const Index width = k_bar.view().feature() / plane_count;
  for (Index plane = 0; plane < plane_count; ++plane) sum_onto(exec, k_bar.view().features(plane * width, width), by_lag.view().batches(plane, 1));
  if constexpr (plane_count == 2 && M::projection::scale != 1) for (double& x : k_bar) x *= M::projection::scale;
  const Options<double> of_taps{.tuning = call.options.tuning};
  if constexpr (is_scannable<M>) scan_vjp(exec, KernelOf<M>{}, call.in, std::as_const(k_bar).view(), grads, of_taps);
  else recurrent_vjp(exec, KernelOf<M>{}, call.in, std::as_const(k_bar).view(), grads, of_taps);
}

}  // namespace convolution

// The adjoint of `convolve`: inputs by the same kernel the other way round in time, taps by correlation, and parameters by the adjoint of the mixer's own scan, in
// double, from the cotangents of the taps. A call with states is summed as by `scan_vjp`, since a state costs as much, and so is a mixer whose input goes through
// a map. Errors as those of `convolve`, relative to the norms of y_bar and of the inputs; arguments as reference_vjp (mode/reference_vjp.hpp).
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void convolve_vjp(const Exec& exec, M mixer, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>, convolvable = is_convolvable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::convolve_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!convolvable) static_assert(convolvable, "lcsm::convolve_vjp: this mixer is no convolution (its coefficients change with the token, or it divides or gathers): use lcsm::vjp");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::convolve_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else {
    const auto call = checked_adjoint<M, T>("convolve_vjp", in, y_bar, grads, options, states);
    door::nothing_saved("convolve_vjp", options);
    if constexpr (window::is_window<M>) return window::pull(exec, call, y_bar, grads, states);
    const bool has_states = options.initial || states.final || states.initial;
    if constexpr (convolution::is_transposable<M>)
      if (!has_states && convolution::longest(call) > 0 && call.extent.heads > 0 && call.extent.values > 0) return convolution::transposed(exec, mixer, call, y_bar, grads);
    sweep_or_split_vjp("convolve_vjp", exec, call, y_bar, grads, states);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
