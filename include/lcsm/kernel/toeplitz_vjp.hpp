// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/toeplitz.hpp>

#include <algorithm>

namespace lcsm {
inline namespace LCSM_ARCH {

// Scratch of one worker of the adjoint.
template <class T> struct ToeplitzTrace {
  static constexpr Index W = simd::width<Batch<T>>;
  T *x, *y;
  double* sums;
  Index size;
  ToeplitzTrace(Arena& arena, const Toeplitz<T>& kernel, bool wanted = true) {
    const Index window = !wanted ? 0 : kernel.is_direct() ? (kernel.block() + kernel.taps()) * W : kernel.ring().size();
    x = arena.take<T>(window), y = arena.take<T>(window), size = wanted && kernel.is_direct() ? kernel.taps() * W : window, sums = arena.take<double>(size);
  }
  void clear() const { std::fill_n(sums, size, 0.0); }
};

// One block's part of the cotangents of a group's taps, onto trace.sums: lag l at l + back, as numbers (direct) or as values of the ring.
template <class T, class In, class Bar> void add_taps(const Toeplitz<T>& kernel, const ToeplitzTrace<T>& trace, Index first, Index count, In&& in, Bar&& bar) {
  using V = Batch<T>;
  constexpr Index W = simd::width<V>;
  const Index from = first - (kernel.front() - 1), width = count + kernel.taps() - 1;
  if (!kernel.is_direct()) {
    const auto& ring = kernel.ring();
    const Index shift = first - from + kernel.back();       // of the block's first cotangent
    ring.values(trace.x, 0, width, [&](Index m) { return V(in(from + m)); });
    ring.values(trace.y, shift, shift + count, [&](Index m) { return V(bar(first + m - shift)); });
    return ring.add_correlation(trace.sums, trace.y, trace.x);
  }
  for (Index m = 0; m < width; ++m) simd::store(trace.x + m * W, V(in(from + m)));
  for (Index j = 0; j < count; ++j) simd::store(trace.y + j * W, V(bar(first + j)));
  alignas(64) T lanes[W];
  for (Index l = -kernel.back(); l < kernel.front(); ++l) {
    V sum(T(0));
    for (Index j = 0; j < count; ++j) sum = simd::fma(simd::load<V>(trace.y + j * W), simd::load<V>(trace.x + (first + j - l - from) * W), sum);
    simd::store(lanes, sum);
    for (Index n = 0; n < W; ++n) trace.sums[(l + kernel.back()) * W + n] += double(lanes[n]);
  }
}

// Afterwards: put(n, W numbers) for the tap of lag n - back. The sums are used up.
template <class T, class Put> void put_taps(const Toeplitz<T>& kernel, const ToeplitzTrace<T>& trace, Put&& put) {
  constexpr Index W = simd::width<Batch<T>>;
  if (kernel.is_direct()) {
    for (Index n = 0; n < kernel.taps(); ++n) put(n, static_cast<const double*>(trace.sums + n * W));
    return;
  }
  for (Index n = 0; n < trace.size; ++n) trace.x[n] = T(trace.sums[n]);
  alignas(64) T lanes[W];
  kernel.ring().sequence(trace.x, 0, kernel.taps(), [&](Index n, Batch<T> tap) { simd::store(lanes, tap), put(n, static_cast<const T*>(lanes)); });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
