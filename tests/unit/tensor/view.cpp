// SPDX-License-Identifier: MIT
#include <lcsm/tensor/view.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string>
#include <type_traits>
#include <vector>

using lcsm::Index;
using lcsm::View;

TEST_CASE("a dense view is row-major", "[tensor]") {
  std::vector<int> numbers(2 * 3 * 5 * 7 * 11);
  const auto v = lcsm::view(numbers.data(), 2, 3, 5, 7, 11);
  CHECK(v.batch() == 2);
  CHECK(v.time() == 3);
  CHECK(v.head() == 5);
  CHECK(v.row() == 7);
  CHECK(v.feature() == 11);
  Index expected = 0;
  bool ordered = true;
  for (Index b = 0; b < 2; ++b)
    for (Index t = 0; t < 3; ++t)
      for (Index h = 0; h < 5; ++h)
        for (Index r = 0; r < 7; ++r)
          for (Index f = 0; f < 11; ++f) ordered = ordered && v.offset(b, t, h, r, f) == expected++;
  CHECK(ordered);
  CHECK(&v.at(1, 2, 4, 6, 10) == &numbers.back());
}

TEST_CASE("offsets beyond 2^31 and 2^32 elements do not wrap", "[tensor]") {
  // Only offsets are computed: no such memory is needed.
  const auto v = lcsm::view<const float>(nullptr, 4, 1 << 20, 64, 128);
  CHECK(v.stride[0] == Index{1} << 33);
  CHECK(v.offset(3, (1 << 20) - 1, 63, 0, 127) == (Index{1} << 35) - 1);
  const View<const float> wide(nullptr, {1, 8, 1, 1, 4}, {0, Index{3} << 31, 0, 0, -1});
  CHECK(wide.offset(0, 7, 0, 0, 3) == (Index{21} << 31) - 3);
  CHECK(static_cast<const void*>(wide.tokens(0, 4).data) == nullptr);
  CHECK(wide.tokens(0, 4).stride[1] == Index{3} << 31);
}

TEST_CASE("a slice moves the first element and keeps the strides", "[tensor]") {
  std::vector<int> numbers(2 * 3 * 5 * 7 * 11);
  const auto v = lcsm::view(numbers.data(), 2, 3, 5, 7, 11);
  CHECK(&v.batches(1, 1).at(0, 2, 4, 6, 10) == &v.at(1, 2, 4, 6, 10));
  CHECK(&v.tokens(1, 2).at(1, 1, 4, 6, 10) == &v.at(1, 2, 4, 6, 10));
  CHECK(&v.heads(2, 3).at(1, 2, 2, 6, 10) == &v.at(1, 2, 4, 6, 10));
  CHECK(&v.rows(3, 4).at(1, 2, 4, 3, 10) == &v.at(1, 2, 4, 6, 10));
  CHECK(&v.features(4, 7).at(1, 2, 4, 6, 6) == &v.at(1, 2, 4, 6, 10));
  CHECK(v.heads(2, 3).stride == v.stride);
  CHECK(v.heads(2, 3).head() == 3);
  const auto nothing = v.tokens(3, 0);  // one past the end, and legal
  CHECK(nothing.time() == 0);
  CHECK(nothing.data == numbers.data());
}

TEST_CASE("a parameter stands still over batch and time", "[tensor]") {
  std::vector<int> numbers(5 * 7);
  const auto p = lcsm::parameter(numbers.data(), 5, 7);
  CHECK(&p(100, 200, 4, 6) == &numbers.back());
  CHECK(p.batch() == 1);
  CHECK(p.time() == 1);
}

TEST_CASE("a view converts to a view of constants only", "[tensor]") {
  std::vector<float> numbers(6);
  const auto v = lcsm::view(numbers.data(), 1, 2, 1, 3);
  const View<const float> constant = v;
  CHECK(constant.data == v.data);
  CHECK(constant.extent == v.extent);
  CHECK(constant.stride == v.stride);
  STATIC_REQUIRE(std::is_convertible_v<View<float>, View<const float>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<View<const float>, View<float>>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<View<float>>);
}

TEST_CASE("extents whose product overflows are refused with both factors", "[tensor]") {
  const auto text = [](Index batch, Index time, Index head, Index feature) -> std::string {
    try {
      (void)lcsm::view<float>(nullptr, batch, time, head, feature);
    } catch (const lcsm::ShapeError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const Index most = (std::numeric_limits<Index>::max)();
  CHECK(text(1, 1, 2, most) == "lcsm::view: argument 'head': expected a number of elements below 2^63, given 9223372036854775807 x 2");
  CHECK(text(Index{1} << 40, Index{1} << 20, 8, 8) ==
        "lcsm::view: argument 'batch': expected a number of elements below 2^63, given 67108864 x 1099511627776");
  CHECK(text(2, -3, 1, 1) == "lcsm::view: argument 'time': expected no negative extent, given -3");
  CHECK(text(1, 1, 1, most) == "nothing was thrown");
}
