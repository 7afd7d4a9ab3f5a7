// SPDX-License-Identifier: MIT
#include <lcsm/attention/attend_vq.hpp>

#include "support/catch.hpp"
#include "unit/attention/vq_call.hpp"

#include <optional>

using namespace lcsm;
using namespace lcsm::test;

TEMPLATE_TEST_CASE("attention over a codebook is attention over quantised keys, in any blocks and stretches", "[attention][vq]", float, double) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const VqCall<TestType> call(random);
    INFO("seed " << seed << ": L " << call.L << ", S " << call.S << ", window " << call.M << ", bias " << call.biased);
    VqAttentionOptions<TestType> o{.causal = !random.one_in(3), .window = call.M, .block = random.one_of({1, 4, 7, 64, 1000}), .stretch = random.one_of({1, 5, 64, 1000})};
    AttentionOptions dense{.causal = o.causal};
    Buffer<std::uint8_t> mask(call.B, call.L, 1, 1);
    for (auto& m : mask) m = random.one_in(4) ? 0 : 1;
    if (random.one_in(3)) o.mask = dense.mask = std::as_const(mask).view();
    if (random.one_in(3)) o.direction = dense.direction = Direction::reverse;
    o.far = !random.one_in(4);
    if (!o.far) dense.window = call.M + 1;
    Buffer<TestType> y(call.B, call.L, call.H, call.D), again(y), right(y);
    attend_vq(exec::Par{3}, call.in(), y.view(), o), attend_vq(exec::seq, call.in(), again.view(), o);
    attend(exec::seq, SoftmaxAttention{}, call.dense(), right.view(), dense);
    CHECK(difference(y, right) <= tolerance(call));
    CHECK(std::equal(y.begin(), y.end(), again.begin()));
  }
}

TEST_CASE("attention over a codebook, cut anywhere and token by token", "[attention][vq]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(100 + seed);
    const VqCall<double> call(random, 60);
    INFO("seed " << seed << ": L " << call.L << ", window " << call.M);
    VqAttentionOptions<double> o{.window = call.M, .far = !random.one_in(4), .block = random.one_of({1, 4, 64})};
    Buffer<double> whole(call.B, call.L, call.H, call.D), y(whole);
    VqState<double> end(call.B, call.G, call.S, call.D, call.M), state = end;
    o.final = &end;
    attend_vq(exec::seq, call.in(), whole.view(), o);
    o.initial = o.final = &state;
    std::optional<VqState<double>> fork;
    for (Index done = 0; done < call.L;) {
      const Index count = seed % 2 == 0 ? 1 : random.between(1, call.L - done);
      if (done > call.L / 2 && !fork) {                     // a side step that is taken back
        fork = state;
        attend_vq(exec::seq, call.in(0, count), y.view().tokens(done, count), o);
        state = *fork;
      }
      attend_vq(exec::Par{2}, call.in(done, count), y.view().tokens(done, count), o);
      done += count;
    }
    CHECK(difference(y, whole) <= tolerance(call));
    for (Index b = 0; b < call.B; ++b) {
      CHECK(state.recent(b) == end.recent(b));
      CHECK(end.recent(b) == std::min(call.L, call.M));
      for (Index g = 0; g < call.G; ++g) {
        double counted = 0;
        for (Index s = 0; s < call.S; ++s) {
          counted += end.counts()(b, 0, g, s);
          CHECK(state.counts()(b, 0, g, s) == end.counts()(b, 0, g, s));
          // The mean of what was counted, and 0 where nothing was.
          double sum = 0, n = 0;
          for (Index t = 0; t < call.L - call.M; ++t)
            if (call.codes_of.view()(b, t, g, 0) == s) sum += call.v.view()(b, t, g, 0), n += 1;
          CHECK(n == end.counts()(b, 0, g, s));
          CHECK(std::abs(end.means().at(b, 0, g, s, 0) - (n > 0 ? sum / n : 0)) <= 1e-13);
          CHECK(std::abs(state.means().at(b, 0, g, s, 0) - (n > 0 ? sum / n : 0)) <= 1e-13);
        }
        CHECK(counted == double(std::max<Index>(call.L - call.M, 0)));
      }
    }
  }
}

