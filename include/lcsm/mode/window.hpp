// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/gradients.hpp>
#include <lcsm/call/cotangents.hpp>
#include <lcsm/mode/kernel_of.hpp>
#include <lcsm/mode/long_convolution_vjp.hpp>
#include <lcsm/stage/rules.hpp>

#include <type_traits>

namespace lcsm {
inline namespace LCSM_ARCH {

// A mixer whose memory is its last K inputs: written at the first key, shifted from key to key, read by K taps that no token changes. It is a long convolution
// with a kernel of K taps, whatever the length of the call.
namespace window {

template <class M> inline constexpr bool is_window = M::shifts && M::time_invariant && !M::complex && !M::coupled && std::is_same_v<typename M::expand, Stage<FactorTerm<Fixed<rule::FirstKey, Axes::key>>>> &&
    is_unmapped<typename M::input::leaf>() && M::input::leaf::axes == Axes::value && M::input::source == Source::data &&
    (!M::skip::present || (is_unmapped<typename M::skip::leaf>() && M::skip::leaf::source == Source::learned));

// Taps in double, [1, K, H, 1, D], and a last one of 0, whose window is the whole memory. visit(head, tile) for every head's coefficients.
template <class M, class Call, class Visit> void each_head(const Call& call, Visit&& visit) {
  Arena counting;
  { Tiles<M, double> tile(counting, call.extent, 1); }
  Buffer<std::byte> scratch(counting.used());
  for (Index h = 0; h < call.extent.heads; ++h) {
    Arena arena(scratch.data(), counting.used());
    Tiles<M, double> tile(arena, call.extent, 1);
    Run run;
    run.extent = call.extent, run.head = h;
    tile.begin(call.in, run);
    visit(h, tile, run);
  }
}
template <class M, class Call> Buffer<double> taps(const Call& call) {
  const Extent& n = call.extent;
  Buffer<double> k(1, n.keys + 1, n.heads, n.values);
  each_head<M>(call, [&](Index h, const auto& tile, const Run&) {
    for (Index a = 0; a < n.keys; ++a)
      for (Index c = 0; c < n.values; ++c) k.view()(0, a, h, c) = tile.s.template value<double>(0, a, c) * M::projection::scale;
  });
  return k;
}
// As convolution_kernel has them: as many lags as k says.
template <class M, class In, class S> void kernel(const In& in, const View<S>& k, const Tuning& tuning) {
  const Options<double> options{.tuning = tuning};
  const Call<KernelOf<M>, double, In> call("convolution_kernel", in, options, 1, k.time(), k.head(), k.feature());
  const Buffer<double> all = taps<KernelOf<M>>(call);
  for (Index l = 0; l < k.time(); ++l)
    for (Index h = 0; h < k.head(); ++h)
      for (Index c = 0; c < k.feature(); ++c) k.at(0, l, h, 0, c) = static_cast<S>(static_cast<storage_compute_t<S>>(l < call.extent.keys ? all.view()(0, l, h, c) : 0.0));
}
template <class T, class Call> ConvolutionPlan<T> plan(const Call& call, const Buffer<double>& k) {
  const Tuning& t = call.options.tuning;
  return ConvolutionPlan<T>(k.view(), {.heads = call.extent.heads, .features = call.extent.values, .tokens = (std::max)(call.extent.tokens, Index(1)), .block = t.block, .form = t.form});
}

// The memory as the rows of a convolution's state, oldest first: key a holds the input of a tokens ago.
template <class T> View<T> oldest_first(View<T> m) {
  if (!m) return {};
  m.data += (m.row() - 1) * m.stride[3], m.stride[3] = -m.stride[3];
  return m;
}
template <class T> ConvolutionOptions<T> options_of(const Options<T>& options) {
  return {.initial = oldest_first(options.initial.m), .final = oldest_first(options.final.m), .sequences = options.sequences, .mask = options.mask, .direction = options.direction};
}
template <class M, class In> auto skip_of(const In& in) {
  if constexpr (M::skip::present) {
    auto v = M::skip::leaf::view(in);
    if (M::skip::leaf::axes == Axes::one) v.stride[4] = 0;
    using S = typename decltype(v)::element;
    return View<const S>(v);
  } else return View<const float>{};
}

template <class Exec, class M, class T, class In, class S> void apply(const Exec& exec, const Call<M, T, In>& call, const View<S>& y) {
  const auto skip = skip_of<M>(call.in);
  long_convolution(exec, plan<T>(call, taps<M>(call)), M::input::leaf::view(call.in), skip, y, options_of(call.options));
  finish_positions(call);
}

// grads: of the mixer; those of the taps go where Shrink's leaves are.
template <class Exec, class M, class T, class In, class Y, class G>
void pull(const Exec& exec, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads, const StateCotangents<T>& states) {
  using X = typename M::input::leaf;
  const Extent& n = call.extent;
  const auto skip = skip_of<M>(call.in);
  const auto of = [&]<class Leaf>(std::type_identity<Leaf>) {
    if constexpr (requires { Leaf::view(grads); }) return Leaf::view(grads); else return View<float>{};
  };
  Buffer<double> k_bar(1, n.keys + 1, n.heads, n.values);
  struct { decltype(of(std::type_identity<X>{})) x; View<double> kernel; decltype(of(std::type_identity<typename M::skip::leaf>{})) skip; } to{of(std::type_identity<X>{}), k_bar.view(), {}};
  if constexpr (M::skip::present) to.skip = of(std::type_identity<typename M::skip::leaf>{});
  const ConvolutionCotangents<T> ends{.final = oldest_first(states.final.m), .initial = oldest_first(states.initial.m)};
  long_convolution_vjp(exec, plan<T>(call, taps<M>(call)), X::view(call.in), skip, y_bar, to, options_of(call.options), ends);

  // From taps to parameters: Shrink's own adjoint, told once.
  using Kernel = KernelOf<M>;
  const Options<double> options{.tuning = call.options.tuning};
  const Call<Kernel, double, In> once("convolve_vjp", call.in, options, 1, 1, n.heads, n.values);
  Arena counting, counting_shared;
  { Tiles<Kernel, double> tile(counting, once.extent, 1); Cotangents<Kernel, double> bars(counting, once.extent, 1); }
  Gradients<Kernel, G, double>(grads, once, 1, counting_shared);
  Buffer<std::byte> scratch(counting.used()), sums(counting_shared.used() + 1);          // an arena without memory would only count
  Arena shared(sums.data(), counting_shared.used());
  const Gradients<Kernel, G, double> gradients(grads, once, 1, shared);
  for (Index h = 0; h < n.heads; ++h) {
    Arena arena(scratch.data(), counting.used());
    Tiles<Kernel, double> tile(arena, once.extent, 1);
    Cotangents<Kernel, double> bars(arena, once.extent, 1);
    auto unit = gradients.unit(h);
    const Run run = once.unit(h);
    tile.begin(call.in, run), bars.begin(), tile.fill(call.in, run, 0, 1), bars.start(1);
    for (Index a = 0; a < n.keys; ++a)
      for (Index c = 0; c < n.values; ++c) bars.s.template add<double>(tile.s, 0, a, c, k_bar.view()(0, a, h, c) * M::projection::scale);
    bars.flush(tile, call.in, unit, run, 0, 1), bars.end(tile, call.in, unit, run);
  }
  gradients.store();
}

}  // namespace window
}  // namespace LCSM_ARCH
}  // namespace lcsm
