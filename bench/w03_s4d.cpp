// SPDX-License-Identifier: MIT
// W3: S4D over 256 channels of 64 modes: its kernel (4 N operations a tap), the recurrence (16 N per channel and token), and both kernel and convolution.
#include "workload.hpp"

using namespace bench;

int main(int argc, char** argv) {
  limit::add_fma();
  constexpr Index D = 256, N = 64;
  using M = lcsm::S4d;
  auto* log_dt = new lcsm::Buffer<float>(numbers(1, 1, 1, D, -6.9f, -2.3f));
  auto* re = new lcsm::Buffer<float>(1, 1, 1, N, D);
  auto* im = new lcsm::Buffer<float>(1, 1, 1, N, D);
  auto* c = new lcsm::Buffer<float>(1, 1, 1, N, D);
  auto* c_imag = new lcsm::Buffer<float>(1, 1, 1, N, D);
  auto* skip = new lcsm::Buffer<float>(numbers(1, 1, 1, D));
  const lcsm::Buffer<float> a = numbers(1, 1, 1, N * D), b = numbers(1, 1, 1, N * D);
  for (Index n = 0; n < N; ++n)
    for (Index d = 0; d < D; ++d) {
      re->view().at(0, 0, 0, n, d) = std::log(0.5f), im->view().at(0, 0, 0, n, d) = 3.14159265f * float(n);
      c->view().at(0, 0, 0, n, d) = a[n * D + d], c_imag->view().at(0, 0, 0, n, d) = b[n * D + d];
    }
  for (const Index T : {1024, 16384, 16100}) {
    auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* y = new lcsm::Buffer<float>(1, T, 1, D);
    auto* kernel = new lcsm::Buffer<float>(1, T, 1, D);
    M::In<const float> in{};
    in.x = *x, in.log_dt = *log_dt, in.log_A_real = *re, in.A_imag = *im, in.C = *c, in.C_imag = *c_imag, in.D = *skip;
    auto prefix = in;
    prefix.x = in.x.tokens(0, 100);
    check<M>("W3", prefix, 1, 100, 1, D, [](const auto& i, const auto& out) { lcsm::recurrent(lcsm::exec::seq, M{}, i, out); });
    check<M>("W3", prefix, 1, 100, 1, D, [](const auto& i, const auto& out) { lcsm::convolve(lcsm::exec::seq, M{}, i, out); });
    const std::string sizes = "/T=" + std::to_string(T);
    add("W3/S4D, kernel" + sizes, "limit/fma", 4.0 * double(N * D) * double(T), double(T), [=](const auto& exec) { lcsm::convolution_kernel(exec, M{}, in, kernel->view()); });
    add("W3/S4D, kernel and convolution" + sizes, "limit/fma", 4.0 * double(N * D) * double(T), double(T), [=](const auto& exec) { lcsm::convolve(exec, M{}, in, y->view()); });
    add("W3/S4D, recurrent" + sizes, "limit/fma", 16.0 * double(N * D) * double(T), double(T), [=](const auto& exec) { lcsm::recurrent(exec, M{}, in, y->view()); });
  }
  return measure(argc, argv);
}
