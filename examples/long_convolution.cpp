// SPDX-License-Identifier: MIT
// One filter in all the forms of docs/convolution.md, and its pictures: long_convolution [FOLDER], by default beside the program.
#include <lcsm/lcsm.hpp>

#include <lcsm/convolution/distil.hpp>
#include <lcsm/convolution/etsc.hpp>
#include <lcsm/convolution/online.hpp>

#include "example.hpp"
#include "support/picture.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using lcsm::Buffer;
using lcsm::Index;

template <class T> std::vector<double> channel(const lcsm::View<T>& x, Index c) {
  std::vector<double> out;
  for (Index t = 0; t < x.time(); ++t) out.push_back(double(x(0, t, 0, c)));
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace lcsm;
  const std::filesystem::path folder = count > 1 ? std::filesystem::path(arguments[1]) : std::filesystem::path(arguments[0]).parent_path();
  std::mt19937 rng(7);
  const Index tokens = 512, taps = 256, channels = 8;
  // Decaying tones with a little noise: no state space of a few modes has these taps exactly.
  Buffer<float> kernel(1, taps, 1, channels);
  std::normal_distribution<float> noise;
  for (Index l = 0; l < taps; ++l)
    for (Index c = 0; c < channels; ++c)
      kernel.view()(0, l, 0, c) = std::exp(-0.02f * float(l)) * (std::cos(0.1f * float(c + 1) * float(l)) + 0.5f * std::cos(0.37f * float(l))) + 1e-3f * std::exp(-0.02f * float(l)) * noise(rng);
  const auto x = example::random(rng, 1, tokens, 1, channels);
  const Buffer<float> no_skip(1, 1, 1, channels);
  // The taps as keys of the memory: [1, L, H, D] seen as [H, L, D].
  const LongConvolution::In<const float> in{.x = x, .kernel = parameter(std::as_const(kernel).data(), 1, taps, channels), .D = parameter(no_skip.data(), 1, channels)};

  Buffer<double> right(1, tokens, 1, channels);
  reference(LongConvolution{}, in, right.view());
  bool good = true;
  Buffer<float> y(1, tokens, 1, channels);
  const auto check = [&](const char* what) { good = example::agree(what, y.view(), right.view()) && good, y.fill(0); };
  std::printf("%lld tokens, %lld taps, %lld channels; largest difference from the recurrence in double:\n", (long long)tokens, (long long)taps, (long long)channels);

  recurrent(exec::par, LongConvolution{}, in, y.view()), check("a window of the last inputs, token by token");
  scan(exec::par, LongConvolution{}, in, y.view(), Options<float>{.tuning = {.scan_chunk = 128}}), check("windows joined by the scan");
  convolve(exec::par, LongConvolution{}, in, y.view(), Options<float>{.tuning = {.form = ConvolutionForm::fourier}}), check("one transform");
  convolve(exec::par, LongConvolution{}, in, y.view(), Options<float>{.tuning = {.form = ConvolutionForm::fourier, .block = 100}}), check("transforms of 100 tokens (overlap-save)");

  Buffer<float> a(1, tokens, 1, channels, tokens);
  attention_matrix(exec::par, LongConvolution{}, in, a.view());
  for (Index t = 0; t < tokens; ++t)
    for (Index s = 0; s <= t; ++s)
      for (Index c = 0; c < channels; ++c) y.view()(0, t, 0, c) += a.view().at(0, t, 0, c, s) * x.view()(0, s, 0, c);
  check("its Toeplitz matrix times the input");

  const OnlineKernel<float> online(std::as_const(kernel).view());
  OnlineConvolution<float> decoder(online, 1);
  for (Index t = 0; t < tokens; ++t) decoder.step(online, std::as_const(x).view().tokens(t, 1), View<const float>{}, y.view().tokens(t, 1));
  check("inputs one by one, O(log^2 L) each");

  // Exact modes: right for as many tokens as there are taps.
  const ModalForm exact = etsc(exec::par, std::as_const(kernel).view(), View<const double>{});
  const auto first = std::as_const(x).view().tokens(0, taps);
  scan(exec::par, Modal{}, exact.inputs<Modal>(first), y.view().tokens(0, taps), Options<double>{});
  good = example::agree("exact modes, a diagonal state space", y.view().tokens(0, taps), right.view().tokens(0, taps)) && good;

  std::printf("distilled to few modes, relative error of the taps (l2):\n");
  for (const Index order : {4, 6, 8}) {
    const Distilled few = distil(exec::par, std::as_const(kernel).view(), order);
    std::printf("  order %lld: %.1e\n", (long long)order, *std::max_element(few.error.begin(), few.error.end()));
  }

  // Pictures: the taps and what four modes make of them; how far the Hankel singular values fall; the matrix' first rows.
  const Distilled few = distil(exec::par, std::as_const(kernel).view(), 4);
  Buffer<double> from_modes(1, taps, 1, channels);
  modal_kernel(exec::par, few.form, from_modes.view());
  Picture curve(folder / "convolution_taps.svg", "taps of one channel (black), of four modes (red), and their difference (blue)");
  const std::vector<double> taken = channel(kernel.view(), 0), made = channel(from_modes.view(), 0);
  std::vector<double> rest;
  for (std::size_t l = 0; l < taken.size(); ++l) rest.push_back(taken[l] - made[l]);
  curve.add(taken, "black"), curve.add(made, "red"), curve.add(rest, "blue");
  Picture values(folder / "convolution_singular_values.svg", "Hankel singular values of all channels, logarithmic: where they fall is the number of modes", true);
  for (Index c = 0; c < channels; ++c) {
    std::vector<double> s;
    for (Index n = 0; n < few.singular_values.view().row(); ++n) s.push_back(few.singular_values.view().at(0, 0, 0, n, c));
    s.resize(std::min<std::size_t>(s.size(), 40)), values.add(s, "black");
  }
  Picture rows(folder / "convolution_rows.svg", "rows 64, 128 and 192 of the Toeplitz matrix of one channel: one kernel, moved");
  for (const auto& [t, colour] : {std::pair{64, "black"}, {128, "red"}, {192, "blue"}}) {
    std::vector<double> row;
    for (Index s = 0; s < 256; ++s) row.push_back(double(a.view().at(0, t, 0, 0, s)));
    rows.add(row, colour);
  }
  good = curve.finish() && good, good = values.finish() && good, good = rows.finish() && good;
  std::printf("wrote convolution_taps.svg, convolution_singular_values.svg, convolution_rows.svg in %s\n", folder.string().c_str());
  return good ? 0 : 1;
}
