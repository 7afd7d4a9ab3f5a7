// SPDX-License-Identifier: MIT
// W4: causal convolutions with a kernel as long as the sequence, 256 channels, [T, D]: two transforms of 2 T real numbers a channel where the kernel's spectrum is at hand, three with it, nominally
// 2.5 n log2 n operations each. FFTW, where it is there: its best plan (MEASURE) in the layout it likes best, [D, T].
#include <lcsm/mode/long_convolution.hpp>

#include "workload.hpp"

#include <functional>

#if defined(LCSM_BENCH_FFTW)
#include <fftw3.h>
#endif

using namespace bench;

namespace {

constexpr Index D = 256;

// The library's own transforms of 1024 complex numbers in the first caches, a channel a lane.
void fourier_limit(benchmark::State& state) {
  constexpr Index n = 1024;
  const lcsm::Fourier<float> plan(n);
  lcsm::Buffer<float> x(1, 1, 1, 2 * n * limit::W);
  for (Index i = 0; i < x.size(); ++i) x[i] = float(i % 7) - 3;
  for (auto _ : state) {
    plan.forward<limit::V>(x.data());
    for (Index i = 0; i < x.size(); ++i) x[i] *= 1.0f / 32;
    benchmark::ClobberMemory();
  }
  limit::report(state, 2.5 * 2 * n * std::log2(2.0 * n) * double(limit::W));
}

double nominal(Index T, int transforms) { return transforms * 2.5 * 2 * double(T) * std::log2(2 * double(T)) * D; }

void check_convolution(const lcsm::View<const float>& x, const lcsm::View<const float>& k, const std::function<double(Index, Index)>& y) {
  for (const Index t : {Index(0), Index(5), x.time() / 2, x.time() - 1})
    for (const Index c : {Index(0), D - 1}) {
      double sum = 0, size = 0;
      for (Index l = 0; l <= t; ++l) {
        const double term = double(k(0, l, 0, c)) * double(x(0, t - l, 0, c));
        sum += term, size += std::abs(term);
      }
      check_number("W4", y(t, c), sum, std::sqrt(size) + 1);
    }
}

void ours(Index T) {
  auto* x = new lcsm::Buffer<float>(numbers(1, T, 1, D));
  auto* k = new lcsm::Buffer<float>(numbers(1, T, 1, D));
  auto* y = new lcsm::Buffer<float>(1, T, 1, D);
  const lcsm::View<const float> in = *x, kernel = *k;
  const lcsm::ConvolutionChoice<float> choice{.tokens = T, .form = lcsm::ConvolutionForm::fourier};
  auto* plan = new lcsm::ConvolutionPlan<float>(kernel, choice);
  const auto planned = [=](const auto& exec) { lcsm::long_convolution(exec, *plan, in, lcsm::View<const float>{}, y->view()); };
  planned(lcsm::exec::seq), check_convolution(in, kernel, [&](Index t, Index c) { return double(y->view()(0, t, 0, c)); });
  const std::string sizes = "/T=" + std::to_string(T);
  add("W4/convolution, spectrum at hand" + sizes, "limit/fft", nominal(T, 2), double(T), planned);
  add("W4/convolution" + sizes, "limit/fft", nominal(T, 3), double(T), [=](const auto& exec) { lcsm::long_convolution(exec, lcsm::ConvolutionPlan<float>(kernel, choice), in, lcsm::View<const float>{}, y->view()); });
}

#if defined(LCSM_BENCH_FFTW)
void fftw(Index T) {
  const Index n = 2 * T, bins = T + 1;
  auto* x = fftwf_alloc_real(std::size_t(D * T));
  auto* k = fftwf_alloc_real(std::size_t(D * T));
  auto* y = fftwf_alloc_real(std::size_t(D * T));
  auto* room = fftwf_alloc_real(std::size_t(n));
  auto* a = fftwf_alloc_complex(std::size_t(bins));
  auto* b = fftwf_alloc_complex(std::size_t(bins));
  const fftwf_plan forward = fftwf_plan_dft_r2c_1d(int(n), room, a, FFTW_MEASURE), other = fftwf_plan_dft_r2c_1d(int(n), room, b, FFTW_MEASURE), back = fftwf_plan_dft_c2r_1d(int(n), a, room, FFTW_MEASURE);
  const lcsm::Buffer<float> given = numbers(1, T, 1, D), kernel = numbers(1, T, 1, D);
  for (Index t = 0; t < T; ++t)
    for (Index c = 0; c < D; ++c) x[c * T + t] = given.view()(0, t, 0, c), k[c * T + t] = kernel.view()(0, t, 0, c);
  const auto run = [=] {
    for (Index c = 0; c < D; ++c) {
      std::copy_n(k + c * T, T, room), std::fill_n(room + T, T, 0.0f), fftwf_execute(other);
      std::copy_n(x + c * T, T, room), std::fill_n(room + T, T, 0.0f), fftwf_execute(forward);
      for (Index i = 0; i < bins; ++i) {
        const float re = a[i][0] * b[i][0] - a[i][1] * b[i][1], im = a[i][0] * b[i][1] + a[i][1] * b[i][0];
        a[i][0] = re, a[i][1] = im;
      }
      fftwf_execute(back);
      for (Index t = 0; t < T; ++t) y[c * T + t] = room[t] / float(n);
    }
  };
  run(), check_convolution(given.view(), kernel.view(), [&](Index t, Index c) { return double(y[c * T + t]); });
  add("W4/convolution/T=" + std::to_string(T) + "/peer:FFTW", "limit/fft", nominal(T, 3), double(T), 1, run);
}
#endif

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("limit/fft", fourier_limit);
  for (const Index T : {1024, 8192, 8100, 65536}) {
    ours(T);
#if defined(LCSM_BENCH_FFTW)
    fftw(T);
#endif
  }
  return measure(argc, argv);
}
