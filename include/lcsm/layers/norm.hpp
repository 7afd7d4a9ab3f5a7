// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/dense.hpp>
#include <lcsm/layers/gate.hpp>

#include <cmath>

namespace lcsm {

// Norms of the features of a token, over groups of them that lie side by side (one group: all of them):
//
//     layer   y = gain (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) + bias
//     rms     y = gain x / sqrt(mean of x^2 + epsilon) + bias
//
// gain and bias [1,1,1,1,D] as parameter(data, 1, D), or {}: 1 and 0. Means are in double, so a large common offset of layer's x costs nothing but its own rounding.
enum class NormKind { layer, rms };
template <class P> struct Norm {
  NormKind kind = NormKind::layer;
  View<P> gain{}, bias{};
  double epsilon = 1e-5;
  Index groups = 1;
};

inline namespace LCSM_ARCH {
namespace norm_layer {

template <class P, class X> void check(const char* function, const Norm<P>& n, const View<X>& x) {
  dense_layer::stream(function, "x", x, x.batch(), x.time(), x.feature(), false);
  if (n.gain) dense_layer::parameter(function, "gain", n.gain, 1, x.feature());
  if (n.bias) dense_layer::parameter(function, "bias", n.bias, 1, x.feature());
  if (n.groups < 1 || x.feature() % n.groups != 0) raise<OptionError>(function, "groups", "a number of groups that divides " + door::text(x.feature()), door::text(n.groups));
  if (!(n.epsilon >= 0)) raise<OptionError>(function, "epsilon", "0 or more", std::to_string(n.epsilon));
}
// The centre and the reciprocal deviation of a group of a token.
struct Moments { double centre, by; };
template <class X> Moments moments(NormKind kind, double epsilon, const View<X>& x, Index b, Index t, Index first, Index count) {
  double mean = 0, square = 0;
  if (kind == NormKind::layer) {
    for (Index c = first; c < first + count; ++c) mean += stage::convert<double>(x(b, t, 0, c));
    mean /= double(count);
  }
  for (Index c = first; c < first + count; ++c) {
    const double off = stage::convert<double>(x(b, t, 0, c)) - mean;
    square += off * off;
  }
  return {mean, 1 / std::sqrt(square / double(count) + epsilon)};
}

}  // namespace norm_layer

// x, y [B,T,1,1,D]; y may be x. Throws before anything is written: ShapeError, OptionError.
template <class Exec, class P, class X, class S> void norm(const Exec& exec, const Norm<P>& n, const View<X>& x, const View<S>& y) {
  norm_layer::check("norm", n, x), dense_layer::stream("norm", "y", y, x.batch(), x.time(), x.feature(), true);
  const Index width = x.feature() / n.groups;
  gate_layer::for_each_token(exec, y, [&](Index b, Index t) {
    for (Index g = 0; g < n.groups && width > 0; ++g) {
      const norm_layer::Moments m = norm_layer::moments(n.kind, n.epsilon, x, b, t, g * width, width);
      for (Index c = g * width; c < (g + 1) * width; ++c) {
        const double gain = n.gain ? stage::convert<double>(n.gain(0, 0, 0, c)) : 1, bias = n.bias ? stage::convert<double>(n.bias(0, 0, 0, c)) : 0;
        y(b, t, 0, c) = stage::convert<S>(gain * (stage::convert<double>(x(b, t, 0, c)) - m.centre) * m.by + bias);
      }
    }
  });
}

// Its adjoint, each gradient written in full, null ones skipped; x_bar may be y_bar. With h = (x - centre) by and g = gain y_bar: x_bar = by (g - [mean g] - h mean(g h)), the mean of g where x was centred.
template <class S, class P = S> struct NormGradients {
  View<S> x{};
  View<P> gain{}, bias{};
};
template <class Exec, class P, class X, class Y, class S, class Q>
void norm_vjp(const Exec& exec, const Norm<P>& n, const View<X>& x, const View<Y>& y_bar, const NormGradients<S, Q>& grads) {
  norm_layer::check("norm_vjp", n, x), dense_layer::stream("norm_vjp", "y_bar", y_bar, x.batch(), x.time(), x.feature(), false);
  if (grads.x) dense_layer::stream("norm_vjp", "grads.x", grads.x, x.batch(), x.time(), x.feature(), true);
  for (const auto& [name, v] : {std::pair{"grads.gain", grads.gain}, std::pair{"grads.bias", grads.bias}})
    if (v) dense_layer::parameter("norm_vjp", name, v, 1, x.feature()), door::output_axes("norm_vjp", name, v);
  const Index width = x.feature() / n.groups;
  // Sums over tokens first, as x_bar may be y_bar: one feature after the other, in the order of the tokens.
  if (grads.gain || grads.bias) {
    Buffer<double> moments(x.batch(), x.time(), n.groups, 2);
    gate_layer::for_each_token(exec, moments.view(), [&](Index b, Index t) {
      for (Index g = 0; g < n.groups && width > 0; ++g) {
        const norm_layer::Moments m = norm_layer::moments(n.kind, n.epsilon, x, b, t, g * width, width);
        moments.view()(b, t, g, 0) = m.centre, moments.view()(b, t, g, 1) = m.by;
      }
    });
    exec.for_each(x.feature(), [&](Index c, Index) {
      double gain = 0, bias = 0;
      for (Index b = 0; b < x.batch(); ++b)
        for (Index t = 0; t < x.time(); ++t) {
          const double bar = stage::convert<double>(y_bar(b, t, 0, c));
          gain += bar * (stage::convert<double>(x(b, t, 0, c)) - moments.view()(b, t, c / width, 0)) * moments.view()(b, t, c / width, 1), bias += bar;
        }
      if (grads.gain) grads.gain(0, 0, 0, c) = stage::convert<Q>(gain);
      if (grads.bias) grads.bias(0, 0, 0, c) = stage::convert<Q>(bias);
    });
  }
  if (!grads.x) return;
  gate_layer::for_each_token(exec, grads.x, [&](Index b, Index t) {
    for (Index g = 0; g < n.groups && width > 0; ++g) {
      const norm_layer::Moments m = norm_layer::moments(n.kind, n.epsilon, x, b, t, g * width, width);
      const auto bar = [&](Index c) { return stage::convert<double>(y_bar(b, t, 0, c)) * (n.gain ? stage::convert<double>(n.gain(0, 0, 0, c)) : 1); };
      const auto h = [&](Index c) { return (stage::convert<double>(x(b, t, 0, c)) - m.centre) * m.by; };
      double mean = 0, along = 0;
      for (Index c = g * width; c < (g + 1) * width; ++c) mean += n.kind == NormKind::layer ? bar(c) : 0, along += bar(c) * h(c);
      mean /= double(width), along /= double(width);
      for (Index c = g * width; c < (g + 1) * width; ++c) grads.x(b, t, 0, c) = stage::convert<S>(m.by * (bar(c) - mean - h(c) * along));
    }
  });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
