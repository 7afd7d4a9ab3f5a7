// SPDX-License-Identifier: MIT
// W10: the gated delta rule, 8 heads, one decay in [0.9, 1] and one beta in (0, 1) per head, keys of length 1; 8 K V operations per token and head.
#include "workload.hpp"

using namespace bench;

namespace {

void add_rule(Index T, Index K) {
  constexpr Index H = 8;
  using M = lcsm::GatedDeltaRule;
  auto* q = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* k = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* v = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* g = new lcsm::Buffer<float>(numbers(1, T, H, 1, -0.1f, 0));
  auto* beta = new lcsm::Buffer<float>(numbers(1, T, H, 1, 0, 1));
  auto* y = new lcsm::Buffer<float>(1, T, H, K);
  for (Index t = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h) {
      float sum = 0;
      for (Index a = 0; a < K; ++a) sum += k->view()(0, t, h, a) * k->view()(0, t, h, a);
      for (Index a = 0; a < K; ++a) k->view()(0, t, h, a) /= std::sqrt(sum);
    }
  const M::In<const float> in{.q = *q, .k = *k, .v = *v, .g = *g, .beta = *beta};
  const auto head = [](const lcsm::View<const float>& x) { return x.tokens(0, 100); };
  check<M>("W10", M::In<const float>{.q = head(in.q), .k = head(in.k), .v = head(in.v), .g = head(in.g), .beta = head(in.beta)}, 1, 100, H, K, [](const auto& i, const auto& out) { lcsm::chunkwise(lcsm::exec::seq, M{}, i, out); });
  const std::string sizes = "/T=" + std::to_string(T) + " K=" + std::to_string(K);
  const double work = 8.0 * double(K * K * T * H);
  add("W10/gated delta rule, chunkwise" + sizes, "limit/fma", work, double(T), [=](const auto& exec) { lcsm::chunkwise(exec, M{}, in, y->view()); });
  if (T <= 1024) add("W10/gated delta rule, recurrent" + sizes, "limit/fma", work, double(T), [=](const auto& exec) { lcsm::recurrent(exec, M{}, in, y->view()); });
}

}  // namespace

int main(int argc, char** argv) {
  limit::add_fma();
  for (const Index K : {64, 128})
    for (const Index T : {1024, 8192}) add_rule(T, K);
  return measure(argc, argv);
}
