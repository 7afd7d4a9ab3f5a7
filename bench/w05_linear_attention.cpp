// SPDX-License-Identifier: MIT
// W5: linear attention with no decay, one per head and one per key, 8 heads, the final state out; 6 K V operations per token and head, 15 backwards.
#include <lcsm/mode/vjp.hpp>

#include "workload.hpp"

using namespace bench;

namespace {

template <class M> void add_mixer(const std::string& name, Index T, Index K, float low, float high) {
  constexpr Index H = 8;
  constexpr bool per_key = std::is_same_v<M, lcsm::Gla>, gated = per_key || std::is_same_v<M, lcsm::SimpleGla>;
  auto* q = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* k = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* v = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* g = new lcsm::Buffer<float>(numbers(1, T, H, per_key ? K : 1, low, high));
  auto* y = new lcsm::Buffer<float>(1, T, H, K);
  auto* state = new lcsm::State<M, float>(1, H, K, K);
  typename M::template In<const float> in{};
  in.q = *q, in.k = *k, in.v = *v;
  if constexpr (gated) in.g = *g;
  auto prefix = in;
  prefix.q = in.q.tokens(0, 100), prefix.k = in.k.tokens(0, 100), prefix.v = in.v.tokens(0, 100);
  if constexpr (gated) prefix.g = in.g.tokens(0, 100);
  const auto chunks = [](const auto& i, const auto& out) { lcsm::chunkwise(lcsm::exec::seq, M{}, i, out); };
  check<M>("W5 " + name, prefix, 1, 100, H, K, chunks);
  const std::string sizes = "/T=" + std::to_string(T) + " K=" + std::to_string(K);
  const double work = 6.0 * double(K * K * T * H);
  add("W5/" + name + ", chunkwise" + sizes, "limit/fma", work, double(T), [=](const auto& exec) { lcsm::chunkwise(exec, M{}, in, y->view(), lcsm::Options<float>{.final = *state}); });
  if (T <= 8192) {
    auto* y_bar = new lcsm::Buffer<float>(numbers(1, T, H, K));
    auto* bars = new lcsm::Buffer<float>[4]{{1, T, H, K}, {1, T, H, K}, {1, T, H, K}, {1, T, H, per_key ? K : 1}};
    typename M::template In<float> grads{};
    grads.q = bars[0], grads.k = bars[1], grads.v = bars[2];
    if constexpr (gated) grads.g = bars[3];
    const lcsm::View<const float> bar = *y_bar;
    add("W5/" + name + ", chunkwise backward" + sizes, "limit/fma", 2.5 * work, double(T), [=](const auto& exec) { lcsm::chunkwise_vjp(exec, M{}, in, bar, grads); });
  }
  if (T <= 1024) add("W5/" + name + ", recurrent" + sizes, "limit/fma", work, double(T), [=](const auto& exec) { lcsm::recurrent(exec, M{}, in, y->view(), lcsm::Options<float>{.final = *state}); });
}

}  // namespace

int main(int argc, char** argv) {
  limit::add_fma();
  for (const Index K : {64, 128, 60})
    for (const Index T : {1024, 8192}) {
      add_mixer<lcsm::LinearAttention>("identity", T, K, 0, 1);
      add_mixer<lcsm::SimpleGla>("one decay", T, K, -0.05f, 0);
      add_mixer<lcsm::Gla>("per key", T, K, -0.05f, 0);
      if (K == 64) add_mixer<lcsm::Gla>("per key, strong", T, K, -5, 0);
    }
  return measure(argc, argv);
}
