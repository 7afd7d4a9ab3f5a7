// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/view.hpp>

#include <Eigen/Core>

namespace lcsm {

// Between views and Eigen, without a copy. Not part of lcsm.hpp: include it where Eigen matrices meet mixers.

// One head of one sequence as a matrix, time x feature (row 0 of the row axis). Any strides, negative ones too; Eigen makes no assumption of
// alignment. The view's data must outlive the map.
template <class T> using MatrixMap = Eigen::Map<std::conditional_t<std::is_const_v<T>, const Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                                                                   Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>,
                                                Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
template <class T> MatrixMap<T> as_matrix(const View<T>& v, Index batch = 0, Index head = 0) {
  LCSM_ASSERT(batch >= 0 && batch < v.batch() && head >= 0 && head < v.head());
  return {v.data + v.offset(batch, 0, head, 0, 0), v.time(), v.feature(), {v.stride[1], v.stride[4]}};
}

// A matrix, a block or a map as the stream of one sequence and head: rows are time, columns features, [1, rows, 1, 1, columns]. The columns may be
// cut into heads: [1, rows, heads, 1, columns / heads]. Throws ShapeError if they do not divide.
template <class Derived> auto view(Eigen::DenseBase<Derived>& x, Index heads = 1) {
  using T = std::remove_pointer_t<decltype(x.derived().data())>;
  const Index rows = x.rows(), columns = x.cols(), along_row = Derived::IsRowMajor ? x.derived().innerStride() : x.derived().outerStride(),
              along_column = Derived::IsRowMajor ? x.derived().outerStride() : x.derived().innerStride();
  if (heads < 1 || columns % heads != 0) raise<ShapeError>("view", "heads", "a number that divides " + std::to_string(columns) + " columns", std::to_string(heads));
  return View<T>(x.derived().data(), {1, rows, heads, 1, columns / heads}, {rows * along_column, along_column, columns / heads * along_row, 0, along_row});
}
template <class Derived> auto view(const Eigen::DenseBase<Derived>& x, Index heads = 1) {
  const auto v = view(const_cast<Eigen::DenseBase<Derived>&>(x), heads);
  return View<std::add_const_t<typename decltype(v)::element>>(v);
}

}  // namespace lcsm
