// SPDX-License-Identifier: MIT
// A prompt in one call, then token by token; a state is a value: fork it, roll it back, move one slot of a server's batch.
#include <lcsm/lcsm.hpp>

#include "example.hpp"

#include <algorithm>

namespace {
using Mixer = lcsm::Retention;

struct Text {                                               // what a model would compute from its tokens
  lcsm::Buffer<float> q, k, v;
  Text(unsigned seed, lcsm::Index batch, lcsm::Index tokens, lcsm::Index heads, lcsm::Index keys, lcsm::Index values) {
    std::mt19937 rng(seed);
    q = example::random(rng, batch, tokens, heads, keys), k = example::random(rng, batch, tokens, heads, keys);
    v = example::random(rng, batch, tokens, heads, values);
  }
  Mixer::In<const float> tokens(lcsm::Index first, lcsm::Index count) const {
    return {.q = q.view().tokens(first, count), .k = k.view().tokens(first, count), .v = v.view().tokens(first, count)};
  }
};
bool same(const lcsm::Buffer<float>& a, const lcsm::Buffer<float>& b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }
bool report(const char* what, bool good) {
  std::printf("  %-62s %s\n", what, good ? "yes" : "NO");
  return good;
}
}  // namespace

int main() {
  const lcsm::Index batch = 2, prompt = 200, more = 56, heads = 4, keys = 16, values = 32, tokens = prompt + more;
  const Text text(3, batch, tokens, heads, keys, values), other(4, batch, more, heads, keys, values);
  bool good = true;

  lcsm::Buffer<double> expected(batch, tokens, heads, values);
  lcsm::reference(Mixer{}, text.tokens(0, tokens), expected.view());

  // The prompt leaves its state behind; every step takes it on, and allocates nothing.
  lcsm::Buffer<float> y(batch, tokens, heads, values);
  lcsm::State<Mixer, float> state(batch, heads, keys, values);
  lcsm::chunkwise(lcsm::exec::par, Mixer{}, text.tokens(0, prompt), y.view().tokens(0, prompt), {.final = state});
  const lcsm::State<Mixer, float> after_prompt = state;     // a copy: to fork, or to come back to
  const auto decode = [&](const Text& source, lcsm::Index first, lcsm::State<Mixer, float>& s, lcsm::View<float> out) {
    for (lcsm::Index t = 0; t < more; ++t) lcsm::step(Mixer{}, source.tokens(first + t, 1), out.tokens(t, 1), s);
  };
  decode(text, prompt, state, y.view().tokens(prompt, more));
  std::printf("prompt of %td tokens by chunks, %td by steps; from the float64 definition:\n", prompt, more);
  good = example::agree("prompt", y.view().tokens(0, prompt), expected.view().tokens(0, prompt)) && good;
  good = example::agree("steps", y.view().tokens(prompt, more), expected.view().tokens(prompt, more)) && good;

  // Fork: another continuation of the same prompt does not touch the first.
  std::printf("states are values:\n");
  const lcsm::State<Mixer, float> finished = state;
  lcsm::State<Mixer, float> fork = after_prompt;
  lcsm::Buffer<float> first(batch, more, heads, values), second(batch, more, heads, values);
  decode(other, 0, fork, first.view());
  bool untouched = true;
  state.components([&](const char*, const auto& mine, const auto& theirs) { untouched = untouched && std::equal(mine.begin(), mine.end(), theirs.begin()); }, finished);
  good = report("a fork leaves the other one as it is", untouched) && good;

  // Roll back: the same steps again give the same bits.
  state = after_prompt;
  decode(other, 0, state, second.view());
  good = report("rolled back and decoded again: the same bits", same(first, second)) && good;

  // A server's batch: sequence 1 leaves, sequence 0 of another state takes its slot.
  state.copy_sequence(1, after_prompt, 0);
  const auto& position = state.view().position;
  good = report("a slot moved: positions of both sequences", position.at(0, 0, 0, 0, 0) == tokens && position.at(1, 0, 0, 0, 0) == prompt) && good;
  return good ? 0 : 1;
}
