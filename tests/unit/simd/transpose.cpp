// SPDX-License-Identifier: MIT
#include <lcsm/simd/transpose.hpp>

#include "support/catch.hpp"

#include <vector>

using namespace lcsm;

TEMPLATE_TEST_CASE("rows become columns, and nothing else is written", "[simd]", float, double) {
  using T = TestType;
  for (Index rows = 0; rows <= 35; ++rows)
    for (Index columns = 0; columns <= 35; columns += rows % 3 + 1) {
      const Index pitch = columns + 3, to_pitch = rows + 2;
      std::vector<T> from(to_size(rows * pitch + 1)), to(to_size(columns * to_pitch + 1), T(-1)), want = to;
      for (std::size_t n = 0; n < from.size(); ++n) from[n] = T(n);
      for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < columns; ++c) want[to_size(c * to_pitch + r)] = from[to_size(r * pitch + c)];
      simd::transpose(from.data(), pitch, rows, columns, to.data(), to_pitch);
      INFO(rows << " x " << columns);
      CHECK(to == want);
    }
}
