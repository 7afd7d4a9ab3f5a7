// SPDX-License-Identifier: MIT
// Inputs of one size for the benchmarks. An item is one token of one head.
#pragma once

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <benchmark/benchmark.h>

#include <random>

namespace bench {

using lcsm::Index;

struct Size { Index batch = 1, tokens = 2048, heads = 4, keys = 64, values = 64; };

// Numbers of every stream that a benchmarked mixer reads; gates are logs, mostly between -0.2 and 0.
class Inputs {
 public:
  explicit Inputs(const Size& size) : n(size) {
    std::mt19937 rng(1);
    std::normal_distribution<float> normal;
    for (auto* x : {&q, &k, &v, &delta, &gate_key, &gate_value, &gate_head, &A}) for (float& number : *x) number = normal(rng);
    for (auto* x : {&gate_key, &gate_value, &gate_head}) for (float& number : *x) number = -0.1f * std::abs(number);
    for (float& number : delta) number = 0.1f * std::abs(number);
    for (float& number : A) number = -std::abs(number);
  }
  operator lcsm::Gla::In<const float>() const { return {.q = q, .k = k, .v = v, .g = gate_key}; }
  operator lcsm::SimpleGla::In<const float>() const { return {.q = q, .k = k, .v = v, .g = gate_head}; }
  operator lcsm::Hgrn::In<const float>() const { return {.x = v, .g = gate_value}; }
  operator lcsm::MambaStep::In<const float>() const {
    return {.x = v, .delta = delta, .B = k, .C = q, .A = lcsm::parameter<const float>(A.data(), n.heads, n.keys, n.values)};
  }
  // Sizes as the mixer sees them: Hgrn has one key.
  template <class M> Index keys() const { return std::is_same_v<M, lcsm::Hgrn> ? 1 : n.keys; }

  Size n;
  lcsm::Buffer<float> q{n.batch, n.tokens, n.heads, n.keys}, k{n.batch, n.tokens, n.heads, n.keys}, v{n.batch, n.tokens, n.heads, n.values}, delta{n.batch, n.tokens, n.heads, n.values},
      gate_key{n.batch, n.tokens, n.heads, n.keys}, gate_value{n.batch, n.tokens, n.heads, n.values}, gate_head{n.batch, n.tokens, n.heads, 1}, A{1, 1, n.heads, n.keys, n.values};
};

// One call per iteration; run(mixer, in, y).
template <class M, class Run> void whole(benchmark::State& state, const Size& size, Run&& run) {
  const Inputs inputs(size);
  const typename M::template In<const float> in = inputs;
  lcsm::Buffer<float> y(size.batch, size.tokens, size.heads, size.values);
  for (auto _ : state) {
    run(M{}, in, y.view());
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * size.batch * size.tokens * size.heads);
}

}  // namespace bench
