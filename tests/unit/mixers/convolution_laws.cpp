// SPDX-License-Identifier: MIT
// Time-invariant rows: recurrence, scan, convolution, Toeplitz matrix and the sum over modes are one; both directions; any cut with the state carried.
#include <lcsm/exec/seq.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/long_convolution.hpp>

#include "support/catch.hpp"

#include <complex>

using namespace lcsm;

namespace {

using Z = std::complex<double>;
constexpr Index D = 3, N = 4;
Buffer<double> random(init::Generator& rng, Index time, Index rows, double scale = 1) {
  Buffer<double> x(1, time, 1, rows, D);
  for (double& v : x) v = scale * init::normal(rng);
  return x;
}
// The largest difference, as a part of the largest number.
double difference(const View<const double>& a, const View<const double>& b) {
  double off = 0, largest = 0;
  for (Index t = 0; t < b.time(); ++t)
    for (Index c = 0; c < D; ++c) off = std::max(off, std::abs(a(0, t, 0, c) - b(0, t, 0, c))), largest = std::max(largest, std::abs(b(0, t, 0, c)));
  return largest > 0 ? off / largest : off;
}

// in(x) is the mixer's aggregate; tap(l, c) the published formula of its kernel, as a sum over modes; skip(c).
template <class M, class In, class Tap, class Skip> void check(In&& in, Tap&& tap, Skip&& skip, Index keys = N) {
  init::Generator rng(3);
  for (const Index L : {1, 2, 3, 17, 64, 1000}) {
    INFO("length " << L);
    const Buffer<double> x = random(rng, L, 1);
    const auto of = [&](Index first, Index count) { return in(x.view().tokens(first, count)); };
    Buffer<double> right(1, L, 1, D), y(right);
    std::vector<double> k(to_size(L * D));
    for (Index l = 0; l < L; ++l)
      for (Index c = 0; c < D; ++c) k[to_size(l * D + c)] = tap(l, c);
    for (Index t = 0; t < L; ++t)
      for (Index c = 0; c < D; ++c) {
        double sum = skip(c) * x.view()(0, t, 0, c);
        for (Index l = 0; l <= t; ++l) sum += k[to_size(l * D + c)] * x.view()(0, t - l, 0, c);
        right.view()(0, t, 0, c) = sum;
      }
    const auto same = [&](const char* what) {
      INFO(what);
      CHECK(difference(std::as_const(y).view(), std::as_const(right).view()) <= 1e-10);
      y.fill(std::nan(""));
    };
    recurrent(exec::seq, M{}, of(0, L), y.view()), same("recurrent");
    scan(exec::seq, M{}, of(0, L), y.view(), Options<double>{.tuning = {.scan_chunk = 10, .scan_units = 100}}), same("scan");
    for (const auto form : {ConvolutionForm::direct, ConvolutionForm::fourier})
      for (const Index block : {0, 50}) convolve(exec::seq, M{}, of(0, L), y.view(), Options<double>{.tuning = {.form = form, .block = block}}), same(form == ConvolutionForm::direct ? "direct" : "Fourier");
    if (L <= 64) {
      Buffer<double> a(1, L, 1, D, L);
      attention_matrix(exec::seq, M{}, of(0, L), a.view());
      for (Index t = 0; t < L; ++t)
        for (Index c = 0; c < D; ++c) {
          y.view()(0, t, 0, c) = skip(c) * x.view()(0, t, 0, c);
          for (Index s = 0; s <= t; ++s) y.view()(0, t, 0, c) += a.view().at(0, t, 0, c, s) * x.view()(0, s, 0, c);
        }
      same("matrix");
    }
    // Cuts, the state handed from one form to another.
    State<M, double> state(1, 1, keys, D);
    for (Index first = 0, part = 0; first < L; ++part) {
      const Index count = std::min(L - first, 1 + part * 7);
      const Options<double> carried{.initial = std::as_const(state).view(), .final = state.view(), .tuning = {.form = ConvolutionForm::fourier}};
      if (part % 2) recurrent(exec::seq, M{}, of(first, count), y.view().tokens(first, count), carried); else convolve(exec::seq, M{}, of(first, count), y.view().tokens(first, count), carried);
      first += count;
    }
    same("cut");
    // Forwards and backwards: the double loop, lag -1 with the first backward tap.
    const Index back = std::min<Index>(L, 20);
    Buffer<double> kernel(1, L, 1, D), later(1, back, 1, D);
    convolution_kernel(exec::seq, M{}, of(0, L), kernel.view()), convolution_kernel(exec::seq, M{}, of(0, L), later.view());
    for (const auto form : {ConvolutionForm::direct, ConvolutionForm::fourier}) {
      long_convolution(exec::seq, ConvolutionPlan<double>(std::as_const(kernel).view(), {.back = later.view(), .form = form}), x.view(), View<const double>{}, y.view());
      Buffer<double> both(1, L, 1, D);
      for (Index t = 0; t < L; ++t)
        for (Index c = 0; c < D; ++c)
          for (Index s = 0; s < L; ++s)
            if (s <= t) both.view()(0, t, 0, c) += k[to_size((t - s) * D + c)] * x.view()(0, s, 0, c);
            else if (s - t <= back) both.view()(0, t, 0, c) += k[to_size((s - t - 1) * D + c)] * x.view()(0, s, 0, c);
      CHECK(difference(std::as_const(y).view(), std::as_const(both).view()) <= 1e-10);
    }
  }
}

}  // namespace

