// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/exp.hpp>
#include <lcsm/simd/trigonometric.hpp>

#include <Eigen/Core>

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
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

 public:
  static constexpr Index rows = 32;                         // of a product; a known number keeps Eigen from starting threads

  PowerTables(Index modes, Index lags)
      : modes_(modes), lags_(lags), block_(round_up((std::min)(Index(std::ceil(std::sqrt(double((std::max)(lags, Index(1)))))), Index(1024)), 8)),
        low_(2 * modes, block_), high_(Matrix::Zero(2 * modes, round_up(lags / block_ + 1, rows))), ends_(rows, 2 * modes),
        lags_of_(rows, block_), log_(to_size(modes), std::numeric_limits<double>::quiet_NaN()), phase_(log_), of_low_(to_size(block_)),
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
    mode_powers(log, angle, of_low_.data(), block_, &low_(n, 0), &low_(modes_ + n, 0));
    mode_powers(log, angle, of_high_.data(), Index(of_high_.size()), &high_(n, 0), &high_(modes_ + n, 0));
  }
  // Of one lag, `lags` itself included.
  std::complex<double> power(Index n, Index l) const {
    LCSM_ASSERT(l >= 0 && l < Index(of_high_.size()) * block_);
    return std::complex<double>(high_(n, l / block_), high_(modes_ + n, l / block_)) * std::complex<double>(low_(n, l % block_), low_(modes_ + n, l % block_));
  }

  // store(first, values, count): K at the lags [first, first + count), in order. w(n) is complex.
  template <class W, class Store> void evaluate(W&& w, Store&& store) {
    for (Index a = 0; a * block_ < lags_; a += rows) {
      for (Index n = 0; n < modes_; ++n) {
        const std::complex<double> weight = w(n);
        const double *re = &high_(n, a), *im = &high_(modes_ + n, a);
        for (Index r = 0; r < rows; ++r) {
          ends_(r, n) = weight.real() * re[r] - weight.imag() * im[r];
          ends_(r, modes_ + n) = -(weight.real() * im[r] + weight.imag() * re[r]);
        }
      }
      lags_of_.noalias() = ends_ * low_;
      each_row(a, [&](Index r, Index first, Index count) { store(first, &lags_of_(r, 0), count); });
    }
  }
  // load(first, values, count) gives x at the lags [first, first + count). The sums of mode n go to plain[n] and, if there is room for them, to
  // weighted[n].
  template <class Load> void sums(Load&& load, std::complex<double>* plain, std::complex<double>* weighted = nullptr) {
    std::fill_n(plain, modes_, 0.0);
    if (weighted) std::fill_n(weighted, modes_, 0.0);
    for (Index a = 0; a * block_ < lags_; a += rows) {
      lags_of_.setZero();
      each_row(a, [&](Index r, Index first, Index count) { load(first, &lags_of_(r, 0), count); });
      ends_.noalias() = lags_of_ * low_.transpose();
      add_ends(a, plain, [](Index) { return 1.0; });
      if (!weighted) continue;
      add_ends(a, weighted, [&](Index r) { return of_high_[to_size(a + r)]; });
      for (Index r = 0; r < rows; ++r)
        for (Index b = 0; b < block_; ++b) lags_of_(r, b) *= of_low_[to_size(b)];
      ends_.noalias() = lags_of_ * low_.transpose();
      add_ends(a, weighted, [](Index) { return 1.0; });
    }
  }

 private:
  template <class F> void each_row(Index a, F&& f) const {
    for (Index r = 0; r < rows && (a + r) * block_ < lags_; ++r) f(r, (a + r) * block_, (std::min)(block_, lags_ - (a + r) * block_));
  }
  template <class Weight> void add_ends(Index a, std::complex<double>* to, Weight&& weight) const {
    for (Index n = 0; n < modes_; ++n) {
      double re = 0, im = 0;
      for (Index r = 0; r < rows && (a + r) * block_ < lags_; ++r) {
        const double x = weight(r), h = high_(n, a + r), h_imag = high_(modes_ + n, a + r), e = ends_(r, n), e_imag = ends_(r, modes_ + n);
        re += x * (h * e - h_imag * e_imag), im += x * (h * e_imag + h_imag * e);
      }
      to[n] += std::complex<double>(re, im);
    }
  }

  Index modes_, lags_, block_;
  Matrix low_, high_;                                       // a row of real parts for each mode, then one of imaginary parts
  Eigen::Matrix<double, rows, Eigen::Dynamic> ends_;
  Eigen::Matrix<double, rows, Eigen::Dynamic, Eigen::RowMajor> lags_of_;
  std::vector<double> log_, phase_, of_low_, of_high_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
