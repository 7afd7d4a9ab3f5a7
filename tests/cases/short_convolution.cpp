// SPDX-License-Identifier: MIT
// Reported faults of short convolutions alone, each with its right values (tests/cases/data). Those with a scan behind them are in state.cpp.
#include "every_way.hpp"

#include "support/short_convolution.hpp"

#include <lcsm/layers/short_convolution_vjp.hpp>

#include <cmath>

using namespace lcsm;
using lcsm::test::arrange;
using lcsm::test::Array;
using lcsm::test::Case;
using lcsm::test::Numbers;

TEMPLATE_TEST_CASE("a prompt shorter than the window, and steps after it", "[cases][length_02]", float, double) {
  using T = TestType;
  const Case file(lcsm::test::case_path("length_02"));
  const Numbers<T> x(file.in("x"), "bthf"), past(file.in("conv_state"), "brhf"), weight(file.in("w"), "hrf"), bias(file.in("bias"), "hf");
  const Index W = weight.view().feature(), D = 2, all = 10;
  for (const bool given : {false, true})
    for (const Index length : {1, 2, 3, 4, 7}) {
      INFO("length " << length << (given ? ", state given" : ", no state"));
      const std::string which = given ? "given" : "zero";
      const Array right = file.out("y_" + which + "_state"), right_state = file.out("state_" + which + "_" + std::to_string(length));
      Buffer<T> memory(1, 1, 1, W - 1, D), y(1, all, 1, D);
      y.fill(std::numeric_limits<T>::quiet_NaN());
      short_convolution(exec::seq, x.view().tokens(0, length), weight.view(), bias.view(), y.view().tokens(0, length),
                        {.initial = given ? past.view() : View<const T>{}, .final = memory.view()});
      test::agrees(test::widened<T>(memory.view()), arrange(right_state, "brhf"), 0);
      for (Index t = length; t < all; ++t) short_convolution_step(x.view().tokens(t, 1), weight.view(), bias.view(), y.view().tokens(t, 1), memory.view());
      for (Index t = 0; t < all; ++t)
        for (Index d = 0; d < D; ++d) {
          const auto sum = test::plain_convolution(
              W, [&](Index k) { return weight.view().at(0, 0, 0, d, k); }, double(bias.view()(0, 0, 0, d)),
              [&](Index j) { return j >= 0 ? double(x.view()(0, j, 0, d)) : given ? double(past.view().at(0, 0, 0, W - 1 + j, d)) : 0.0; }, t);
          const long double stored = right[to_size(t * D + d)];
          CHECK(std::abs(static_cast<long double>(y.view()(0, t, 0, d)) - stored) <= sum.template bound<T>(W) + sum.template bound<double>(W));
        }
    }
}

TEMPLATE_TEST_CASE("a kernel longer than the sequence, and its gradients", "[cases][fft_03]", float, double) {
  using T = TestType;
  const Case file(test::case_path("fft_03"));
  constexpr Index B = 2, H = 2, W = 10;
  const auto turned = [](auto taps) {                       // [W, H, 1], the tap of the present token first
    taps.data += (W - 1) * taps.stride[4], taps.stride[4] = -taps.stride[4];
    return taps;
  };
  struct Results {
    Buffer<T> y, u_bar, k_bar;
    explicit Results(Index L) : y(B, L, H, 1), u_bar(B, L, H, 1), k_bar(1, 1, H, 1, W) {
      for (Buffer<T>* out : {&y, &u_bar, &k_bar}) out->fill(std::numeric_limits<T>::quiet_NaN());
    }
  };
  const auto run = [&](Index L, bool sizes) {               // the sizes of sums: the same on magnitudes
    Numbers<T> u(file.in("u"), "bthf"), y_bar(file.in("dy"), "bthf"), k(file.in("k"), "fhr");
    if (sizes)
      for (Numbers<T>* numbers : {&u, &y_bar, &k})
        for (Index n = 0; n < numbers->data.size(); ++n) numbers->data.data()[n] = std::abs(numbers->data.data()[n]);
    Results out(L);
    const View<const T> in = u.view().tokens(0, L), weight = turned(k.view());
    View<T> k_bar = out.k_bar.view();
    short_convolution(exec::seq, in, weight, {}, out.y.view());
    short_convolution_vjp(exec::seq, in, weight, {}, y_bar.view().tokens(0, L), ConvolutionGradients<T>{out.u_bar.view(), k_bar, {}});
    return out;
  };
  for (const Index L : {1, 3, 9, 10, 11}) {
    INFO(L << " tokens");
    const Results given = run(L, false), sizes = run(L, true);
    // Of each side: a product and a sum for every tap, those of the file in double. The taps' own sums are in double on both, of B L
    // terms. The sizes are rounded themselves, hence the last factor.
    const auto near = [&](const Buffer<T>& x, const Buffer<T>& size, const View<const double>& right, Index in_t, Index in_double) {
      const double eps = double(in_t) * double(std::numeric_limits<T>::epsilon()) / 2 + double(in_double) * 0x1p-53;
      for (Index b = 0; b < right.batch(); ++b)
        for (Index t = 0; t < right.time(); ++t)
          for (Index h = 0; h < H; ++h)
            for (Index f = 0; f < right.feature(); ++f) CHECK(std::abs(double(x.view()(b, t, h, f)) - right(b, t, h, f)) <= double(size.view()(b, t, h, f)) * eps * 1.01);
    };
    const std::string length = "_L" + std::to_string(L);
    const Array y = file.out("y" + length), u_bar = file.out("du" + length), k_bar = file.out("dk" + length);
    near(given.y, sizes.y, arrange(y, "bthf"), W + 1, W + 1);
    near(given.u_bar, sizes.u_bar, arrange(u_bar, "bthf"), W + 1, W + 1);
    near(given.k_bar, sizes.k_bar, turned(arrange(k_bar, "fhr")), 1, 2 * (B * L + 1));
  }
}
