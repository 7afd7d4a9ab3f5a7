// SPDX-License-Identifier: MIT
// Sequences of unequal length in one call: packed one after the other with their offsets, or padded with a mask. Neither leaks.
#include <lcsm/lcsm.hpp>

#include "example.hpp"

#include <limits>
#include <vector>

int main() {
  using Mixer = lcsm::SimpleGla;
  std::mt19937 rng(5);
  const lcsm::Index heads = 3, keys = 16, values = 24, longest = 130;
  const std::vector<std::int64_t> offsets{0, 100, 100, 230, 231};   // lengths 100, 0, 130, 1
  const lcsm::Index count = lcsm::Index(offsets.size()) - 1, tokens = lcsm::Index(offsets.back());
  auto q = example::random(rng, 1, tokens, heads, keys), k = example::random(rng, 1, tokens, heads, keys), v = example::random(rng, 1, tokens, heads, values);
  auto g = example::random(rng, 1, tokens, heads, 1, 0.05f);
  for (float& x : g) x = -std::abs(x);                      // log gates
  const Mixer::In<const float> in{.q = q, .k = k, .v = v, .g = g};

  // Packed: a batch of one. The state has a slot per sequence.
  lcsm::Buffer<float> y(1, tokens, heads, values);
  lcsm::State<Mixer, float> state(count, heads, keys, values);
  lcsm::mix(lcsm::exec::par, Mixer{}, in, y.view(), {.final = state, .sequences = offsets});

  // Padded: [sequence, longest]; what stands at padding does not matter, not even a NaN.
  const auto padded = [&](const lcsm::View<const float>& x) {
    lcsm::Buffer<float> out(count, longest, heads, x.feature());
    out.fill(std::numeric_limits<float>::quiet_NaN());
    for (lcsm::Index n = 0; n < count; ++n)
      for (lcsm::Index t = offsets[std::size_t(n)]; t < offsets[std::size_t(n) + 1]; ++t)
        for (lcsm::Index h = 0; h < heads; ++h)
          for (lcsm::Index f = 0; f < x.feature(); ++f) out.view()(n, t - offsets[std::size_t(n)], h, f) = x(0, t, h, f);
    return out;
  };
  auto qp = padded(q), kp = padded(k), vp = padded(v), gp = padded(g);
  lcsm::Buffer<std::uint8_t> mask(count, longest, 1, 1);
  for (lcsm::Index n = 0; n < count; ++n)
    for (lcsm::Index t = 0; t < offsets[std::size_t(n) + 1] - offsets[std::size_t(n)]; ++t) mask.view()(n, t, 0, 0) = 1;
  lcsm::Buffer<float> y_padded(count, longest, heads, values);
  lcsm::mix(lcsm::exec::par, Mixer{}, Mixer::In<const float>{.q = qp, .k = kp, .v = vp, .g = gp}, y_padded.view(), {.mask = mask});

  // Every sequence on its own, by the definition.
  bool good = true;
  std::printf("largest difference from each sequence on its own (float64), relative to its largest output:\n");
  for (lcsm::Index n = 0; n < count; ++n) {
    const lcsm::Index first = offsets[std::size_t(n)], length = offsets[std::size_t(n) + 1] - first;
    const Mixer::In<const float> alone{in.q.tokens(first, length), in.k.tokens(first, length), in.v.tokens(first, length), in.g.tokens(first, length)};
    lcsm::Buffer<double> expected(1, length, heads, values);
    lcsm::State<Mixer, double> final(1, heads, keys, values);
    lcsm::reference(Mixer{}, alone, expected.view(), {.final = final});
    std::printf(" sequence %td, %td tokens\n", n, length);
    good = example::agree("packed", y.view().tokens(first, length), expected.view()) && good;
    good = example::agree("padded", y_padded.view().batches(n, 1).tokens(0, length), expected.view()) && good;
    for (lcsm::Index h = 0; h < heads; ++h)                // m is [N, 1, H, K, D]: one key at a time
      for (lcsm::Index a = 0; a < keys; ++a)
        if (example::difference(state.view().m.batches(n, 1).heads(h, 1).rows(a, 1), final.view().m.heads(h, 1).rows(a, 1)) > 1e-4) good = false;
  }
  double padding = 0;
  for (lcsm::Index t = 100; t < longest; ++t) padding += std::abs(double(y_padded.view()(0, t, 0, 0)));
  std::printf("what a masked token writes: %g\n", padding);
  return good && padding == 0 ? 0 : 1;
}
