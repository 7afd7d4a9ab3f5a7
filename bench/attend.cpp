// SPDX-License-Identifier: MIT
#include <lcsm/mode/attention.hpp>

#include "inputs.hpp"

namespace {
template <class M> void attend(benchmark::State& state) {
  bench::whole<M>(state, {.tokens = state.range(0), .heads = state.range(1)}, [](auto mixer, const auto& in, const auto& y) { lcsm::attend(lcsm::exec::seq, mixer, in, y); });
}
BENCHMARK(attend<lcsm::SimpleGla>)->ArgNames({"T", "H"})->Args({256, 4})->Args({1024, 1});
BENCHMARK(attend<lcsm::Gla>)->ArgNames({"T", "H"})->Args({256, 4})->Args({1024, 1});
}  // namespace
