// SPDX-License-Identifier: MIT
// A workload: a call of the library that is checked against the definition before it is timed, and judged by one of the limits of limits.hpp.
#pragma once

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/lcsm.hpp>

#include "limits.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace bench {

using lcsm::Index;

// Numbers of a stream, uniform in [low, high).
inline lcsm::Buffer<float> numbers(Index batch, Index tokens, Index heads, Index features, float low = -1, float high = 1) {
  static std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(low, high);
  lcsm::Buffer<float> x(batch, tokens, heads, features);
  for (float& number : x) number = uniform(random);
  return x;
}

// The first tokens of what a mode gives, against the definition in double: a benchmark of wrong numbers is worth nothing.
template <class M, class In, class Run> void check(const std::string& name, const In& in, Index batch, Index tokens, Index heads, Index values, Run&& run) {
  lcsm::Buffer<float> y(batch, tokens, heads, values);
  lcsm::Buffer<double> want(batch, tokens, heads, values);
  run(in, y.view());
  lcsm::reference(M{}, in, want.view());
  double worst = 0, largest = 0;
  for (Index n = 0; n < y.size(); ++n) worst = std::isnan(y[n]) ? INFINITY : std::max(worst, std::abs(double(y[n]) - want[n])), largest = std::max(largest, std::abs(want[n]));
  if (worst <= 1e-4 * largest) return;
  std::fprintf(stderr, "bench: %s is off by %g of %g\n", name.c_str(), worst, largest);
  std::exit(1);
}

// One number of what has no definition among the modes, computed by hand; size: of what it may be off by a part.
inline void check_number(const std::string& name, double given, double want, double size) {
  if (std::abs(given - want) <= 1e-4 * size) return;
  std::fprintf(stderr, "bench: %s is off: %g, not %g\n", name.c_str(), given, want);
  std::exit(1);
}

// Registers `W/mixer/mode/sizes/threads:n`. work: operations, bytes or exponentials of a call, whichever the limit counts; tokens: of a call, all sequences.
template <class Run> void add(const std::string& name, const char* limit, double work, double tokens, Index threads, Run&& run) {
  auto* b = benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    state.counters["rate"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
    state.counters["tokens"] = benchmark::Counter(tokens, benchmark::Counter::kIsIterationInvariantRate);
    state.SetLabel(limit);
  });
  b->Unit(benchmark::kMillisecond);
  if (threads > 1) b->UseRealTime();
}
// The same on one thread and on two.
template <class Run> void add(const std::string& name, const char* limit, double work, double tokens, Run&& run) {
  add(name, limit, work, tokens, 1, [=] { run(lcsm::exec::seq); });
  add(name, limit, work, tokens, 2, [=] { run(lcsm::exec::Par{2}); });
}

inline int measure(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
