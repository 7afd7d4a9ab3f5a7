// SPDX-License-Identifier: MIT
// W12: the causal depthwise convolution of 4 taps over 1536 channels, the last inputs out; 8 bytes a number.
#include <lcsm/layers/short_convolution.hpp>

#include "workload.hpp"

using namespace bench;

int main(int argc, char** argv) {
  limit::add_bandwidth();
  constexpr Index D = 1536, W = 4;
  for (const Index T : {1024, 8192, 8100}) {
    auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* weight = new lcsm::Buffer<float>(1, 1, 1, D, W);
    auto* bias = new lcsm::Buffer<float>(numbers(1, 1, 1, D));
    auto* y = new lcsm::Buffer<float>(1, T, 1, D);
    auto* last = new lcsm::Buffer<float>(1, 1, 1, W - 1, D);
    const lcsm::Buffer<float> taps = numbers(1, 1, 1, D * W);
    std::copy(taps.begin(), taps.end(), weight->begin());
    const lcsm::View<const float> in = *x, w = *weight, b = *bias;
    const auto run = [=](const auto& exec) { lcsm::short_convolution(exec, in, w, b, y->view(), lcsm::ConvolutionOptions<float>{.final = last->view()}); };
    run(lcsm::exec::seq);
    for (const Index t : {Index(0), Index(2), T - 1})
      for (Index c = 0; c < D; ++c) {
        double sum = double(b(0, 0, 0, c));
        for (Index k = 0; k < W && k <= t; ++k) sum += double(w.at(0, 0, 0, c, W - 1 - k)) * double(in(0, t - k, 0, c));
        check_number("W12", double(y->view()(0, t, 0, c)), sum, 5);
      }
    add("W12/short convolution/T=" + std::to_string(T), T == 1024 ? "limit/L3" : "limit/DRAM", 8.0 * double(T * D), double(T), run);
  }
  return measure(argc, argv);
}
