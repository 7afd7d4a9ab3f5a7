// SPDX-License-Identifier: MIT
// W1: h_t = a_t h_{t-1} + x_t over 1024 channels, all h written; 12 bytes a number, 24 backwards (a, x, h's cotangent; h anew; two gradients).
#include <lcsm/mode/vjp.hpp>

#include "workload.hpp"

using namespace bench;

int main(int argc, char** argv) {
  limit::add_bandwidth();
  for (const auto& [T, D] : {std::pair<Index, Index>{1024, 1024}, {16384, 1024}, {16100, 1000}}) {
    auto* a = new lcsm::Buffer<float>(numbers(1, T, 1, D, 0.5f, 0.99f));
    auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* h = new lcsm::Buffer<float>(1, T, 1, D);
    const lcsm::FirstOrder::In<const float> in{*a, *x};
    const auto scan = [=](const auto& exec) { lcsm::scan(exec, lcsm::FirstOrder{}, in, h->view()); };
    check<lcsm::FirstOrder>("W1", lcsm::FirstOrder::In<const float>{in.a.tokens(0, 64), in.b.tokens(0, 64)}, 1, 64, 1, D, [](const auto& i, const auto& y) { lcsm::scan(lcsm::exec::seq, lcsm::FirstOrder{}, i, y); });
    auto* h_bar = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* bars = new lcsm::Buffer<float>[2]{{1, T, 1, D}, {1, T, 1, D}};
    const lcsm::View<const float> bar = *h_bar;
    const lcsm::FirstOrder::In<float> grads{bars[0], bars[1]};
    add("W1/real scan, backward/T=" + std::to_string(T) + " D=" + std::to_string(D), T <= 1024 ? "limit/L3" : "limit/DRAM", 24.0 * double(T * D), double(T), [=](const auto& exec) { lcsm::scan_vjp(exec, lcsm::FirstOrder{}, in, bar, grads); });
    add("W1/real scan/T=" + std::to_string(T) + " D=" + std::to_string(D), T <= 1024 ? "limit/L3" : "limit/DRAM", 12.0 * double(T * D), double(T), scan);
  }
  return measure(argc, argv);
}
