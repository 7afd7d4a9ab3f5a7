// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/dense.hpp>
#include <lcsm/layers/mimo_vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of `dense`: x_bar = W^T y_bar, weight_bar = sum y_bar x^T, bias_bar = sum y_bar, each written in full; null ones are skipped. The sums over tokens are in double, in their order.
template <class S, class P = S> struct DenseGradients {
  View<S> x{};
  View<P> weight{}, bias{};
};
template <class Exec, class P, class X, class Y, class S, class Q>
void dense_vjp(const Exec& exec, const View<P>& weight, const View<X>& x, const View<Y>& y_bar, const DenseGradients<S, Q>& grads) {
  using T = storage_compute_t<std::remove_const_t<Y>>;
  dense_layer::stream("dense_vjp", "x", x, y_bar.batch(), y_bar.time(), x.feature(), false), dense_layer::stream("dense_vjp", "y_bar", y_bar, y_bar.batch(), y_bar.time(), y_bar.feature(), false);
  dense_layer::parameter("dense_vjp", "weight", weight, y_bar.feature(), x.feature());
  if (grads.x) dense_layer::stream("dense_vjp", "grads.x", grads.x, y_bar.batch(), y_bar.time(), x.feature(), true);
  if (grads.weight) dense_layer::parameter("dense_vjp", "grads.weight", grads.weight, y_bar.feature(), x.feature()), door::output_axes("dense_vjp", "grads.weight", grads.weight);
  if (grads.bias) dense_layer::parameter("dense_vjp", "grads.bias", grads.bias, 1, y_bar.feature()), door::output_axes("dense_vjp", "grads.bias", grads.bias);
  if (grads.x) {
    const mimo_layer::Matrix<T> w = mimo_layer::parameters<T>(weight);
    mimo_layer::for_each_block(exec, grads.x, [&](Index sequence, Index first, Index count) {
      mimo_layer::store<T>(mimo_layer::Block<T>(mimo_layer::tokens<T>(y_bar, sequence, first, count) * w), grads.x, sequence, first);
    });
  }
  mimo_layer::outer_sum(exec, y_bar, x, 1, grads.weight);
  if (grads.bias) {
    const double one = 1;
    View<const double> ones;
    ones.data = &one, ones.extent = {y_bar.batch(), y_bar.time(), 1, 1, 1}, ones.stride = {};
    View<Q> column = grads.bias;                            // [O, 1]
    column.extent = {1, 1, 1, y_bar.feature(), 1}, column.stride[3] = grads.bias.stride[4];
    mimo_layer::outer_sum(exec, y_bar, ones, 1, column);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
