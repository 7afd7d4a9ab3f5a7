// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/mimo.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace dense_layer {

template <class V> void parameter(const char* function, const char* name, const V& v, Index rows, Index columns) {
  const Index extent[] = {1, 1, 1, rows, columns};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, extent[a], a < 3);
  door::data(function, name, v);
}
template <class V> void stream(const char* function, const char* name, const V& v, Index batch, Index time, Index features, bool written) {
  const Index extent[] = {batch, time, 1, 1, features};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, extent[a], !written && a < 2);
  door::data(function, name, v);
  if (written) door::output_axes(function, name, v);
}

}  // namespace dense_layer

// y[t] = W x[t] + b: x [B,T,1,1,I], y [B,T,1,1,O], weight W [O,I] as parameter(data, 1, O, I), bias parameter(data, 1, O) or {}. Products are Eigen's, in the computing type of y (or Compute), over blocks of
// tokens: errors within (I + 2) eps of the sizes of the terms. Inputs and y must not overlap. Throws ShapeError before anything is written.
template <class Compute = void, class Exec, class P, class X, class S> void dense(const Exec& exec, const View<P>& weight, const std::type_identity_t<View<P>>& bias, const View<X>& x, const View<S>& y) {
  using T = std::conditional_t<std::is_void_v<Compute>, storage_compute_t<S>, Compute>;
  dense_layer::stream("dense", "x", x, y.batch(), y.time(), x.feature(), false), dense_layer::stream("dense", "y", y, y.batch(), y.time(), y.feature(), true);
  dense_layer::parameter("dense", "weight", weight, y.feature(), x.feature());
  if (bias) dense_layer::parameter("dense", "bias", bias, 1, y.feature());
  const mimo_layer::Matrix<T> w = mimo_layer::parameters<T>(weight), b = mimo_layer::parameters<T>(bias);
  mimo_layer::for_each_block(exec, y, [&](Index sequence, Index first, Index count) {
    mimo_layer::Block<T> out = mimo_layer::tokens<T>(x, sequence, first, count) * w.transpose();
    if (bias) out.rowwise() += b.row(0);
    mimo_layer::store<T>(out, y, sequence, first);
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
