// SPDX-License-Identifier: MIT
#include <lcsm/tensor/buffer.hpp>
#include <lcsm/tensor/half.hpp>

#include "support/catch.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

using lcsm::Bfloat16;
using lcsm::Float16;

namespace {

template <class T> struct Facts;
template <> struct Facts<Float16> { static constexpr int least_exponent = -24, largest_exponent = 16; };     // least number 2^-24, all below 2^16
template <> struct Facts<Bfloat16> { static constexpr int least_exponent = -133, largest_exponent = 128; };

bool is_nan_pattern(Float16, std::uint32_t bits) { return (bits & 0x7FFF) > 0x7C00; }
bool is_nan_pattern(Bfloat16, std::uint32_t bits) { return (bits & 0x7FFF) > 0x7F80; }

// Nearest, ties to even, in double arithmetic: x over its unit in the last place, rounded by the processor, is exact in between.
template <class T> double rounded(double x) {
  if (!std::isfinite(x) || x == 0) return x;
  const int exponent = std::ilogb(x);
  const int unit = exponent - (T::digits - 1) < Facts<T>::least_exponent ? Facts<T>::least_exponent : exponent - (T::digits - 1);
  const double near = std::ldexp(std::nearbyint(std::ldexp(x, -unit)), unit);
  if (std::abs(near) >= std::ldexp(1.0, Facts<T>::largest_exponent)) return std::copysign(std::numeric_limits<double>::infinity(), x);
  return near;
}

// The value of a pattern from its fields.
template <class T> double value_of(std::uint32_t bits) {
  const int fraction_bits = T::digits - 1;
  const std::uint32_t fraction = bits & ((1u << fraction_bits) - 1), exponent = (bits & 0x7FFF) >> fraction_bits, top = 0x7FFFu >> fraction_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == top) return sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<double>(fraction), Facts<T>::least_exponent);
  return sign * std::ldexp(static_cast<double>(fraction + (1u << fraction_bits)), Facts<T>::least_exponent + static_cast<int>(exponent) - 1);
}

template <class T> bool same(T got, double want) {
  const double x = static_cast<double>(got);
  return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(want);
}

}  // namespace

TEMPLATE_TEST_CASE("every pattern widens exactly and comes back", "[tensor][half]", Float16, Bfloat16) {
  int wrong = 0, nans = 0;
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const TestType h = TestType::from_bits(static_cast<std::uint16_t>(bits));
    const float f = static_cast<float>(h);
    const double d = static_cast<double>(h);
    if (is_nan_pattern(h, bits)) {
      // Kept with sign and payload; what makes it quiet is the top bit of the fraction.
      const auto quiet = static_cast<std::uint16_t>(bits | (1u << (TestType::digits - 2)));
      ++nans;
      if (!std::isnan(f) || !std::isnan(d) || TestType(f).bits != quiet || TestType(d).bits != quiet || h == h) ++wrong;
    } else if (d != value_of<TestType>(bits) || static_cast<double>(f) != d || std::signbit(d) != ((bits & 0x8000) != 0) || TestType(f).bits != bits ||
               TestType(d).bits != bits || !(h == h)) {
      ++wrong;
    }
  }
  CHECK(wrong == 0);
  CHECK(nans == 2 * ((1 << (TestType::digits - 1)) - 1));
}

