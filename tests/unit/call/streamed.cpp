// SPDX-License-Identifier: MIT
// Rows written past the caches are the same rows: in every layout of the output, with a channel block for each thread, packed and masked.
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/lcsm.hpp>

#include "support/catch.hpp"
#include "support/random_mixers.hpp"

using namespace lcsm;

namespace {

template <class M, class In, class T> void same(const In& in, Index heads, Index values, Index tokens, const Options<T>& options, Index offset, Index pitch) {
  std::vector<T> plain(to_size(tokens * heads * pitch + offset + 1), T(-7)), streamed = plain;
  const auto rows = [&](std::vector<T>& x) {
    View<T> v = view(x.data() + offset, 1, tokens, heads, values);
    v.stride[2] = pitch, v.stride[1] = heads * pitch;
    return v;
  };
  Options<T> o = options;
  o.tuning.streamed = Index(1) << 40;
  recurrent(exec::seq, M{}, in, rows(plain), o);
  o.tuning.streamed = 1;
  recurrent(exec::Par{3}, M{}, in, rows(streamed), o);
  INFO("values " << values << ", offset " << offset << ", pitch " << pitch);
  CHECK(std::equal(plain.begin(), plain.end(), streamed.begin()));
}

}  // namespace

TEMPLATE_TEST_CASE("streamed outputs are the same outputs", "[call]", float, double) {
  using T = TestType;
  test::Random random(3);
  const Index tokens = 23;
  const std::vector<std::int32_t> offsets{0, 5, 5, 23};
  std::vector<std::uint8_t> mask(to_size(tokens), 1);
  mask[3] = mask[22] = 0;
  const auto fill = [&](Index heads, Index features, double low, double high) {
    Buffer<T> x(1, tokens, heads, features);
    for (T& v : x) v = T(random.uniform(low, high));
    return x;
  };
  for (const Index D : {1, 16, 37, 1000, 2600}) {
    const Buffer<T> a = fill(1, D, -1, 1), b = fill(1, D, -1, 1);
    const FirstOrder::In<const T> in{a, b};
    for (const Index offset : {0, 1, 8}) {
      same<FirstOrder>(in, 1, D, tokens, Options<T>{}, offset, D), same<FirstOrder>(in, 1, D, tokens, Options<T>{}, offset, round_up(D, 16));
      same<FirstOrder>(in, 1, D, tokens, Options<T>{.sequences = offsets}, offset, round_up(D, 16));
      same<FirstOrder>(in, 1, D, tokens, Options<T>{.mask = view(std::as_const(mask).data(), 1, tokens, 1, 1)}, offset, round_up(D, 16));
    }
  }
  const Buffer<T> q = fill(3, 5, -1, 1), k = fill(3, 5, -1, 1), v = fill(3, 32, -1, 1), g = fill(3, 5, -1, 0);
  same<Gla>(Gla::In<const T>{.q = q, .k = k, .v = v, .g = g}, 3, 32, tokens, Options<T>{}, 0, 32);
}
