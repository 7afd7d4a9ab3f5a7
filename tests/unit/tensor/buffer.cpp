// SPDX-License-Identifier: MIT
#include <lcsm/tensor/buffer.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

using lcsm::Buffer;
using lcsm::View;

TEST_CASE("a buffer is zero, dense and on a 64-byte border", "[tensor]") {
  const Buffer<double> b(2, 3, 5, 7);
  CHECK(b.size() == 2 * 3 * 5 * 7);
  CHECK(std::all_of(b.begin(), b.end(), [](double x) { return x == 0; }));
  CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
  const View<const double> v = b;
  CHECK(&v(1, 2, 4, 6) == b.end() - 1);
}

TEST_CASE("an empty buffer has no elements but can be viewed", "[tensor]") {
  const Buffer<float> b(2, 0, 5, 7);
  CHECK(b.size() == 0);
  CHECK(b.begin() == b.end());
  CHECK(b.view().time() == 0);
  CHECK(Buffer<float>().size() == 0);
}

TEST_CASE("a copy is deep, a move leaves nothing behind", "[tensor]") {
  Buffer<int> a(6);
  for (lcsm::Index n = 0; n < 6; ++n) a[n] = static_cast<int>(n) + 1;
  Buffer<int> b = a;
  b[0] = 100;
  CHECK(a[0] == 1);
  CHECK(b[5] == 6);
  const int* const numbers = a.data();
  Buffer<int> c = std::move(a);
  CHECK(c.data() == numbers);
  CHECK(a.size() == 0);  // NOLINT: the moved-from state is part of the contract
  c = b;
  CHECK(c[0] == 100);
  CHECK(c.data() != b.data());
  c.fill(7);
  CHECK(std::count(c.begin(), c.end(), 7) == 6);
}

TEST_CASE("a buffer too large to count is refused before it is allocated", "[tensor]") {
  const lcsm::Index most = (std::numeric_limits<lcsm::Index>::max)();
  CHECK_THROWS_AS(Buffer<float>(1, 1, 2, most), lcsm::ShapeError);
  CHECK_THROWS_AS(Buffer<float>(-1), lcsm::ShapeError);
}
