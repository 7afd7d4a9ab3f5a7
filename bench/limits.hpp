// SPDX-License-Identifier: MIT
// What the processor can do at most, measured in the run of the workloads that are judged by it. Each is a benchmark called limit/NAME whose counter `rate`
// is in operations, bytes or exponentials per second of one thread.
#pragma once

#include <lcsm/simd/math.hpp>
#include <lcsm/simd/stream.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>

namespace bench::limit {

using lcsm::Index;
using V = lcsm::Batch<float>;
constexpr Index W = lcsm::simd::width<V>;

inline void report(benchmark::State& state, double work) { state.counters["rate"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate); }

// Twelve independent chains of fused products.
inline void fma(benchmark::State& state) {
  constexpr int chains = 12, steps = 20000;
  V sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = V(0.001f * float(i));
  V x(0.9999f), y(0.0001f);
  benchmark::DoNotOptimize(x), benchmark::DoNotOptimize(y);
  for (auto _ : state) {
    for (int n = 0; n < steps; ++n)
#pragma GCC unroll 12
      for (int i = 0; i < chains; ++i) sum[i] = lcsm::simd::fma(sum[i], x, y);
    V all = sum[0];
    for (int i = 1; i < chains; ++i) all = all + sum[i];
    benchmark::DoNotOptimize(all);
  }
  report(state, 2.0 * double(W) * chains * steps);
}
// c = x a + b over arrays of so many bytes each, 12 bytes an element; range(0): bytes of an array.
template <bool Streaming> void triad(benchmark::State& state) {
  const Index n = state.range(0) / Index(sizeof(float));
  lcsm::Buffer<float> a(1, 1, 1, n), b(1, 1, 1, n), c(1, 1, 1, n);
  a.fill(1), b.fill(2), c.fill(0);
  const V x(1.0001f);
  for (auto _ : state) {
    for (Index i = 0; i < n; i += W) {
      const V y = lcsm::simd::fma(x, lcsm::simd::load<V>(a.data() + i), lcsm::simd::load<V>(b.data() + i));
      if constexpr (Streaming) lcsm::simd::stream(c.data() + i, y); else lcsm::simd::store(c.data() + i, y);
    }
    benchmark::ClobberMemory();
  }
  report(state, 12.0 * double(n));
}
// Of numbers that lie in the first cache.
inline void exponential(benchmark::State& state) {
  constexpr Index n = 2048;
  lcsm::Buffer<float> x(1, 1, 1, n), y(1, 1, 1, n);
  for (Index i = 0; i < n; ++i) x[i] = -8 + 10 * float(i) / float(n);
  for (auto _ : state) {
    for (Index i = 0; i < n; i += 4 * W)
#pragma GCC unroll 4
      for (Index u = 0; u < 4 * W; u += W) lcsm::simd::store(y.data() + i + u, V(lcsm::math::exp(lcsm::simd::load<V>(x.data() + i + u))));
    benchmark::ClobberMemory();
  }
  report(state, double(n));
}

// The limits that the workloads of a file name.
inline void add_fma() { benchmark::RegisterBenchmark("limit/fma", fma); }
inline void add_exp() { benchmark::RegisterBenchmark("limit/exp", exponential); }
inline void add_bandwidth() {
  benchmark::RegisterBenchmark("limit/L2", triad<false>)->Arg(128 << 10)->Name("limit/L2");
  benchmark::RegisterBenchmark("limit/L3", triad<false>)->Arg(2 << 20)->Name("limit/L3");
  benchmark::RegisterBenchmark("limit/DRAM", triad<true>)->Arg(64 << 20)->Name("limit/DRAM");
}

}  // namespace bench::limit
