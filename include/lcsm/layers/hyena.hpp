// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/dense.hpp>
#include <lcsm/layers/gate.hpp>
#include <lcsm/mode/long_convolution.hpp>

#include <vector>

namespace lcsm {

// What a Hyena operator of order N has beside its N - 1 long kernels. u's N + 1 parts x_0 ... x_{N-1}, v are its heads, D channels each: the published (N + 1) D
// seen through strides.
//
//   skip           the published filter_fn.bias, parameter(data, N - 1, D); {}: none
//   weight, bias   of the short convolution, parameter(data, N + 1, D, W), the last tap being that of the present token, and parameter(data, N + 1, D);
//                  {}: u has been through one
template <class T> struct HyenaParameters { View<T> skip{}, weight{}, bias{}; };

// The memory between two calls of S sequences: the last inputs of the short convolution [S, 1, N + 1, W - 1, D], and of each long one [S, 1, N - 1, L - 1, D],
// oldest first. A Buffer<T> of these extents will do.
template <class T> struct HyenaStates { View<T> window{}, inputs{}; };

// As ConvolutionOptions: `initial` and `final` may be the same memory, null views are empty memories and none wanted.
template <class T> struct HyenaOptions {
  HyenaStates<const T> initial{};
  HyenaStates<T> final{};
  Sequences sequences{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;
};

inline namespace LCSM_ARCH {

// The kernels of a Hyena operator, ready to be applied: kernel [1, L, N - 1, 1, D], as filter::Hyena writes it. Head o is the kernel of x_{N-1-o}: they are applied from
// the first on. tokens: of the longest call to expect (0: as many as taps). What decodes token by token wants a plan of its own in direct form, which costs O(L) per
// token and channel. Immutable. Throws ShapeError or OptionError.
template <class T> class HyenaPlan {
 public:
  template <class P> explicit HyenaPlan(const View<P>& kernel, Index tokens = 0, ConvolutionForm form = ConvolutionForm::automatic) {
    if (kernel.head() < 1) raise<ShapeError>("HyenaPlan", "kernel", "a head extent of at least 1, one less than the order", door::text(kernel.head()));
    for (Index o = 0; o < kernel.head(); ++o) plans_.emplace_back(kernel.heads(o, 1), ConvolutionChoice<std::remove_const_t<P>>{.tokens = tokens, .form = form});
  }
  Index order() const noexcept { return filters() + 1; }
  Index filters() const noexcept { return Index(plans_.size()); }
  Index taps() const noexcept { return plans_.front().toeplitz().front(); }
  Index features() const noexcept { return plans_.front().toeplitz().features(); }
  const ConvolutionPlan<T>& operator[](Index o) const { return plans_[to_size(o)]; }

 private:
  std::vector<ConvolutionPlan<T>> plans_;
};

namespace hyena_layer {

using gate_layer::times;

template <class T> View<T> of_filter(const View<T>& v, Index o) { return given(v) && v.head() > 1 ? v.heads(o, 1) : v; }
template <class T> ConvolutionOptions<T> filter_options(const HyenaOptions<T>& o, Index filter) {
  return {of_filter(o.initial.inputs, filter), of_filter(o.final.inputs, filter), o.sequences, o.mask, o.direction};
}
template <class T> ConvolutionOptions<T> window_options(const HyenaOptions<T>& o) { return {o.initial.window, o.final.window, o.sequences, o.mask, o.direction}; }

// Everything is checked before anything is written. y, or its cotangent in an adjoint, says how large a call is.
template <class T, class U, class P, class S>
void check(const char* function, const HyenaPlan<T>& plan, const HyenaParameters<P>& p, const View<U>& u, const View<S>& y, const HyenaOptions<T>& options, const char* output = "y") {
  const Index N = plan.order(), D = plan.features(), of_y[] = {y.batch(), y.time(), 1, 1, D};
  for (std::size_t a = 2; a < 5; ++a) door::axis(function, output, y, a, of_y[a], false);
  door::data(function, output, y);
  if constexpr (!std::is_const_v<S>) door::output_axes(function, output, y);
  std::vector<Index> table;
  const Index sequences = Index(door::timelines(function, y.batch(), y.time(), options, table).size());
  const Index of_u[] = {y.batch(), y.time(), N + 1, 1, D};
  for (std::size_t a = 0; a < 5; ++a) door::axis(function, "u", u, a, of_u[a], a != 2);
  door::data(function, "u", u);
  const auto parameter = [&](const char* name, const View<P>& v, Index heads, Index rows, Index features) {
    if (!given(v)) return;
    const Index of_v[] = {1, 1, heads, rows, features};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, v, a, of_v[a], true);
    door::data(function, name, v);
  };
  const bool mixes = given(p.weight);
  parameter("skip", p.skip, N - 1, 1, D), parameter("bias", p.bias, N + 1, 1, D), parameter("weight", p.weight, N + 1, D, p.weight.feature());
  if (mixes && p.weight.feature() < 1) raise<ShapeError>(function, "weight", "a feature extent of at least 1 tap", door::text(p.weight.feature()));
  if (!mixes && given(p.bias)) raise<ShapeError>(function, "bias", "none, as there is no short convolution", "one");
  const auto states = [&](const char* which, const auto& s) {
    const std::string window = std::string(which) + ".window", inputs = std::string(which) + ".inputs";
    if (!mixes && given(s.window)) raise<ShapeError>(function, window, "none, as there is no short convolution", "one");
    if (given(s.window)) door::component(function, "options", window.c_str(), s.window, sequences, N + 1, p.weight.feature() - 1, D);
    if (given(s.inputs)) door::component(function, "options", inputs.c_str(), s.inputs, sequences, N - 1, plan.taps() - 1, D);
  };
  states("initial", options.initial), states("final", options.final);
}

}  // namespace hyena_layer

// Hyena's operator without its projections, Poli et al. 2023 (https://arxiv.org/abs/2302.10866; HazyResearch/safari: standalone_hyena.py, HyenaOperator):
//
//     x_0, ..., x_{N-1}, v = short convolution of u
//     v <- h_o * (v x_i) + skip_o (v x_i)   for i = N-1, ..., 1 and o = N-1-i          y = v x_0
//
// one product of elements and one long convolution for every order. u [B, T, N+1, 1, D], y [B, T, 1, 1, D], any strides. Computed in T, the plan's type, as
// are the numbers in between, (N + 4) D per token. A call may be cut anywhere: with kernels in direct form the cut changes no bit, in Fourier form what transforms
// err by. y errs by the errors of its convolutions (layers/short_convolution.hpp, mode/long_convolution.hpp) and half an eps for each product. Padding that a mask
// takes out is not read and writes 0. u and y must not overlap. Throws before anything is written: ShapeError, SequenceError.
template <class Exec, class T, class U, class S, class P = T>
void hyena(const Exec& exec, const HyenaPlan<T>& plan, const std::type_identity_t<HyenaParameters<const P>>& parameters, const View<U>& u, const View<S>& y,
           const std::type_identity_t<HyenaOptions<T>>& options = {}) {
  using namespace hyena_layer;
  check("hyena", plan, parameters, u, y, options);
  const Index N = plan.order(), D = plan.features(), batch = y.batch(), time = y.time();
  const auto gates = [&](const auto& parts) {
    Buffer<T> gated(batch, time, 1, D), v(batch, time, 1, D);
    for (Index o = 0; o < plan.filters(); ++o) {
      const auto gate = parts.heads(N - 1 - o, 1);
      if (o == 0) times<T>(exec, parts.heads(N, 1), gate, gated.view()); else times<T>(exec, v.view(), gate, gated.view());
      long_convolution(exec, plan[o], gated.view(), of_filter(parameters.skip, o), v.view(), filter_options(options, o));
    }
    times<T>(exec, v.view(), parts.heads(0, 1), y);
  };
  if (given(parameters.weight)) {
    Buffer<T> mixed(batch, time, N + 1, D);
    short_convolution(exec, u, parameters.weight, parameters.bias, mixed.view(), window_options(options));
    gates(mixed.view());
  } else gates(u);
  zero_padding(options.mask, y);
}

// The projections around it: in_proj.weight [(N+1) D, In] and out_proj.weight [Out, D], as parameter(data, 1, rows, columns), and biases parameter(data, 1, rows) or {}.
template <class T> struct HyenaMaps { View<T> in{}, in_bias{}, out{}, out_bias{}; };

namespace hyena_layer {

template <class P, class X, class Y> void check_map(const char* function, const char* name, const char* bias_name, const View<P>& weight, const View<P>& bias, const View<X>& x, const View<Y>& y) {
  const auto axes = [&](const char* of, const View<P>& v, Index rows, Index columns) {
    const Index of_v[] = {1, 1, 1, rows, columns};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, of, v, a, of_v[a], a < 3);
    door::data(function, of, v);
  };
  axes(name, weight, y.feature(), x.feature());
  if (given(bias)) axes(bias_name, bias, 1, y.feature());
}

}  // namespace hyena_layer

// The whole operator: y = out(hyena(in(x))), x [B, T, 1, 1, In], y [B, T, 1, 1, Out]. Products are Eigen's, in T. Padding writes 0. Allocates (N + 1) D numbers
// per token more. Throws before anything is written: ShapeError, SequenceError.
template <class Exec, class T, class X, class S, class P = T>
void hyena_operator(const Exec& exec, const HyenaPlan<T>& plan, const std::type_identity_t<HyenaMaps<const P>>& maps, const std::type_identity_t<HyenaParameters<const P>>& parameters,
                    const View<X>& x, const View<S>& y, const std::type_identity_t<HyenaOptions<T>>& options = {}) {
  using namespace hyena_layer;
  const Index N = plan.order(), D = plan.features(), of_x[] = {y.batch(), y.time(), 1, 1};
  for (std::size_t a = 0; a < 4; ++a) door::axis("hyena_operator", "x", x, a, of_x[a], true);
  for (std::size_t a : {2u, 3u}) door::axis("hyena_operator", "y", y, a, 1, false);
  door::data("hyena_operator", "x", x), door::data("hyena_operator", "y", y), door::output_axes("hyena_operator", "y", y);
  Buffer<T> u(y.batch(), y.time(), N + 1, D), inner(y.batch(), y.time(), 1, D);
  const View<T> flat = lcsm::view(u.data(), y.batch(), y.time(), 1, (N + 1) * D);
  check_map("hyena_operator", "in", "in_bias", maps.in, maps.in_bias, x, flat), check_map("hyena_operator", "out", "out_bias", maps.out, maps.out_bias, inner.view(), y);
  check("hyena_operator", plan, parameters, u.view(), inner.view(), options);
  dense<T>(exec, maps.in, maps.in_bias, x, flat);
  hyena<Exec, T, T, T, P>(exec, plan, parameters, u.view(), inner.view(), options);
  dense<T>(exec, maps.out, maps.out_bias, inner.view(), y);
  zero_padding(options.mask, y);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
