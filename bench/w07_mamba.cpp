// SPDX-License-Identifier: MIT
// W7: the selective scan of Mamba-1 (1536 channels, 16 modes; one exponential a mode) and Mamba-2's (24 heads of 64 x 128; 6 P N operations per token and head).
#include "workload.hpp"

using namespace bench;

namespace {

void mamba1(Index T) {
  constexpr Index D = 1536, N = 16;
  auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
  auto* delta = new lcsm::Buffer<float>(numbers(1, T, 1, D));
  auto* B = new lcsm::Buffer<float>(numbers(1, T, 1, N));
  auto* C = new lcsm::Buffer<float>(numbers(1, T, 1, N));
  auto* A = new lcsm::Buffer<float>(1, 1, 1, N, D);
  auto* skip = new lcsm::Buffer<float>(numbers(1, 1, 1, D));
  auto* bias = new lcsm::Buffer<float>(numbers(1, 1, 1, D, -4, -3));
  auto* y = new lcsm::Buffer<float>(1, T, 1, D);
  for (Index n = 0; n < N; ++n)
    for (Index c = 0; c < D; ++c) A->view().at(0, 0, 0, n, c) = -float(n + 1);
  lcsm::Mamba::In<const float> in{};
  in.x = *x, in.delta = *delta, in.B = *B, in.C = *C, in.A = *A, in.D = *skip, in.delta_bias = *bias;
  auto prefix = in;
  prefix.x = in.x.tokens(0, 20), prefix.delta = in.delta.tokens(0, 20), prefix.B = in.B.tokens(0, 20), prefix.C = in.C.tokens(0, 20);
  check<lcsm::Mamba>("W7 Mamba-1", prefix, 1, 20, 1, D, [](const auto& i, const auto& out) { lcsm::scan(lcsm::exec::seq, lcsm::Mamba{}, i, out); });
  add("W7/Mamba-1, scan/T=" + std::to_string(T), "limit/exp", double(T * D * N), double(T), [=](const auto& exec) { lcsm::scan(exec, lcsm::Mamba{}, in, y->view()); });
}

void mamba2(Index T) {
  constexpr Index H = 24, P = 64, N = 128;
  auto* x = new lcsm::Buffer<float>(numbers(1, T, H, P));
  auto* delta = new lcsm::Buffer<float>(numbers(1, T, H, 1));
  auto* B = new lcsm::Buffer<float>(numbers(1, T, 1, N));
  auto* C = new lcsm::Buffer<float>(numbers(1, T, 1, N));
  auto* A = new lcsm::Buffer<float>(numbers(1, 1, H, 1, -2, -1));
  auto* skip = new lcsm::Buffer<float>(numbers(1, 1, H, P));
  auto* bias = new lcsm::Buffer<float>(numbers(1, 1, H, 1, -4, -3));
  auto* y = new lcsm::Buffer<float>(1, T, H, P);
  lcsm::Mamba2::In<const float> in{};
  in.x = *x, in.delta = *delta, in.B = *B, in.C = *C, in.A = *A, in.D = *skip, in.delta_bias = *bias;
  auto prefix = in;
  prefix.x = in.x.tokens(0, 70), prefix.delta = in.delta.tokens(0, 70), prefix.B = in.B.tokens(0, 70), prefix.C = in.C.tokens(0, 70);
  check<lcsm::Mamba2>("W7 Mamba-2", prefix, 1, 70, H, P, [](const auto& i, const auto& out) { lcsm::chunkwise(lcsm::exec::seq, lcsm::Mamba2{}, i, out); });
  add("W7/Mamba-2, chunkwise/T=" + std::to_string(T), "limit/fma", 6.0 * double(P * N * H * T), double(T), [=](const auto& exec) { lcsm::chunkwise(exec, lcsm::Mamba2{}, in, y->view()); });
}

}  // namespace

int main(int argc, char** argv) {
  limit::add_fma(), limit::add_exp();
  for (const Index T : {1024, 8192}) mamba1(T), mamba2(T);
  return measure(argc, argv);
}
