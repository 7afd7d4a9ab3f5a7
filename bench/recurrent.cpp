// SPDX-License-Identifier: MIT
#include <lcsm/mode/recurrent.hpp>

#include "inputs.hpp"

namespace {
template <class M> void recurrent(benchmark::State& state) {
  bench::whole<M>(state, {.tokens = state.range(0), .heads = state.range(1)}, [](auto mixer, const auto& in, const auto& y) { lcsm::recurrent(lcsm::exec::seq, mixer, in, y); });
}
BENCHMARK(recurrent<lcsm::Gla>)->ArgNames({"T", "H"})->Args({1024, 4});
BENCHMARK(recurrent<lcsm::Hgrn>)->ArgNames({"T", "H"})->Args({1024, 4});
BENCHMARK(recurrent<lcsm::MambaStep>)->ArgNames({"T", "H"})->Args({1024, 4});
}  // namespace
