// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/hyena.hpp>
#include <lcsm/layers/short_convolution_vjp.hpp>
#include <lcsm/mode/long_convolution_vjp.hpp>

namespace lcsm {

// Gradients of a Hyena operator, which are written in full and have the shapes of what they are of; null views ask for nothing. The skip and the bias have gradients
// where none were given, too.
template <class S, class P = S> struct HyenaGradients {
  View<S> u{};
  View<P> kernel{}, skip{}, weight{}, bias{};
};
// Cotangents of its states: `final` comes in, `initial` goes out. Both may be the same memory. Null: no cotangent, none wanted.
template <class T> struct HyenaCotangents {
  HyenaStates<const T> final{};
  HyenaStates<T> initial{};
};

inline namespace LCSM_ARCH {
namespace hyena_layer {

template <class T> ConvolutionCotangents<T> filter_cotangents(const HyenaCotangents<T>& states, Index filter) {
  return {of_filter(states.final.inputs, filter), of_filter(states.initial.inputs, filter)};
}
template <class T, class P, class G, class Q>
void check_gradients(const char* function, const HyenaPlan<T>& plan, const HyenaParameters<P>& p, const HyenaGradients<G, Q>& grads, Index batch, Index time, Index sequences, const HyenaCotangents<T>& states) {
  static_assert(!std::is_const_v<G> && !std::is_const_v<Q>, "lcsm::hyena_vjp: a gradient is written: give views of numbers that are not const");
  const Index N = plan.order(), D = plan.features(), W = p.weight.feature();
  const bool mixes = given(p.weight);
  const auto gradient = [&](const char* of_what, const auto& g, const std::array<Index, 5>& extent) { door::gradient_view(function, of_what, g, extent, true); };
  gradient("u", grads.u, {batch, time, N + 1, 1, D}), gradient("kernel", grads.kernel, {1, plan.taps(), N - 1, 1, D}), gradient("skip", grads.skip, {1, 1, N - 1, 1, D});
  gradient("weight", grads.weight, {1, 1, N + 1, D, W}), gradient("bias", grads.bias, {1, 1, N + 1, 1, D});
  if (!mixes && (grads.weight || grads.bias)) raise<ShapeError>(function, "gradient of weight and bias", "none, as there is no short convolution", "one");
  const auto state = [&](const char* which, const auto& s) {
    const std::string window = std::string(which) + ".window", inputs = std::string(which) + ".inputs";
    if (!mixes && given(s.window)) raise<ShapeError>(function, window, "none, as there is no short convolution", "one");
    if (given(s.window)) door::component(function, "states", window.c_str(), s.window, sequences, N + 1, W - 1, D);
    if (given(s.inputs)) door::component(function, "states", inputs.c_str(), s.inputs, sequences, N - 1, plan.taps() - 1, D);
  };
  state("final", states.final), state("initial", states.initial);
}

}  // namespace hyena_layer

// The adjoint of `hyena`, whose inputs and options come first and mean the same; y_bar is dL/dy, shaped as y. With g_o = v_o x_i and c_o its convolution, v_{o+1} = c_o:
//
//     x_0_bar = c_{N-2} y_bar, c_{N-2}_bar = x_0 y_bar        g_o_bar = the convolution's adjoint of c_o_bar        x_i_bar = v_o g_o_bar, v_o_bar = x_i g_o_bar
//
// and what the short convolution makes of the parts' cotangents. kernel_bar [1, L, N - 1, 1, D] is what filter::Hyena's taps_vjp takes. options.initial is what the call
// began with; options.final is checked and not written. Tokens that a mask takes out get 0. The forward pass is run again; allocates (4 N + 2) D numbers per token in T.
// No thread count changes a bit. Inputs and gradients must not overlap. Throws ShapeError or SequenceError before anything is written.
template <class Exec, class T, class U, class Y, class S, class Q, class P = T>
void hyena_vjp(const Exec& exec, const HyenaPlan<T>& plan, const std::type_identity_t<HyenaParameters<const P>>& parameters, const View<U>& u, const View<Y>& y_bar, const HyenaGradients<S, Q>& grads,
               const std::type_identity_t<HyenaOptions<T>>& options = {}, const std::type_identity_t<HyenaCotangents<T>>& states = {}) {
  using namespace hyena_layer;
  const View<const std::remove_const_t<Y>> bars(y_bar);
  check("hyena_vjp", plan, parameters, u, bars, options, "y_bar");
  const Index N = plan.order(), D = plan.features(), batch = y_bar.batch(), time = y_bar.time(), filters = plan.filters();
  check_gradients("hyena_vjp", plan, parameters, grads, batch, time, options.sequences.given() ? options.sequences.size() - 1 : batch, states);
  HyenaOptions<T> again = options;
  again.final = {};

  // parts_bar: the cotangent of x_0 ... x_{N-1}, v.
  const auto gates = [&](const auto& parts, const auto& parts_bar) {
    std::vector<Buffer<T>> gated, convolved;
    for (Index o = 0; o < filters; ++o) {
      gated.emplace_back(batch, time, 1, D);
      const auto gate = parts.heads(N - 1 - o, 1);
      if (o == 0) times<T>(exec, parts.heads(N, 1), gate, gated.back().view()); else times<T>(exec, convolved.back().view(), gate, gated.back().view());
      convolved.emplace_back(batch, time, 1, D);
      long_convolution(exec, plan[o], gated.back().view(), of_filter(parameters.skip, o), convolved.back().view(), filter_options(again, o));
    }
    Buffer<T> bar(batch, time, 1, D), gated_bar(batch, time, 1, D);
    times<T>(exec, bars, convolved.back().view(), parts_bar.heads(0, 1)), times<T>(exec, bars, parts.heads(0, 1), bar.view());
    for (Index o = filters; o-- > 0;) {
      const LongConvolutionGradients<T, Q> of{.x = gated_bar.view(), .kernel = of_filter(grads.kernel, o), .skip = of_filter(grads.skip, o)};
      long_convolution_vjp(exec, plan[o], gated[to_size(o)].view(), of_filter(parameters.skip, o), bar.view(), of, filter_options(again, o),
                                                                            filter_cotangents(states, o));
      const auto gate = parts.heads(N - 1 - o, 1);
      const auto gate_bar = parts_bar.heads(N - 1 - o, 1);
      if (o == 0) times<T>(exec, gated_bar.view(), parts.heads(N, 1), gate_bar), times<T>(exec, gated_bar.view(), gate, parts_bar.heads(N, 1));
      else times<T>(exec, gated_bar.view(), convolved[to_size(o - 1)].view(), gate_bar), times<T>(exec, gated_bar.view(), gate, bar.view());
    }
    zero_padding(options.mask, parts_bar);
  };
  if (!given(parameters.weight) && grads.u) return gates(u, grads.u);
  Buffer<T> parts_bar(batch, time, N + 1, D);
  if (!given(parameters.weight)) return gates(u, parts_bar.view());
  Buffer<T> mixed(batch, time, N + 1, D);
  short_convolution(exec, u, parameters.weight, parameters.bias, mixed.view(), window_options(again));
  gates(mixed.view(), parts_bar.view());
  short_convolution_vjp(exec, u, parameters.weight, parameters.bias, parts_bar.view(), ConvolutionGradients<S, Q>{.x = grads.u, .weight = grads.weight, .bias = grads.bias}, window_options(again),
                        ConvolutionCotangents<T>{states.final.window, states.initial.window});
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
