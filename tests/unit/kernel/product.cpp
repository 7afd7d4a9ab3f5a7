// SPDX-License-Identifier: MIT
// Small matrix products: integers, so every order of sums gives the same bits; NaN where nothing may look or write.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/kernel/product.hpp>

namespace {

using namespace lcsm;

template <class T> struct Matrix {
  Index rows, columns, pitch;
  std::vector<T> data;
  Matrix(Index r, Index c, Index p, test::Random& random)
      : rows(r), columns(c), pitch(p), data(to_size(r * p) + 64, std::numeric_limits<T>::quiet_NaN()) {
    for (Index m = 0; m < r; ++m)
      for (Index n = 0; n < c; ++n) at(m, n) = T(random.between(-4, 4));
  }
  T& at(Index m, Index n) { return data[to_size(m * pitch + n)]; }
  const T& at(Index m, Index n) const { return data[to_size(m * pitch + n)]; }
};

}  // namespace

TEMPLATE_TEST_CASE("products of small matrices", "[product]", float, double) {
  using T = TestType;
  constexpr Index W = simd::width<Batch<T>>;
  test::Random random(5);
  for (Index count = 0; count <= 20; ++count)
    for (const Index columns : {W, 2 * W, 3 * W, 5 * W})
      for (const Index inner : {0, 1, 2, 7, 19})
        for (const T sign : {T(1), T(-1), T(0)})           // 0: the product itself, whatever was there
          for (const bool transposed : {false, true}) {
            const Matrix<T> a = transposed ? Matrix<T>(inner, count, count + 3, random) : Matrix<T>(count, inner, inner + 3, random),
                            b(inner, columns, columns + 2, random);
            Matrix<T> c(count, columns, columns + 1, random);
            Matrix<T> want = c;
            for (Index m = 0; m < count; ++m)
              for (Index n = 0; n < columns; ++n) {
                if (sign == T(0)) c.at(m, n) = std::numeric_limits<T>::quiet_NaN(), want.at(m, n) = T(0);
                for (Index k = 0; k < inner; ++k) want.at(m, n) += (sign == T(0) ? T(1) : sign) * (transposed ? a.at(k, m) : a.at(m, k)) * b.at(k, n);
              }
            const Index down = transposed ? 1 : a.pitch, along = transposed ? a.pitch : 1;
            if (sign == T(0)) multiply(a.data.data(), down, along, b.data.data(), b.pitch, c.data.data(), c.pitch, count, columns, inner);
            else multiply_add(a.data.data(), down, along, b.data.data(), b.pitch, c.data.data(), c.pitch, count, columns, inner, sign);
            bool same = true;
            for (std::size_t n = 0; n < c.data.size(); ++n)
              same = same && (c.data[n] == want.data[n] || (std::isnan(c.data[n]) && std::isnan(want.data[n])));
            INFO(count << " x " << columns << ", inner " << inner);
            CHECK(same);
          }
}

TEMPLATE_TEST_CASE("causal products of small matrices", "[product]", float, double) {
  using T = TestType;
  constexpr Index W = simd::width<Batch<T>>;
  test::Random random(6);
  for (Index count = 0; count <= 30; ++count)
    for (const Index columns : {W, 2 * W, 3 * W}) {
      Matrix<T> a(count, count, count + 1, random), b(count, columns, columns, random), c(count, columns, columns + 1, random);
      for (Index m = 0; m < count; ++m)
        for (Index n = m + 1; n < count; ++n) a.at(m, n) = std::numeric_limits<T>::quiet_NaN();
      const Index spoilt = count > 0 ? random.below(count) : 0;     // a NaN in this row of b reaches no earlier row
      if (count > 0) b.at(spoilt, random.below(columns)) = std::numeric_limits<T>::quiet_NaN();
      Matrix<T> want = c;
      for (Index m = 0; m < count; ++m)
        for (Index n = 0; n < columns; ++n)
          for (Index k = 0; k <= m; ++k) want.at(m, n) += a.at(m, k) * b.at(k, n);
      multiply_add_causal(a.data.data(), a.pitch, b.data.data(), b.pitch, c.data.data(), c.pitch, count, columns);
      bool same = true;
      for (Index m = 0; m < count; ++m)
        for (Index n = 0; n < columns; ++n)
          same = same && (c.at(m, n) == want.at(m, n) || (m >= spoilt && std::isnan(c.at(m, n)) && std::isnan(want.at(m, n))));
      INFO(count << " x " << columns);
      CHECK(same);
    }
}
