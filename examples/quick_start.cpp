// SPDX-License-Identifier: MIT
// Gated linear attention on random data, in every mode: they compute one thing.
#include <lcsm/lcsm.hpp>

#include "example.hpp"

int main() {
  std::mt19937 rng(1);
  const lcsm::Index batch = 2, tokens = 300, heads = 4, keys = 32, values = 48;
  auto q = example::random(rng, batch, tokens, heads, keys), k = example::random(rng, batch, tokens, heads, keys);
  auto v = example::random(rng, batch, tokens, heads, values), raw = example::random(rng, batch, tokens, heads, keys, 2, 2);

  // [use]
  lcsm::GlaLayerGate::In<const float> in{.q = q, .k = k, .v = v, .g = raw};   // views of [batch, time, head, feature], any strides
  lcsm::Buffer<float> y(batch, tokens, heads, values);
  lcsm::mix(lcsm::exec::par, lcsm::GlaLayerGate{}, in, y.view());             // the fastest mode, on all cores

  lcsm::State<lcsm::GlaLayerGate, float> state(batch, heads, keys, values);   // the memory, for the tokens that follow
  lcsm::mix(lcsm::exec::par, lcsm::GlaLayerGate{}, in, y.view(), {.initial = state, .final = state});
  // [use] end

  std::printf("%s\n", lcsm::describe<lcsm::GlaLayerGate>().c_str());
  lcsm::Buffer<double> expected(batch, tokens, heads, values);
  lcsm::reference(lcsm::GlaLayerGate{}, in, expected.view());
  std::printf("largest difference from the float64 definition, relative to the largest output:\n");

  bool good = true;
  const auto check = [&](const char* mode) { good = example::agree(mode, y.view(), expected.view()) && good; };
  const lcsm::GlaLayerGate gla;
  lcsm::recurrent(lcsm::exec::par, gla, in, y.view()), check("recurrent");
  lcsm::scan(lcsm::exec::par, gla, in, y.view()), check("scan");
  lcsm::chunkwise(lcsm::exec::par, gla, in, y.view()), check("chunkwise");
  lcsm::attend(lcsm::exec::par, gla, in, y.view()), check("attend");
  lcsm::mix(lcsm::exec::par, gla, in, y.view()), check("mix");

  state.reset();
  for (lcsm::Index t = 0; t < tokens; ++t) {
    const lcsm::GlaLayerGate::In<const float> token{in.q.tokens(t, 1), in.k.tokens(t, 1), in.v.tokens(t, 1), in.g.tokens(t, 1)};
    lcsm::step(gla, token, y.view().tokens(t, 1), state);
  }
  check("step, token by token");
  return good ? 0 : 1;
}
