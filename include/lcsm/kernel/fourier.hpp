// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace lcsm {
inline namespace LCSM_ARCH {

// Discrete Fourier transforms of n = 2^a 3^b 5^c points, each point a lane vector of channels: W real parts, then W imaginary parts. `forward` leaves
// the points in the order of reversed digits and `inverse` expects them so; neither is scaled. Products of spectra do not look at the order.
//
// Passes go depth first (a block is finished while it is in the cache), decimation in frequency forwards and in time backwards; roots are computed
// in double and rounded once.
template <class T> class Fourier {
 public:
  // The least length with factors 2, 3 and 5 alone that is at least n.
  static Index length_at_least(Index n) {
    for (Index length = (std::max)(n, Index(1));; ++length) {
      Index rest = length;
      for (const Index r : {2, 3, 5}) while (rest % r == 0) rest /= r;
      if (rest == 1) return length;
    }
  }

  Fourier() = default;
  explicit Fourier(Index points) : points_(points) {
    Index rest = points;
    const auto take = [&](Index radix) {
      while (rest % radix == 0) radices_.push_back(radix), rest /= radix;
    };
    take(5), take(3);
    if (std::countr_zero(to_size(rest)) % 2 == 1) radices_.push_back(2), rest /= 2;
    take(4);
    LCSM_ASSERT(points >= 1 && rest == 1);
    Index roots = 0, m = points;
    for (const Index r : radices_) first_root_.push_back(roots), roots += 2 * (m - m / r), m /= r;
    roots_ = Buffer<T>(roots);
    m = points;
    for (std::size_t level = 0; level < radices_.size(); ++level) {
      const Index r = radices_[level], q = m / r;
      T* to = roots_.data() + first_root_[level];
      for (Index j = 0; j < q; ++j)
        for (Index k = 1; k < r; ++k) {
          const double angle = -2 * std::numbers::pi * double(j * k) / double(m);
          *to++ = T(std::cos(angle)), *to++ = T(std::sin(angle));
        }
      m = q;
    }
  }
  Index points() const noexcept { return points_; }

  template <class V> void forward(T* x) const { if (points_ > 1) descend<V>(x, 0, points_); }
  template <class V> void inverse(T* x) const { if (points_ > 1) ascend<V>(x, 0, points_); }

 private:
  static constexpr Index cached = 16384;                    // bytes of a block that is gone over pass by pass

  template <class V> void descend(T* x, std::size_t level, Index m) const {
    constexpr Index W = simd::width<V>;
    if (level == radices_.size()) return;
    if (2 * W * m * Index(sizeof(T)) > cached) {
      const Index r = radices_[level], q = m / r;
      pass<V, false>(x, level, q);
      for (Index k = 0; k < r; ++k) descend<V>(x + k * q * 2 * W, level + 1, q);
    } else
      for (Index block = m; level < radices_.size(); ++level) {
        const Index q = block / radices_[level];
        for (Index first = 0; first < m; first += block) pass<V, false>(x + first * 2 * W, level, q);
        block = q;
      }
  }
  template <class V> void ascend(T* x, std::size_t level, Index m) const {
    constexpr Index W = simd::width<V>;
    if (level == radices_.size()) return;
    if (2 * W * m * Index(sizeof(T)) > cached) {
      const Index r = radices_[level], q = m / r;
      for (Index k = 0; k < r; ++k) ascend<V>(x + k * q * 2 * W, level + 1, q);
      pass<V, true>(x, level, q);
    } else
      for (Index end = Index(radices_.size()) - 1, block = 1; end >= Index(level); --end) {
        const Index q = block;
        block *= radices_[to_size(end)];
        for (Index first = 0; first < m; first += block) pass<V, true>(x + first * 2 * W, to_size(end), q);
      }
  }

  template <class V, bool Inverse> void pass(T* x, std::size_t level, Index q) const {
    const T* roots = roots_.data() + first_root_[level];
    switch (radices_[level]) {
      case 2: return q == 1 ? butterflies<V, 2, Inverse, false>(x, roots, q) : butterflies<V, 2, Inverse, true>(x, roots, q);
      case 3: return q == 1 ? butterflies<V, 3, Inverse, false>(x, roots, q) : butterflies<V, 3, Inverse, true>(x, roots, q);
      case 4: return q == 1 ? butterflies<V, 4, Inverse, false>(x, roots, q) : butterflies<V, 4, Inverse, true>(x, roots, q);
      default: return q == 1 ? butterflies<V, 5, Inverse, false>(x, roots, q) : butterflies<V, 5, Inverse, true>(x, roots, q);
    }
  }

  // q butterflies of R points that lie q apart, times the roots after them, or (inverse) the conjugate roots before them.
  template <class V, int R, bool Inverse, bool Turned> LCSM_NOINLINE static void butterflies(T* x, const T* roots, Index q) {
    constexpr Index W = simd::width<V>;
    const Index apart = q * 2 * W;
    for (Index j = 0; j < q; ++j, x += 2 * W, roots += 2 * (R - 1)) {
      V re[R], im[R];
      for (int k = 0; k < R; ++k) {
        re[k] = simd::load<V>(x + k * apart), im[k] = simd::load<V>(x + k * apart + W);
        if constexpr (Inverse && Turned)
          if (k > 0) turn<true>(re[k], im[k], roots + 2 * (k - 1));
      }
      butterfly<Inverse>(re, im);
      for (int k = 0; k < R; ++k) {
        if constexpr (!Inverse && Turned)
          if (k > 0) turn<false>(re[k], im[k], roots + 2 * (k - 1));
        simd::store(x + k * apart, re[k]), simd::store(x + k * apart + W, im[k]);
      }
    }
  }
  template <bool Conjugate, class V> LCSM_INLINE static void turn(V& re, V& im, const T* root) {
    const V c(root[0]), s(Conjugate ? -root[1] : root[1]), x = re;
    re = simd::fma(x, c, V(simd::minus(im * s))), im = simd::fma(x, s, V(im * c));
  }
  // The transform of R points; the inverse has i and -i exchanged.
  template <bool Inverse, class V> LCSM_INLINE static void butterfly(V (&re)[2], V (&im)[2]) {
    const V a = re[0], b = im[0];
    re[0] = a + re[1], im[0] = b + im[1], re[1] = a - re[1], im[1] = b - im[1];
  }
  template <bool Inverse, class V> LCSM_INLINE static void butterfly(V (&re)[4], V (&im)[4]) {
    const V a = re[0] + re[2], b = im[0] + im[2], c = re[0] - re[2], d = im[0] - im[2];
    const V e = re[1] + re[3], f = im[1] + im[3], g = Inverse ? V(re[3] - re[1]) : V(re[1] - re[3]), h = Inverse ? V(im[3] - im[1]) : V(im[1] - im[3]);
    re[0] = a + e, im[0] = b + f, re[2] = a - e, im[2] = b - f;
    re[1] = c + h, im[1] = d - g, re[3] = c - h, im[3] = d + g;
  }
  template <bool Inverse, class V> LCSM_INLINE static void butterfly(V (&re)[3], V (&im)[3]) {
    const V half(T(-0.5)), s(T((Inverse ? -0.5 : 0.5) * std::numbers::sqrt3));
    const V a = re[1] + re[2], b = im[1] + im[2], c = (re[1] - re[2]) * s, d = (im[1] - im[2]) * s;
    const V e = simd::fma(a, half, re[0]), f = simd::fma(b, half, im[0]);
    re[0] = re[0] + a, im[0] = im[0] + b;
    re[1] = e + d, im[1] = f - c, re[2] = e - d, im[2] = f + c;
  }
  template <bool Inverse, class V> LCSM_INLINE static void butterfly(V (&re)[5], V (&im)[5]) {
    constexpr double cos1 = 0.30901699437494742410, cos2 = -0.80901699437494742410, sin1 = 0.95105651629515357212, sin2 = 0.58778525229247312917;
    const V c1 = V(T(cos1)), c2 = V(T(cos2)), s1 = V(T(Inverse ? -sin1 : sin1)), s2 = V(T(Inverse ? -sin2 : sin2));
    const V a = re[1] + re[4], b = im[1] + im[4], c = re[2] + re[3], d = im[2] + im[3], e = re[1] - re[4], f = im[1] - im[4], g = re[2] - re[3], h = im[2] - im[3];
    const V p = simd::fma(c, c2, simd::fma(a, c1, re[0])), q = simd::fma(d, c2, simd::fma(b, c1, im[0]));
    const V r = simd::fma(c, c1, simd::fma(a, c2, re[0])), s = simd::fma(d, c1, simd::fma(b, c2, im[0]));
    const V t = simd::fma(e, s1, V(g * s2)), u = simd::fma(f, s1, V(h * s2)), v = simd::fma(e, s2, V(simd::minus(g * s1))), w = simd::fma(f, s2, V(simd::minus(h * s1)));
    re[0] = re[0] + (a + c), im[0] = im[0] + (b + d);
    re[1] = p + u, im[1] = q - t, re[4] = p - u, im[4] = q + t;
    re[2] = r + w, im[2] = s - v, re[3] = r - w, im[3] = s + v;
  }

  Index points_ = 1;
  std::vector<Index> radices_;
  std::vector<Index> first_root_;
  Buffer<T> roots_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
