// SPDX-License-Identifier: MIT
// Full convolutions as SciPy and FFTW compute them in float64 (long_convolution.safetensors beside this file says how), in every form.
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/long_convolution.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"

#include <cmath>

using namespace lcsm;

TEMPLATE_TEST_CASE("convolutions of SciPy and FFTW", "[convolution]", float, double) {
  using T = TestType;
  const test::Case file(std::filesystem::path(LCSM_TEST_DATA_DIR) / "unit/mode/long_convolution.safetensors");
  for (int n = 0; n < 7; ++n) {
    const test::Array u = file.in("u" + std::to_string(n)), k = file.in("k" + std::to_string(n)), scipy = file.out("scipy" + std::to_string(n)), fftw = file.out("fftw" + std::to_string(n));
    const Index taps = Index(k.values.size()), all = Index(scipy.values.size());
    INFO(u.values.size() << " numbers, " << taps << " taps");
    Buffer<T> x(1, all, 1, 1), kernel(1, taps, 1, 1), y(1, all, 1, 1);
    double inputs = 0, weights = 0;
    for (std::size_t t = 0; t < u.values.size(); ++t) x[Index(t)] = T(u[t]), inputs += u[t] * u[t];
    for (Index l = 0; l < taps; ++l) kernel[l] = T(k[to_size(l)]), weights += k[to_size(l)] * k[to_size(l)];
    for (const auto form : {ConvolutionForm::direct, ConvolutionForm::fourier}) {
      INFO(int(form));
      long_convolution(exec::seq, ConvolutionPlan<T>(std::as_const(kernel).view(), {.tokens = all, .form = form}), std::as_const(x).view(), View<const T>{}, y.view());
      // A sum of the taps' products is no larger than the norms, so both forms are within this; theirs errs alike in double.
      const double eps = double(std::numeric_limits<T>::epsilon()) + 0x1p-52, bound = eps * (7 * std::log2(double(4 * all + 16)) + double(taps) + 2) * std::sqrt(inputs * weights);
      double worst = 0;
      for (Index t = 0; t < all; ++t)
        for (const double right : {scipy[to_size(t)], fftw[to_size(t)]})
          if (const double off = std::abs(double(y[t]) - right) / bound; !(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
      CHECK(worst <= 1);
    }
  }
}
