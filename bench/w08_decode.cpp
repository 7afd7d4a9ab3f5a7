// SPDX-License-Identifier: MIT
// W8: one token of the mixers of W5 and W7 for 1 and 16 sequences, the state in place; bytes of the state read and written, or an exponential a mode.
#include "workload.hpp"

using namespace bench;

namespace {

constexpr Index steps = 20;

// The same tokens by steps and by the definition.
template <class M, class In> void check_steps(const std::string& name, const In& all, Index batch, Index heads, Index keys, Index values) {
  check<M>(name, all, batch, steps, heads, values, [=](const In& in, const auto& y) {
    lcsm::State<M, float> state(batch, heads, keys, values);
    for (Index t = 0; t < steps; ++t) {
      In token = in;
      M::visit([&]<class Leaf>() {
        if constexpr (Leaf::streams) const_cast<lcsm::View<const float>&>(Leaf::view(token)) = Leaf::view(in).tokens(t, 1);
      });
      lcsm::step(M{}, token, y.tokens(t, 1), state);
    }
  });
}
template <class M, class In> void add_steps(const std::string& name, const In& all, Index batch, Index heads, Index keys, Index values, const char* limit, double work) {
  check_steps<M>("W8 " + name, all, batch, heads, keys, values);
  auto* state = new lcsm::State<M, float>(batch, heads, keys, values);
  auto* y = new lcsm::Buffer<float>(batch, 1, heads, values);
  In token = all;
  M::visit([&]<class Leaf>() {
    if constexpr (Leaf::streams) const_cast<lcsm::View<const float>&>(Leaf::view(token)) = Leaf::view(all).tokens(0, 1);
  });
  add("W8/" + name + ", step/B=" + std::to_string(batch), limit, work, double(batch), 1, [=] { lcsm::step(M{}, token, y->view(), *state); });
}
const lcsm::Buffer<float>& stream(Index batch, Index heads, Index features, float low = -1, float high = 1) { return *new lcsm::Buffer<float>(numbers(batch, steps, heads, features, low, high)); }
const lcsm::Buffer<float>& parameter(Index heads, Index rows, Index features, float low, float high) {
  auto* x = new lcsm::Buffer<float>(1, 1, heads, rows, features);
  const lcsm::Buffer<float> from = numbers(1, rows, heads, features, low, high);
  for (Index h = 0; h < heads; ++h)
    for (Index r = 0; r < rows; ++r)
      for (Index f = 0; f < features; ++f) x->view().at(0, 0, h, r, f) = from.view()(0, r, h, f);
  return *x;
}

void gla(Index B, Index K) {
  constexpr Index H = 8;
  const double bytes = 8.0 * double(B * H * K * K);
  const lcsm::Gla::In<const float> in{.q = stream(B, H, K), .k = stream(B, H, K), .v = stream(B, H, K), .g = stream(B, H, K, -0.05f, 0)};
  add_steps<lcsm::Gla>("GLA K=" + std::to_string(K), in, B, H, K, K, bytes <= 2 << 20 ? "limit/L2" : "limit/L3", bytes);
}
void mamba1(Index B) {
  constexpr Index D = 1536, N = 16;
  lcsm::Mamba::In<const float> in{};
  in.x = stream(B, 1, D), in.delta = stream(B, 1, D), in.B = stream(B, 1, N), in.C = stream(B, 1, N), in.A = parameter(1, N, D, -16, -1), in.D = parameter(1, 1, D, -1, 1), in.delta_bias = parameter(1, 1, D, -4, -3);
  add_steps<lcsm::Mamba>("Mamba-1", in, B, 1, N, D, "limit/exp", double(B * D * N));
}
void mamba2(Index B) {
  constexpr Index H = 24, P = 64, N = 128;
  const double bytes = 8.0 * double(B * H * P * N);
  lcsm::Mamba2::In<const float> in{};
  in.x = stream(B, H, P), in.delta = stream(B, H, 1), in.B = stream(B, 1, N), in.C = stream(B, 1, N), in.A = parameter(H, 1, 1, -2, -1), in.D = parameter(H, 1, P, -1, 1), in.delta_bias = parameter(H, 1, 1, -4, -3);
  add_steps<lcsm::Mamba2>("Mamba-2", in, B, H, N, P, bytes <= 2 << 20 ? "limit/L2" : "limit/L3", bytes);
}

}  // namespace

int main(int argc, char** argv) {
  limit::add_bandwidth(), limit::add_exp();
  for (const Index B : {1, 16}) gla(B, 64), gla(B, 128), mamba1(B), mamba2(B);
  return measure(argc, argv);
}
