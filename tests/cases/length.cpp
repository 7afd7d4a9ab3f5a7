// SPDX-License-Identifier: MIT
// Lengths that are no multiple of a chunk, and packed documents.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

TEMPLATE_TEST_CASE("the state after a ragged last chunk", "[cases][length_01]", float, double) {
  const Case file(case_path("length_01"));
  const GatedInputs<TestType> inputs(file);
  const Array h0 = file.in("h0"), o = file.out("o");
  Problem p = inputs.problem();
  p.chunks = {16, 64}, p.initial = arrange(h0, "bhrf");
  for (const Index length : {1, 2, 63, 64, 65, 97}) {
    INFO("length " << length);
    p.tokens = length;
    const Array state = file.out("final_state_" + std::to_string(length));
    every_way<GatedAttention, TestType>(tokens_of<GatedAttention>(inputs.in(), 0, length), p, [&](const Outcome& x) {
      agrees(x.y, arrange(o, "bthf").tokens(0, length), tolerance<TestType>(file));
      agrees(x.m, arrange(state, "bhrf"), tolerance<TestType>(file));
    });
  }
}

// The kind: every length, cut anywhere, against the definition.
TEMPLATE_TEST_CASE("every length up to 97, from every first token", "[cases][length_01]", float, double) {
  const Case file(case_path("length_01"));
  const GatedInputs<TestType> inputs(file);
  const GatedInputs<double> wide(file);
  using T = TestType;
  for (Index length = 0; length <= 97; ++length) {
    const Index first = (97 - length) / 2;
    State<GatedAttention, double> right_state(1, 1, 3, 2);
    Buffer<double> right(1, length, 1, 2);
    reference(GatedAttention{}, tokens_of<GatedAttention>(wide.in(), first, length), right.view(), {.final = right_state});
    for (const Way& way : ways_of<GatedAttention, T>({16, 64})) {
      INFO(way.name << ", length " << length);
      State<GatedAttention, T> state(1, 1, 3, 2);
      state.components([](const char*, auto& x) { poison(x); });
      Buffer<T> y(1, length, 1, 2);
      poison(y);
      run<GatedAttention>(way, Threads{}, tokens_of<GatedAttention>(inputs.in(), first, length), y.view(), Options<T>{.final = state});
      if (length == 0) {
        for (const double x : widened<T>(state.view().m)) CHECK(x == 0);
        continue;
      }
      agrees(widened<T>(y.view()), right, tolerance<T>(file));
      agrees(widened<T>(state.view().m), right_state.view().m, tolerance<T>(file));
    }
  }
}

TEMPLATE_TEST_CASE("packed documents of awkward lengths, one of them empty", "[cases][varlen_02]", float, double) {
  const Case file(case_path("varlen_02"));
  const GatedInputs<TestType> inputs(file);
  const Array h0 = file.in("h0"), listed = file.in("cu_seqlens");
  Problem p = inputs.problem();
  p.chunks = {8, 16}, p.initial = arrange(h0, "bhrf");
  p.offsets.assign(listed.values.begin(), listed.values.end());
  every_way<GatedAttention, TestType>(inputs.in(), p, agrees_with<TestType>(file, "o", "final_states"));

  // The empty document's state is what it was, to the bit; so are those of documents cut otherwise, in both directions.
  const GatedInputs<double> wide(file);
  for (const std::vector<std::int64_t>& offsets : {std::vector<std::int64_t>{0, 0, 41, 41, 41}, {0, 8, 16, 17, 41}, {0, 1, 2, 3, 41}, {0, 16, 32, 40, 41}})
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
      p.offsets = offsets, p.direction = direction;
      State<GatedAttention, double> state = fresh_state<GatedAttention, double>(p);
      Buffer<double> right(1, p.tokens, 1, p.values);
      reference(GatedAttention{}, wide.in(), right.view(), {.initial = state.view(), .final = state.view(), .sequences = offsets, .direction = direction});
      every_way<GatedAttention, TestType>(inputs.in(), p, [&](const Outcome& x) {
        agrees(x.y, right, tolerance<TestType>(file));
        agrees(x.m, state.view().m, tolerance<TestType>(file));
        for (Index n = 0; n < 4; ++n)
          if (offsets[to_size(n)] == offsets[to_size(n + 1)])
            for (Index a = 0; a < 3; ++a)
              for (Index c = 0; c < 2; ++c) CHECK(x.m.view().at(n, 0, 0, a, c) == p.initial.at(n, 0, 0, a, c));
      });
    }
}