TEST_CASE("packed sequences of codes are as apart", "[attention][vq]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(300 + seed);
    VqCall<float> call(random, 80);
    if (call.biased && call.bias.view().time() > 1) continue;
    const auto as_one = [&](auto v) {
      v.extent[0] = 1, v.extent[1] = call.B * call.L;
      return v;
    };
    std::vector<std::int32_t> offsets;
    for (Index b = 0; b <= call.B; ++b) offsets.push_back(std::int32_t(b * call.L));
    if (call.biased && call.bias.view().batch() > 1) continue;
    const VqInputs<const float> in = call.in();
    VqAttentionOptions<float> o{.window = call.M, .block = 8};
    VqState<float> apart(call.B, call.G, call.S, call.D, call.M), packed = apart;
    Buffer<float> y(call.B, call.L, call.H, call.D), other(y);
    o.final = &apart;
    attend_vq(exec::seq, in, y.view(), o);
    o.final = &packed, o.sequences = offsets;
    attend_vq(exec::seq, VqInputs<const float>{as_one(in.q), in.codes, as_one(in.v), in.bias, as_one(in.codes_of)}, as_one(other.view()), o);
    CHECK(std::equal(y.begin(), y.end(), other.begin()));
    CHECK(std::equal(apart.means().data, apart.means().data + call.B * call.G * call.S * call.D, packed.means().data));
  }
}

TEST_CASE("one code: the running mean of the values, whatever the queries", "[attention][vq]") {
  Random random(5);
  Buffer<double> q(1, 40, 1, 3), codes(1, 1, 1, 4, 3), v(1, 40, 1, 2), y(1, 40, 1, 2);
  for (Buffer<double>* x : {&q, &codes, &v})
    for (double& n : *x) n = random.uniform(-1, 1);
  // Codes that nobody took, much nearer to every query: exp of their logits would be all there is.
  for (Index s = 1; s < 4; ++s) codes.view().at(0, 0, 0, s, 0) = 1e5;
  for (Index t = 0; t < 40; ++t) q.view()(0, t, 0, 0) = 1e5;
  Buffer<std::int32_t> z(1, 40, 1, 1);
  z.fill(0);
  for (const Index window : {0, 5}) {
    attend_vq(exec::seq, VqInputs<const double>{q, codes, v, {}, z}, y.view(), {.window = window, .block = 3});
    double sum = 0;
    for (Index t = 0; t < 40; ++t) {
      sum += v.view()(0, t, 0, 1);
      CHECK(std::abs(y.view()(0, t, 0, 1) - sum / double(t + 1)) <= 1e-13);
    }
  }
}

TEST_CASE("attention over a codebook that does not fit is named, and nothing is written", "[attention][vq]") {
  Random random(7);
  Buffer<float> q(2, 6, 4, 3), codes(1, 1, 2, 5, 3), v(2, 6, 2, 4), y(2, 6, 4, 4);
  for (Buffer<float>* x : {&q, &codes, &v}) x->fill(0);
  Buffer<std::int32_t> z(2, 6, 2, 1);
  z.fill(1), y.fill(-7);
  VqState<float> state(2, 2, 5, 4, 3), other(2, 2, 5, 4, 2), wrong(1, 2, 5, 4, 3);
  using In = VqInputs<const float>;
  std::vector<std::byte> little(10);
  const auto refused = [&](const std::string& argument, const In& in, const VqAttentionOptions<float>& o) {
    std::string text = "nothing was thrown";
    try { attend_vq(exec::seq, in, y.view(), o); } catch (const Error& error) { text = error.what(); }
    INFO(text);
    CHECK(text.starts_with("lcsm::attend_vq: argument '" + argument + "': expected "));
  };
  const In good{q, codes, v, {}, z};
  refused("codes", {q, codes.view().features(0, 2), v, {}, z}, {});
  refused("v", {q, codes, v.view().tokens(0, 5), {}, z}, {});
  refused("codes_of", {q, codes, v, {}, z.view().tokens(0, 5)}, {});
  refused("window", good, {.window = -1});
  refused("block", good, {.block = 0});
  refused("stretch", good, {.stretch = 0});
  refused("initial", good, {.causal = false, .window = 3, .initial = &state});
  refused("initial", good, {.window = 3, .initial = &other});
  refused("final", good, {.window = 3, .final = &wrong});
  refused("workspace", good, {.workspace = little});
  z[7] = 5;
  refused("codes_of", good, {});
  CHECK(std::count(y.begin(), y.end(), -7.0f) == y.size());
}
