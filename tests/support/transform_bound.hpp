// SPDX-License-Identifier: MIT
#pragma once

#include "gradient_bound.hpp"

namespace lcsm::test {

// What the transforms of a convolution's adjoint err by, relative to eps, beside what every mode does: every cotangent of a tap by the norms of y_bar and the inputs,
// from where it goes to the parameters as the tap's own cotangent does; those of inputs by the norms of y_bar and the taps, for as many as are added up. `to`: every
// gradient. Of calls without states, which go another way.
template <class M, class In, class G>
void transform_sums(const In& in, const View<const double>& y_bar, const G& to, const Options<double>& options, Index values) {
  using K = KernelOf<M>;
  const Index batch = y_bar.batch(), tokens = y_bar.time(), heads = y_bar.head();
  const auto each = [&](auto&& f) {                         // f(view)
    M::visit([&]<class Leaf>() { door::names_of<Leaf>::each([&]<class Name>() { f(Name::of(to)); }); });
  };
  const auto fill = [](const auto& v, double x) {
    for (Index b = 0; b < v.batch() && v; ++b)
      for (Index t = 0; t < v.time(); ++t)
        for (Index h = 0; h < v.head(); ++h)
          for (Index r = 0; r < v.row(); ++r)
            for (Index c = 0; c < v.feature(); ++c) v.at(b, t, h, r, c) = x;
  };
  each([&](const auto& v) { fill(v, 0); });
  if (tokens == 0) return;
  const Call<M, double, In> call("transform_sums", in, options, batch, tokens, heads, values);
  const ChannelNorms norms = channel_norms(call);
  const double sequences = double(call.extent.sequences);
  Buffer<double> tap_bars(1, tokens, heads, attention_rows<M>(values));
  tap_bars.fill(0);
  const Index width = tap_bars.view().feature() / matrix_planes<M>;
  double of_inputs = 0;
  for (Index h = 0; h < heads; ++h)
    for (Index c = 0; c < values; ++c) {
      double sum = 0;
      for (Index b = 0; b < batch; ++b)
        for (Index t = 0; t < tokens; ++t)
          for (Index part = 0; part < M::projection::parts; ++part) sum += std::pow(y_bar.at(b, t, h, 0, part * values + c), 2);
      const std::size_t at = to_size(h * values + c);
      of_inputs = std::max(of_inputs, fourier_cost(tokens) * std::sqrt(sum) * norms.taps[at]);
      for (Index t = 0; t < tokens; ++t)
        for (Index plane = 0; plane < matrix_planes<M>; ++plane)
          tap_bars.view().at(0, t, h, 0, plane * width + (width == 1 ? 0 : c)) += 2 * fourier_cost(tokens) * std::sqrt(sum) * norms.inputs[at] * sequences * M::projection::scale;
    }
  GradientSums<K>::of(in, std::as_const(tap_bars).view(), to, {}, {}, error_cost<K>(CallSums{}, 1, false), 0, nullptr);
  const auto inputs = [&](const auto& v) {
    Index shared = 1;
    const Index whole[] = {batch, tokens, heads, 1, values};
    for (std::size_t x = 0; x < 5; ++x) shared *= whole[x] / std::max<Index>(v.extent[x], 1);
    fill(v, 2 * of_inputs * double(shared));
  };
  door::names_of<typename M::input::leaf>::each([&]<class Name>() { inputs(Name::of(to)); });
  if constexpr (M::input::domain == Domain::complex) door::names_of<typename M::input::imag>::each([&]<class Name>() { inputs(Name::of(to)); });
}

}  // namespace lcsm::test
