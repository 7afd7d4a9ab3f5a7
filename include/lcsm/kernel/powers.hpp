// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/product.hpp>
#include <lcsm/simd/exp.hpp>
#include <lcsm/simd/transpose.hpp>
#include <lcsm/simd/trigonometric.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

namespace lcsm {
inline namespace LCSM_ARCH {

// re[k] + i im[k] = z^l[k] for whole l[k] in [0, 2^29], z = exp(log_modulus + i phase), within 4 eps of its modulus and |l log_modulus| eps / 2
// more, whatever the phase: it is cut into 24 leading bits, whose products with l are exact, and a rest, whose products err by less than
// 2^-76 l |phase|. z^0 is 1 for every z, a log of -inf (z = 0) among them; moduli below 1e-300 are 0.
inline void mode_powers(double log_modulus, double phase, const double* l, Index count, double* re, double* im) noexcept {
  const double leading = std::bit_cast<double>(std::bit_cast<std::uint64_t>(phase) & ~std::uint64_t{0x1fffffff}), rest = phase - leading;
  for_lanes<double>(count, [&]<class V>(std::type_identity<V>, Index k) {
    const V n = simd::load<V>(l + k), zero = V(0.0), one = V(1.0);
    V s, c, s_rest, c_rest;
    math::sincos<V>(n * V(leading), &s, &c), math::sincos<V>(n * V(rest), &s_rest, &c_rest);
    V size = math::exp<V>(n * V(log_modulus));
    size = simd::select<V>(size < V(1e-300), zero, size);
    const V x = size * simd::fma<V>(c, c_rest, simd::minus(s * s_rest)), y = size * simd::fma<V>(s, c_rest, c * s_rest);
    simd::store(re + k, simd::select<V>(n == zero, one, x)), simd::store(im + k, simd::select<V>(n == zero, zero, y));
  });
}

// z_n^l for N modes and 0 <= l < lags, as two tables in double: z^(aB + b) = (z^B)^a z^b, B about the root of `lags` and at most 1024. An angle
// l phase in float is off by 0.25 at l = 10^6; so are powers by repeated products (0.06). Here a power errs by 12 eps, and |l log_modulus| eps.
//
// On the tables, sums over modes and over lags are matrix products of rows of B lags, 2 N real products per lag:
//     evaluate   K[l] = Re sum_n w_n z_n^l         [rows, 2 N] x [2 N, B]
//     sums       S_n = sum_l x[l] z_n^l, and weighted, sum_l l x[l] z_n^l         [rows, B] x [B, 2 N]
class PowerTables {
 public:
  static constexpr Index rows = 32;                         // of a product

  PowerTables(Index modes, Index lags)
      : modes_(modes), lags_(lags), block_(round_up((std::min)(Index(std::ceil(std::sqrt(double((std::max)(lags, Index(1)))))), Index(1024)), 8)),
        ends_of_(round_up(lags / block_ + 1, rows)), low_(to_size(2 * modes * block_)), high_(to_size(2 * modes * ends_of_)), ends_(to_size(rows * 2 * modes)),
        lags_of_(to_size(rows * block_)), turned_(lags_of_), log_(to_size(modes), std::numeric_limits<double>::quiet_NaN()), phase_(log_), of_low_(to_size(block_)),
        of_high_(to_size(lags / block_ + 1)) {
    for (std::size_t b = 0; b < of_low_.size(); ++b) of_low_[b] = double(b);
    for (std::size_t a = 0; a < of_high_.size(); ++a) of_high_[a] = double(Index(a) * block_);
  }

  Index modes() const noexcept { return modes_; }
  Index lags() const noexcept { return lags_; }

  void set(Index n, double log_modulus, double phase) {
    double &log = log_[to_size(n)], &angle = phase_[to_size(n)];
    if (log == log_modulus && angle == phase) return;       // channels may share their modes
    log = log_modulus, angle = phase;
    mode_powers(log, angle, of_low_.data(), block_, low(n), low(modes_ + n));
    mode_powers(log, angle, of_high_.data(), Index(of_high_.size()), high(n), high(modes_ + n));
  }
  // Of one lag, `lags` itself included.
  std::complex<double> power(Index n, Index l) const {
    LCSM_ASSERT(l >= 0 && l < Index(of_high_.size()) * block_);
    const Index a = l / block_, b = l % block_;
    return std::complex<double>(high(n)[a], high(modes_ + n)[a]) * std::complex<double>(low(n)[b], low(modes_ + n)[b]);
  }

  // store(first, values, count): K at the lags [first, first + count), in order. w(n) is complex.
  template <class W, class Store> void evaluate(W&& w, Store&& store) {
    for (Index a = 0; a * block_ < lags_; a += rows) {
      for (Index n = 0; n < modes_; ++n) {
        const std::complex<double> weight = w(n);
        const double *re = high(n) + a, *im = high(modes_ + n) + a;
        for (Index r = 0; r < rows; ++r) {
          double* const end = ends_.data() + r * 2 * modes_ + n;
          end[0] = weight.real() * re[r] - weight.imag() * im[r], end[modes_] = -(weight.real() * im[r] + weight.imag() * re[r]);
        }
      }
      multiply(ends_.data(), 2 * modes_, Index(1), low_.data(), block_, lags_of_.data(), block_, rows, block_, 2 * modes_);
      each_row(a, [&](Index r, Index first, Index count) { store(first, lags_of_.data() + r * block_, count); });
    }
  }
  // load(first, values, count) gives x at the lags [first, first + count). The sums of mode n go to plain[n] and, if there is room for them, to
  // weighted[n].
  template <class Load> void sums(Load&& load, std::complex<double>* plain, std::complex<double>* weighted = nullptr) {
    std::fill_n(plain, modes_, 0.0);
    if (weighted) std::fill_n(weighted, modes_, 0.0);
    for (Index a = 0; a * block_ < lags_; a += rows) {
      std::fill(lags_of_.begin(), lags_of_.end(), 0.0);
      each_row(a, [&](Index r, Index first, Index count) { load(first, lags_of_.data() + r * block_, count); });
      meet_low();
      add_ends(a, plain, [](Index) { return 1.0; });
      if (!weighted) continue;
      add_ends(a, weighted, [&](Index r) { return of_high_[to_size(a + r)]; });
      for (Index r = 0; r < rows; ++r)
        for (Index b = 0; b < block_; ++b) lags_of_[to_size(r * block_ + b)] *= of_low_[to_size(b)];
      meet_low();
      add_ends(a, weighted, [](Index) { return 1.0; });
    }
  }

 private:
  double* low(Index n) { return low_.data() + n * block_; }
  double* high(Index n) { return high_.data() + n * ends_of_; }
  const double* low(Index n) const { return low_.data() + n * block_; }
  const double* high(Index n) const { return high_.data() + n * ends_of_; }
  // ends_ [2 N, rows] <- sums over a row's lags of lag times power.
  void meet_low() {
    simd::transpose(lags_of_.data(), block_, rows, block_, turned_.data(), rows);
    multiply(low_.data(), block_, Index(1), turned_.data(), rows, ends_.data(), rows, 2 * modes_, rows, block_);
  }
  template <class F> void each_row(Index a, F&& f) const {
    for (Index r = 0; r < rows && (a + r) * block_ < lags_; ++r) f(r, (a + r) * block_, (std::min)(block_, lags_ - (a + r) * block_));
  }
  template <class Weight> void add_ends(Index a, std::complex<double>* to, Weight&& weight) const {
    for (Index n = 0; n < modes_; ++n) {
      double re = 0, im = 0;
      for (Index r = 0; r < rows && (a + r) * block_ < lags_; ++r) {
        const double x = weight(r), h = high(n)[a + r], h_imag = high(modes_ + n)[a + r], e = ends_[to_size(n * rows + r)], e_imag = ends_[to_size((modes_ + n) * rows + r)];
        re += x * (h * e - h_imag * e_imag), im += x * (h * e_imag + h_imag * e);
      }
      to[n] += std::complex<double>(re, im);
    }
  }

  Index modes_, lags_, block_, ends_of_;
  std::vector<double> low_, high_;                          // a row of real parts for each mode, then one of imaginary parts
  std::vector<double> ends_, lags_of_, turned_;
  std::vector<double> log_, phase_, of_low_, of_high_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
