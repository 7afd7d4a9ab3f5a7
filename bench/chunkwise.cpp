// SPDX-License-Identifier: MIT
#include <lcsm/mode/chunkwise.hpp>

#include "inputs.hpp"

namespace {
template <class M> void chunkwise(benchmark::State& state) {
  bench::whole<M>(state, {.tokens = state.range(0), .heads = state.range(1)}, [](auto mixer, const auto& in, const auto& y) { lcsm::chunkwise(lcsm::exec::seq, mixer, in, y); });
}
BENCHMARK(chunkwise<lcsm::SimpleGla>)->ArgNames({"T", "H"})->Args({1024, 4})->Args({8192, 1});
BENCHMARK(chunkwise<lcsm::Gla>)->ArgNames({"T", "H"})->Args({1024, 4})->Args({8192, 1});
}  // namespace
