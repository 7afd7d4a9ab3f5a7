// SPDX-License-Identifier: MIT
// Where the sum itself is as fast as transforms, and one token after the other (W4 has whole convolutions): 256 channels [T, D]; an item is one output.
#include <lcsm/convolution/online.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/mode/long_convolution.hpp>

#include <benchmark/benchmark.h>

#include <random>

namespace {

using namespace lcsm;
constexpr Index channels = 256;

Buffer<float> noise(Index tokens) {
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  Buffer<float> x(1, tokens, 1, channels);
  for (float& number : x) number = normal(rng);
  return x;
}
void report(benchmark::State& state, Index tokens, double flops_per_output) {
  const double outputs = double(state.iterations()) * double(tokens * channels);
  state.SetItemsProcessed(std::int64_t(outputs));
  if (flops_per_output > 0) state.counters["GFLOP/s"] = benchmark::Counter(outputs * flops_per_output * 1e-9, benchmark::Counter::kIsRate);
}
void direct(benchmark::State& state) {
  const Index tokens = 8192, taps = state.range(0);
  const auto x = noise(tokens), k = noise(taps);
  Buffer<float> y(1, tokens, 1, channels);
  const ConvolutionPlan<float> plan(k.view(), {.tokens = tokens, .form = state.range(1) ? ConvolutionForm::fourier : ConvolutionForm::direct});
  for (auto _ : state) long_convolution(exec::par, plan, x.view(), View<const float>{}, y.view());
  report(state, tokens, state.range(1) ? 0 : 2 * double(taps));   // transforms do less than the sum
}
void online(benchmark::State& state) {
  const Index taps = state.range(0);
  const auto x = noise(taps), k = noise(taps);
  Buffer<float> y(1, 1, 1, channels);
  const OnlineKernel<float> kernel(k.view(), {.latency = state.range(1) ? Latency::bounded : Latency::relaxed});
  OnlineConvolution<float> decoder(kernel, 1);
  Index t = 0;
  for (auto _ : state) decoder.step(kernel, x.view().tokens(t++ % taps, 1), View<const float>{}, y.view());
  report(state, 1, 0);
}
BENCHMARK(direct)->ArgNames({"taps", "Fourier"})->ArgsProduct({{16, 32, 48, 64, 128}, {0, 1}})->UseRealTime();
BENCHMARK(online)->ArgNames({"taps", "bounded"})->ArgsProduct({{1024, 16384}, {0, 1}})->UseRealTime();

}  // namespace