TEMPLATE_TEST_CASE("between neighbours the nearer one is taken, halfway the even one", "[tensor][half]", Float16, Bfloat16) {
  const std::uint32_t infinity = 0x7FFFu >> (TestType::digits - 1) << (TestType::digits - 1);
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < infinity; ++bits) {
    const double a = value_of<TestType>(bits);
    const double b = bits + 1 < infinity ? value_of<TestType>(bits + 1) : std::ldexp(1.0, Facts<TestType>::largest_exponent);
    const double middle = a + (b - a) / 2;
    const auto even = static_cast<std::uint16_t>(bits + bits % 2), low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    const float middle32 = static_cast<float>(middle);  // exact: one bit more than two bytes hold
    for (const std::uint16_t sign : {std::uint16_t{0}, std::uint16_t{0x8000}}) {
      const double s = sign != 0 ? -1.0 : 1.0;
      const float s32 = static_cast<float>(s);
      wrong += TestType(s * middle).bits != (even | sign);
      wrong += TestType(s * std::nextafter(middle, 0.0)).bits != (low | sign);
      wrong += TestType(s * std::nextafter(middle, b)).bits != (high | sign);
      wrong += TestType(s32 * middle32).bits != (even | sign);
      wrong += TestType(s32 * std::nextafter(middle32, 0.0f)).bits != (low | sign);
      wrong += TestType(s32 * std::nextafter(middle32, std::numeric_limits<float>::infinity())).bits != (high | sign);
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("floats and doubles of every size round like double arithmetic", "[tensor][half]", Float16, Bfloat16) {
  std::uint64_t state = 20240229;
  int wrong = 0;
  for (int n = 0; n < 400000; ++n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float f = std::bit_cast<float>(static_cast<std::uint32_t>(state >> 32));
    if (!std::isnan(f)) wrong += !same(TestType(f), rounded<TestType>(static_cast<double>(f)));
    // An exponent in the range where something happens, around both ends of the format.
    const int exponent = static_cast<int>((state >> 32) % 320) - 170;
    const double d = std::ldexp(static_cast<double>(state >> 11), exponent - 53);
    wrong += !same(TestType(d), rounded<TestType>(d));
    wrong += !same(TestType(-d), rounded<TestType>(-d));
  }
  CHECK(wrong == 0);
}

TEST_CASE("a double is rounded once, not by way of float", "[tensor][half]") {
  // Just above halfway between 1 and the next bfloat16, and less than half a float's unit away from halfway.
  const double x = 1 + 0x1p-8 + 0x1p-30;
  CHECK(Bfloat16(x).bits == 0x3F81);
  CHECK(Bfloat16(static_cast<float>(x)).bits == 0x3F80);
}

TEMPLATE_TEST_CASE("ends of the range", "[tensor][half]", Float16, Bfloat16) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(static_cast<double>(TestType(infinity)) == infinity);
  CHECK(static_cast<double>(TestType((std::numeric_limits<double>::max)())) == infinity);
  CHECK(static_cast<double>(TestType(-(std::numeric_limits<double>::max)())) == -infinity);
  CHECK(TestType(std::numeric_limits<double>::denorm_min()).bits == 0);
  CHECK(TestType(-std::numeric_limits<double>::denorm_min()).bits == 0x8000);
  CHECK(TestType(std::numeric_limits<float>::denorm_min()).bits == 0);
  CHECK(TestType(-0.0f) == TestType(0));
  CHECK(std::isnan(static_cast<float>(TestType(std::numeric_limits<float>::quiet_NaN()))));
  // A NaN whose payload is all in the bits that are dropped must not become an infinity.
  CHECK(std::isnan(static_cast<float>(TestType(std::bit_cast<float>(0x7F800001u)))));
  CHECK(std::isnan(static_cast<float>(TestType(std::bit_cast<double>(0x7FF0000000000001u)))));
}

TEST_CASE("known patterns", "[tensor][half]") {
  CHECK(Float16(1.0f).bits == 0x3C00);
  CHECK(Float16(65504.0f).bits == 0x7BFF);
  CHECK(Float16(65519.996f).bits == 0x7BFF);
  CHECK(Float16(65520.0f).bits == 0x7C00);
  CHECK(Float16(-2).bits == 0xC000);
  CHECK(Float16(0x1p-24f).bits == 1);
  CHECK(Float16(0x1p-25f).bits == 0);
  CHECK(Bfloat16(1.0f).bits == 0x3F80);
  CHECK(Bfloat16(3.14159274f).bits == 0x4049);
  CHECK(Bfloat16(257).bits == 0x4380);
}

TEST_CASE("storage types convert only when asked, at compile time too", "[tensor][half]") {
  STATIC_REQUIRE(static_cast<float>(Float16(0.5f)) == 0.5f);
  STATIC_REQUIRE(static_cast<double>(Bfloat16(-3)) == -3.0);
  STATIC_REQUIRE(!std::is_convertible_v<float, Bfloat16>);
  STATIC_REQUIRE(!std::is_convertible_v<Float16, float>);
  STATIC_REQUIRE(!std::is_constructible_v<Float16, std::int64_t>);
  STATIC_REQUIRE(std::is_trivial_v<Float16>);
  STATIC_REQUIRE(std::is_same_v<lcsm::storage_compute_t<Bfloat16>, float>);
  STATIC_REQUIRE(std::is_same_v<lcsm::storage_compute_t<const Float16>, float>);
  STATIC_REQUIRE(std::is_same_v<lcsm::storage_compute_t<const double>, double>);
  const lcsm::Buffer<Bfloat16> buffer(3);
  CHECK(buffer[2] == Bfloat16(0));
}
