// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/fourier.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Products of real sequences of N = 2n numbers modulo z^N = -1, from complex transforms of n points (right-angle convolution: no padding to twice the
// length, no separation of real parts). A real sequence x is read as the n complex numbers
//
//     c[m] = (x[m] - i x[m + n]) exp(-i pi m / N)
//
// whose transform has the values of x at half of the roots of z^N = -1; the others are their conjugates. Products of values are products of sequences,
// in which what runs over the end comes back negated; conjugate values are those of x[-m].
//
// Relative to the product of the two norms, a coefficient of a product errs by about 7 eps log2(N) (Brent, Percival, Zimmermann 2007,
// https://doi.org/10.1090/S0025-5718-07-01931-X, for the passes; roots are within half an eps).
template <class T> class Negacyclic {
 public:
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;

  Negacyclic() = default;
  // At least `length` numbers.
  explicit Negacyclic(Index length) : fourier_(Fourier<T>::length_at_least((length + 1) / 2)), turns_(2 * fourier_.points()) {
    for (Index m = 0; m < points(); ++m) {
      const double angle = -std::numbers::pi * double(m) / double(2 * points());
      turns_.data()[2 * m] = T(std::cos(angle)), turns_.data()[2 * m + 1] = T(std::sin(angle));
    }
  }
  Index points() const noexcept { return fourier_.points(); }
  Index length() const noexcept { return 2 * points(); }
  Index size() const noexcept { return points() * 2 * W; }  // numbers of T in the values of W sequences

  // The values of W sequences whose numbers [first, last) are at(m) and whose others are 0.
  template <class At> void values(T* x, Index first, Index last, At&& at) const {
    const Index n = points();
    const V zero(T(0));
    for (Index m = 0; m < n; ++m) {
      const V re = m >= first && m < last ? V(at(m)) : zero, im = m + n >= first && m + n < last ? V(simd::minus(at(m + n))) : zero;
      const V c(turns_.data()[2 * m]), s(turns_.data()[2 * m + 1]);
      simd::store(x + m * 2 * W, simd::fma(re, c, V(simd::minus(im * s)))), simd::store(x + m * 2 * W + W, simd::fma(re, s, V(im * c)));
    }
    fourier_.template forward<V>(x);
  }
  // x <- x k, or x <- x conj(k)
  template <bool Conjugate> void multiply(T* x, const T* k) const {
    for (Index m = 0; m < points(); ++m) {
      V re, im;
      product<Conjugate>(x + m * 2 * W, k + m * 2 * W, re, im);
      simd::store(x + m * 2 * W, re), simd::store(x + m * 2 * W + W, im);
    }
  }
  // sum += x conj(k), over many blocks of many sequences.
  void add_correlation(double* sum, const T* x, const T* k) const {
    alignas(64) T lanes[2 * W];
    for (Index m = 0; m < points(); ++m) {
      V re, im;
      product<true>(x + m * 2 * W, k + m * 2 * W, re, im);
      simd::store(lanes, re), simd::store(lanes + W, im);
      for (Index l = 0; l < 2 * W; ++l) sum[m * 2 * W + l] += double(lanes[l]);
    }
  }
  // The numbers [first, last) of the sequences that have the values x, which are overwritten: put(m, number).
  template <class Put> void sequence(T* x, Index first, Index last, Put&& put) const {
    const Index n = points();
    fourier_.template inverse<V>(x);
    const V scale(T(1.0 / double(n)));
    for (Index m = (std::max)(first, Index(0)); m < last; ++m) {
      const Index at = m < n ? m : m - n;
      const V c = V(turns_.data()[2 * at]) * scale, s = V(turns_.data()[2 * at + 1]) * scale;
      const V re = simd::load<V>(x + at * 2 * W), im = simd::load<V>(x + at * 2 * W + W);
      put(m, m < n ? simd::fma(re, c, V(im * s)) : simd::fma(re, s, V(simd::minus(im * c))));
    }
  }

 private:
  template <bool Conjugate> LCSM_INLINE static void product(const T* x, const T* k, V& re, V& im) {
    const V a = simd::load<V>(x), b = simd::load<V>(x + W), c = simd::load<V>(k), d = Conjugate ? V(simd::minus(simd::load<V>(k + W))) : simd::load<V>(k + W);
    re = simd::fma(a, c, V(simd::minus(b * d))), im = simd::fma(a, d, V(b * c));
  }
  Fourier<T> fourier_;
  Buffer<T> turns_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
