// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <lcsm/tensor/buffer.hpp>
#include <lcsm/tensor/eigen.hpp>

#include <cstring>
#include <string>

using namespace lcsm;

TEST_CASE("a head of a view is a matrix of time by feature", "[tensor]") {
  Buffer<float> x(2, 3, 4, 5);
  for (Index n = 0; n < x.size(); ++n) x[n] = float(n);
  const auto m = as_matrix(x.view(), 1, 2);
  CHECK((m.rows() == 3 && m.cols() == 5));
  for (Index t = 0; t < 3; ++t)
    for (Index f = 0; f < 5; ++f) CHECK(m(t, f) == x.view()(1, t, 2, f));
  as_matrix(x.view(), 0, 0).setConstant(-1.0f);
  CHECK((x.view()(0, 2, 0, 4) == -1.0f && x.view()(0, 2, 1, 4) == 49.0f));
}

TEST_CASE("a reversed and strided view keeps its order as a matrix", "[tensor]") {
  float numbers[24];
  for (int n = 0; n < 24; ++n) numbers[n] = float(n);
  const View<const float> back(numbers + 18, {1, 4, 1, 1, 3}, {0, -6, 0, 0, 2});
  const auto m = as_matrix(back);
  CHECK((m(0, 0) == 18.0f && m(0, 2) == 22.0f && m(3, 1) == 2.0f));
}

TEST_CASE("Eigen matrices of both orders, and blocks of them, are views in place", "[tensor]") {
  Eigen::MatrixXd columns = Eigen::MatrixXd::Random(6, 8);
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = columns.cast<float>();
  const View<double> c = view(columns, 2);
  const View<const float> r = view(std::as_const(rows), 4);
  CHECK((c.time() == 6 && c.head() == 2 && c.feature() == 4 && r.head() == 4 && r.feature() == 2));
  for (Index t = 0; t < 6; ++t)
    for (Index f = 0; f < 8; ++f) {
      CHECK(c(0, t, f / 4, f % 4) == columns(t, f));
      CHECK(r(0, t, f / 2, f % 2) == rows(t, f));
    }
  auto block = rows.block(1, 2, 3, 4);
  const View<float> b = view(block);
  CHECK((b.data == &rows(1, 2) && b(0, 2, 0, 3) == rows(3, 5)));
}

TEST_CASE("columns that do not divide into heads are refused", "[tensor]") {
  Eigen::MatrixXf x = Eigen::MatrixXf::Zero(2, 6);
  std::string text;
  try {
    view(x, 4);
  } catch (const ShapeError& e) { text = e.what(); }
  CHECK(text.find("'heads': expected a number that divides 6 columns, given 4") != std::string::npos);
}
