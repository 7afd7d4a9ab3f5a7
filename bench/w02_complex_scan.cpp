// SPDX-License-Identifier: MIT
// W2: h_t = a_t h_{t-1} + x_t with complex a, x and h, real and imaginary parts in planes of their own, over 1024 channels; 24 bytes a number.
#include "workload.hpp"

using namespace bench;

namespace {

// No paper's: composed here.
struct ComplexFirstOrder : lcsm::Mixer<lcsm::expand::One, lcsm::oscillation::ComplexMultiplier<>, lcsm::shrink::One, lcsm::Input<lcsm::Data<lcsm::in::x, lcsm::Axes::value>, lcsm::Data<lcsm::in::x_imag, lcsm::Axes::value>>, lcsm::project::Complex> {
  template <class T> struct In { lcsm::View<T> a{}, a_imag{}, x{}, x_imag{}; };
};

}  // namespace

int main(int argc, char** argv) {
  limit::add_bandwidth();
  for (const auto& [T, D] : {std::pair<Index, Index>{1024, 1024}, {16384, 1024}, {16100, 1000}}) {
    auto* a = new lcsm::Buffer<float>(numbers(1, T, 1, D, 0.9f, 1));
    auto* a_imag = new lcsm::Buffer<float>(numbers(1, T, 1, D, -3.14159f, 3.14159f));
    auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* x_imag = new lcsm::Buffer<float>(numbers(1, T, 1, D));
    auto* h = new lcsm::Buffer<float>(1, T, 1, 2 * D);
    for (Index n = 0; n < a->size(); ++n) {
      const float modulus = (*a)[n], angle = (*a_imag)[n];
      (*a)[n] = modulus * std::cos(angle), (*a_imag)[n] = modulus * std::sin(angle);
    }
    const ComplexFirstOrder::In<const float> in{*a, *a_imag, *x, *x_imag};
    const auto head = [](const lcsm::View<const float>& v) { return v.tokens(0, 64); };
    check<ComplexFirstOrder>("W2", ComplexFirstOrder::In<const float>{head(in.a), head(in.a_imag), head(in.x), head(in.x_imag)}, 1, 64, 1, 2 * D, [](const auto& i, const auto& y) { lcsm::scan(lcsm::exec::seq, ComplexFirstOrder{}, i, y); });
    add("W2/complex scan/T=" + std::to_string(T) + " D=" + std::to_string(D), T <= 1024 ? "limit/L3" : "limit/DRAM", 24.0 * double(T * D), double(T), [=](const auto& exec) { lcsm::scan(exec, ComplexFirstOrder{}, in, h->view()); });
  }
  return measure(argc, argv);
}
