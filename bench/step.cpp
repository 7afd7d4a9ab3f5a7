// SPDX-License-Identifier: MIT
#include <lcsm/mode/step.hpp>

#include "inputs.hpp"

namespace {
// One token for every sequence and head of a batch: the decode path.
template <class M> void step(benchmark::State& state) {
  const bench::Size size{.batch = state.range(0), .tokens = 1, .heads = state.range(1)};
  const bench::Inputs inputs(size);
  const typename M::template In<const float> in = inputs;
  lcsm::Buffer<float> y(size.batch, 1, size.heads, size.values);
  lcsm::State<M, float> memory(size.batch, size.heads, inputs.keys<M>(), size.values);
  for (auto _ : state) {
    lcsm::step(M{}, in, y.view(), memory);
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * size.batch * size.heads);
}
BENCHMARK(step<lcsm::Gla>)->ArgNames({"N", "H"})->Args({1, 4})->Args({8, 16});
BENCHMARK(step<lcsm::Hgrn>)->ArgNames({"N", "H"})->Args({1, 4});
BENCHMARK(step<lcsm::MambaStep>)->ArgNames({"N", "H"})->Args({1, 4});
}  // namespace
