// SPDX-License-Identifier: MIT
// W6: GateLoop, a complex transition of the token: one per key (8 heads of 64 x 64; four times the operations of a real one, 24 K V per token and head), and one for each of 1024 channels,
// as gate and angle (with a sigmoid, a sine and a cosine a number) or as the number itself (24 bytes: two for the transition, key, value, query and output).
#include "workload.hpp"

using namespace bench;

namespace {

// The operator with its transition as a number, composed here.
struct Transition : lcsm::Mixer<lcsm::expand::PerValue<>, lcsm::oscillation::ComplexMultiplier<>, lcsm::shrink::PerValue<>> {
  template <class T> struct In { lcsm::View<T> q{}, k{}, v{}, a{}, a_imag{}; };
};

template <class M> void add_mixer(const std::string& name, Index T, Index H, Index K, Index D, bool by_chunks, const char* limit, double work) {
  auto* q = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* k = new lcsm::Buffer<float>(numbers(1, T, H, K));
  auto* v = new lcsm::Buffer<float>(numbers(1, T, H, D));
  auto* g = new lcsm::Buffer<float>(numbers(1, T, H, K, 3, 6));
  auto* phase = new lcsm::Buffer<float>(numbers(1, T, H, K, -3, 3));
  auto* y = new lcsm::Buffer<float>(1, T, H, D);
  for (Index n = 0; std::is_same_v<M, Transition> && n < g->size(); ++n) {
    const float size = 1 / (1 + std::exp(-(*g)[n])), angle = (*phase)[n];
    (*g)[n] = size * std::cos(angle), (*phase)[n] = size * std::sin(angle);
  }
  const typename M::template In<const float> in{*q, *k, *v, *g, *phase};
  const auto run = [=](const auto& exec, const auto& i, const auto& out) {
    if constexpr (M::factors) {
      if (by_chunks) return lcsm::chunkwise(exec, M{}, i, out);
    }
    lcsm::scan(exec, M{}, i, out);
  };
  const auto head = [](const lcsm::Buffer<float>* x) { return lcsm::View<const float>(x->view()).tokens(0, 70); };
  check<M>("W6 " + name, typename M::template In<const float>{head(q), head(k), head(v), head(g), head(phase)}, 1, 70, H, D, [=](const auto& i, const auto& out) { run(lcsm::exec::seq, i, out); });
  add("W6/" + name + (by_chunks ? ", chunkwise" : ", scan") + "/T=" + std::to_string(T), limit, work, double(T), [=](const auto& exec) { run(exec, in, y->view()); });
}

}  // namespace

int main(int argc, char** argv) {
  limit::add_fma(), limit::add_bandwidth();
  for (const Index T : {1024, 8192}) add_mixer<lcsm::GateLoop>("per key", T, 8, 64, 64, true, "limit/fma", 24.0 * 8 * 64 * 64 * double(T));
  for (const Index T : {1024, 16384, 16100}) {
    const Index D = T == 16100 ? 1000 : 1024;
    add_mixer<Transition>("per channel", T, 1, D, D, false, T == 1024 ? "limit/L3" : "limit/DRAM", 24.0 * double(T * D));
    add_mixer<lcsm::GateLoopMaximallyHeaded>("per channel, gate and angle", T, 1, D, D, false, T == 1024 ? "limit/L3" : "limit/DRAM", 24.0 * double(T * D));
  }
  return measure(argc, argv);
}
