// SPDX-License-Identifier: MIT
#include <lcsm/mode/scan.hpp>

#include "inputs.hpp"

namespace {
template <class M> void scan(benchmark::State& state) {
  bench::whole<M>(state, {.tokens = state.range(0), .heads = state.range(1)}, [](auto mixer, const auto& in, const auto& y) { lcsm::scan(lcsm::exec::par, mixer, in, y); });
}
BENCHMARK(scan<lcsm::Gla>)->ArgNames({"T", "H"})->Args({4096, 1})->Args({1024, 16})->UseRealTime();
BENCHMARK(scan<lcsm::Hgrn>)->ArgNames({"T", "H"})->Args({4096, 1})->Args({1024, 16})->UseRealTime();
BENCHMARK(scan<lcsm::MambaStep>)->ArgNames({"T", "H"})->Args({4096, 1})->Args({1024, 16})->UseRealTime();
}  // namespace
