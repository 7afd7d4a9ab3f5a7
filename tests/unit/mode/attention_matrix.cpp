// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace {

using namespace lcsm;

struct Gated : Mixer<expand::Data<>, oscillation::PerValue<map::LogSigmoid<>>, shrink::Data<>> {};

}  // namespace

// Inputs that are the same along the value axis do not say how long it is: the output does, by its rows.
TEST_CASE("a matrix per value channel of inputs that are the same along it", "[attention_matrix]") {
  test::Random random(4);
  const Index B = 2, T = 11, H = 2, K = 3, D = 5;
  const test::RandomInputs<Gated, float> one({B, T, H, K, 1}, {.dense = true, .broadcast = false, .groups = false}, random);
  test::Inputs<float> repeated = one.in;
  repeated.g.stride[4] = repeated.v.stride[4] = 0;
  Buffer<float> narrow(B, T, H, 1, T), wide(B, T, H, D, T);
  attention_matrix(exec::seq, Gated{}, one.in, narrow.view());
  attention_matrix(exec::seq, Gated{}, repeated, wide.view());
  for (Index c = 0; c < D; ++c) {
    bool same = true;
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index s = 0; s < T; ++s) same = same && wide.view().at(b, t, h, c, s) == narrow.view().at(b, t, h, 0, s);
    CHECK(same);
  }
  CHECK(narrow.view().at(1, 7, 1, 0, 3) != 0);
}