TEST_CASE("S4D, held and bilinear, is its sum over modes", "[mixers][convolution]") {
  init::Generator rng(1);
  const auto real = random(rng, 1, N, 0.5), imag = random(rng, 1, N, 3), B = random(rng, 1, N), B_imag = random(rng, 1, N), C = random(rng, 1, N), C_imag = random(rng, 1, N);
  Buffer<double> dt(1, 1, 1, 1, D), skip(dt);
  for (Index c = 0; c < D; ++c) dt[c] = -3 + 0.7 * double(c), skip[c] = double(c) - 1;
  const auto z = [](const Buffer<double>& re, const Buffer<double>& im, Index n, Index c) { return Z(re[n * D + c], im[n * D + c]); };
  const auto pole = [&](Index n, Index c) { return Z(-std::exp(real[n * D + c]), imag[n * D + c]); };
  check<S4d>([&](const auto& x) { return S4d::In<const double>{.x = x, .log_dt = dt, .log_A_real = real, .A_imag = imag, .C = C, .C_imag = C_imag, .D = skip}; },
             [&](Index l, Index c) {                        // both of each conjugate pair
               Z sum;
               for (Index n = 0; n < N; ++n)
                 for (const bool conjugate : {false, true}) {
                   const Z a = conjugate ? std::conj(pole(n, c)) : pole(n, c), w = conjugate ? std::conj(z(C, C_imag, n, c)) : z(C, C_imag, n, c), o = std::exp(std::exp(dt[c]) * a);
                   sum += w * (o - 1.0) / a * std::exp(std::exp(dt[c]) * a * double(l));
                 }
               return sum.real();
             },
             [&](Index c) { return skip[c]; });
  check<S4dBilinear>([&](const auto& x) { return S4dBilinear::In<const double>{.x = x, .log_dt = dt, .log_A_real = real, .A_imag = imag, .B = B, .B_imag = B_imag, .C = C, .C_imag = C_imag, .D = skip}; },
                     [&](Index l, Index c) {
                       Z sum;
                       for (Index n = 0; n < N; ++n) {
                         const Z half = 0.5 * std::exp(dt[c]) * pole(n, c), o = (1.0 + half) / (1.0 - half);
                         sum += z(C, C_imag, n, c) * z(B, B_imag, n, c) * std::exp(dt[c]) / (1.0 - half) * std::exp(std::log(o) * double(l));
                       }
                       return 2 * sum.real();
                     },
                     [&](Index c) { return skip[c]; });
}

TEST_CASE("Mega's averages are their sum over modes", "[mixers][convolution]") {
  init::Generator rng(2);
  const auto delta = random(rng, 1, N), alpha = random(rng, 1, N), beta = random(rng, 1, N), gamma = random(rng, 1, N);
  Buffer<double> omega(1, 1, 1, 1, D);
  for (Index c = 0; c < D; ++c) omega[c] = 0.5 * double(c) - 1;
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  check<MegaEma>([&](const auto& x) { return MegaEma::In<const double>{.x = x, .delta = delta, .alpha = alpha, .beta = beta, .gamma = gamma, .omega = omega}; },
                 [&](Index l, Index c) {
                   double sum = 0;
                   for (Index n = 0; n < N; ++n) {
                     const double p = sigmoid(delta[n * D + c]), q = 1 - p * sigmoid(alpha[n * D + c]);
                     sum += p * beta[n * D + c] * gamma[n * D + c] / std::sqrt(double(N)) * std::pow(q, double(l));
                   }
                   return sum;
                 },
                 [&](Index c) { return omega[c]; });
}

// What docs/convolution.md says of RWKV-4: its time decay, without the quotient, is a convolution with exp(-exp(w) l).
namespace {
struct TimeDecay : Mixer<expand::One, oscillation::Learned<map::NegExp, in::w, Axes::value>, shrink::One> {
  template <class T> struct In { View<T> v{}, w{}; };
};
}  // namespace
TEST_CASE("a decay per channel alone in every form", "[mixers]") {
  init::Generator rng(8);
  const Buffer<double> w = random(rng, 1, 1);
  check<TimeDecay>([&](const View<const double>& x) { return TimeDecay::In<const double>{.v = x, .w = w.view()}; }, [&](Index l, Index c) { return std::exp(-std::exp(w[c]) * double(l)); }, [](Index) { return 0.0; }, 1);
}
