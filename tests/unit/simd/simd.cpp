// SPDX-License-Identifier: MIT
#include <lcsm/simd/simd.hpp>

#include "support/catch.hpp"
#include "ulp.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace {

namespace simd = lcsm::simd;
using lcsm::Batch;
using lcsm::Index;
using lcsm_test::same_bits;

template <class V> std::vector<simd::scalar_t<V>> lanes_of(V x) {
  std::vector<simd::scalar_t<V>> y(static_cast<std::size_t>(simd::width<V>));
  simd::store<V>(y.data(), x);
  return y;
}

// 1, 2, 3 ... in the lanes.
template <class V> V counted() {
  simd::scalar_t<V> x[simd::width<V>];
  for (Index c = 0; c < simd::width<V>; ++c) x[c] = static_cast<simd::scalar_t<V>>(c + 1);
  return simd::load<V>(x);
}

}  // namespace

TEMPLATE_TEST_CASE("a batch has whole lanes", "[simd]", float, double) {
  using V = Batch<TestType>;
  STATIC_REQUIRE(std::is_same_v<simd::scalar_t<V>, TestType>);
  STATIC_REQUIRE(simd::width<V> * static_cast<Index>(sizeof(TestType)) == static_cast<Index>(sizeof(V)));
  STATIC_REQUIRE(simd::width<TestType> == 1);
#if defined(LCSM_NO_XSIMD)
  STATIC_REQUIRE(std::is_same_v<V, TestType>);
#elif defined(__SSE2__)
  STATIC_REQUIRE(simd::width<V> >= static_cast<Index>(16 / sizeof(TestType)));
#endif
}

TEMPLATE_TEST_CASE("partial loads and stores touch what they are given", "[simd]", float, double) {
  using V = Batch<TestType>;
  for (Index n = 0; n <= simd::width<V>; ++n) {
    const std::vector<TestType> from(static_cast<std::size_t>(n), TestType(3));  // reading beyond is found by the address sanitizer
    const std::vector<TestType> lanes = lanes_of(simd::load_partial<V>(from.data(), n));
    std::vector<TestType> to(static_cast<std::size_t>(simd::width<V> + 1), TestType(-1));
    simd::store_partial<V>(to.data(), V(TestType(7)), n);
    for (Index c = 0; c < simd::width<V>; ++c) {
      CHECK(lanes[static_cast<std::size_t>(c)] == (c < n ? TestType(3) : TestType(0)));
      CHECK(to[static_cast<std::size_t>(c)] == (c < n ? TestType(7) : TestType(-1)));
    }
    CHECK(to.back() == TestType(-1));
  }
}

TEMPLATE_TEST_CASE("a lane gives the bits of a scalar", "[simd]", float, double) {
  using T = TestType;
  using V = Batch<T>;
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  const std::vector<T> numbers{T(0), -T(0), T(1), T(-1), T(1) / T(3), T(1e30), T(-7e-30), tiny, -tiny, inf, -inf, nan};
  const auto equal = [](V lanes, T alone) {
    for (const T lane : lanes_of(lanes))
      if (!same_bits(lane, alone) && !(lane != lane && alone != alone)) return false;
    return true;
  };
  for (const T a : numbers)
    for (const T b : numbers) {
      CAPTURE(a, b);
      CHECK(equal(simd::max<V>(V(a), V(b)), simd::max(a, b)));
      CHECK(equal(simd::min<V>(V(a), V(b)), simd::min(a, b)));
      CHECK(equal(simd::copy_sign<V>(V(a), V(b)), simd::copy_sign(a, b)));
      CHECK(equal(simd::select<V>(V(a) < V(b), V(a), V(b)), simd::select<T>(a < b, a, b)));
      CHECK(equal(simd::fma<V>(V(a), V(b), V(T(1) / T(7))), simd::fma(a, b, T(1) / T(7))));
      CHECK(equal(simd::fma<V>(V(a), V(a), V(b)), simd::fma(a, a, b)));
      // The second operand wins over NaN and between zeros.
      if (a != a || b != b || (a == T(0) && b == T(0))) {
        CHECK((same_bits(simd::max(a, b), b) || b != b));
        CHECK((same_bits(simd::min(a, b), b) || b != b));
      }
      CHECK(simd::any(simd::is_nan(V(a))) == std::isnan(a));
      CHECK(simd::all(simd::both(simd::is_nan(V(a)), simd::is_nan(V(b)))) == (std::isnan(a) && std::isnan(b)));
      CHECK(simd::all(simd::either(simd::is_nan(V(a)), simd::is_nan(V(b)))) == (std::isnan(a) || std::isnan(b)));
      CHECK(simd::any(simd::negate(simd::is_nan(V(a)))) == !std::isnan(a));
    }
  for (const T a : numbers) {
    CAPTURE(a);
    CHECK(equal(simd::abs(V(a)), std::fabs(a)));
    CHECK(equal(simd::sqrt(V(a)), std::sqrt(a)));
    CHECK(equal(simd::from_bits<V>(simd::to_bits<V>(V(a))), a));
  }
}

TEMPLATE_TEST_CASE("fma rounds once where the target can", "[simd]", float, double) {
  const TestType x = TestType(1) + std::numeric_limits<TestType>::epsilon();
  const TestType square = x * x;
  const TestType rest = simd::fma(x, x, simd::minus(square));  // what the product lost
  CHECK((rest != TestType(0)) == (LCSM_HAS_FMA == 1));
}

TEMPLATE_TEST_CASE("minus changes the sign of zeros, infinities and NaN, too", "[simd]", float, double) {
  using V = Batch<TestType>;
  using Limits = std::numeric_limits<TestType>;
  for (const TestType x : {TestType(0), TestType(-0.0), TestType(3), TestType(-1e-30), Limits::denorm_min(), Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
    const auto lanes = lanes_of(simd::minus(V(x)));
    for (const TestType y : lanes) CHECK(same_bits(y, simd::minus(x)));
    CHECK(std::signbit(lanes[0]) != std::signbit(x));
  }
}

TEMPLATE_TEST_CASE("sum and max run over all lanes in one order", "[simd]", float, double) {
  using V = Batch<TestType>;
  const Index w = simd::width<V>;
  CHECK(simd::sum(counted<V>()) == static_cast<TestType>(w * (w + 1) / 2));
  CHECK(simd::max_lane(counted<V>()) == static_cast<TestType>(w));
  CHECK(simd::max_lane(simd::minus(counted<V>())) == TestType(-1));
  if (w >= 4) {  // halves first: (1 + big) and (1 - big) lose the ones, so the order shows
    const TestType big = TestType(4) / std::numeric_limits<TestType>::epsilon();
    std::vector<TestType> x(static_cast<std::size_t>(w), TestType(0));
    x[0] = TestType(1);
    x[static_cast<std::size_t>(w / 2)] = big;
    x[static_cast<std::size_t>(w / 2 + 1)] = -big;
    CHECK(simd::sum(simd::load<V>(x.data())) == TestType(0));
  }
}

TEST_CASE("widening keeps the order of lanes, narrowing rounds", "[simd]") {
  using V = Batch<float>;
  const simd::Widened<V> wide = simd::widen(counted<V>());
  Index expected = 0;
  for (const auto& part : wide)
    for (const double lane : lanes_of(part)) CHECK(lane == static_cast<double>(++expected));
  CHECK(expected == simd::width<V>);
  CHECK(lanes_of(simd::narrow<V>(wide)) == lanes_of(counted<V>()));
  simd::Widened<V> third = wide;
  for (auto& part : third) part = part / simd::Doubles<V>(3.0);
  for (Index c = 0; c < simd::width<V>; ++c)
    CHECK(lanes_of(simd::narrow<V>(third))[static_cast<std::size_t>(c)] == static_cast<float>(static_cast<double>(c + 1) / 3.0));
  CHECK(simd::narrow<float>(simd::widen(0.1f)) == 0.1f);
}

TEMPLATE_TEST_CASE("for_lanes visits every element once, blocks first", "[simd]", float, double) {
  const Index w = simd::width<Batch<TestType>>;
  for (Index n = 0; n <= 3 * w + 1; ++n) {
    Index next = 0, blocks = 0;
    lcsm::for_lanes<TestType>(n, [&](auto id, Index c) {
      using V = typename decltype(id)::type;
      CHECK(c == next);
      next += simd::width<V>;
      blocks += simd::width<V> == w ? 1 : 0;
    });
    CHECK(next == n);
    CHECK(blocks == n / w);
  }
}
