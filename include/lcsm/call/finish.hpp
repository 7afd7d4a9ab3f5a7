// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/tiles.hpp>
#include <lcsm/call/tuning.hpp>
#include <lcsm/simd/stream.hpp>
#include <lcsm/tensor/view.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// One row of the output: features of any stride, in the caller's storage type; written past the caches if `streamed`. Imaginary parts, if any, come `plane` features after the real ones.
template <class S> struct Row {
  S* data;
  Index stride, plane = 0;
  bool streamed = false;
  template <class V> LCSM_INLINE void put(Index c, V x) const {
    using T = simd::scalar_t<V>;
    if constexpr (std::is_same_v<S, T>) {
      if (simd::width<V> == 1 || stride == 1) {
        if constexpr (simd::width<V> == 1) data[c * stride] = x;
        else if (streamed) simd::stream(data + c, x);
        else simd::store(data + c, x);
        return;
      }
    }
    alignas(64) T lanes[simd::width<V>];
    simd::store(lanes, x);
    for (Index n = 0; n < simd::width<V>; ++n) data[(c + n) * stride] = static_cast<S>(lanes[n]);
  }
};
template <class S> Row<S> output_row(const View<S>& y, const Run& run, Index j, bool streamed = false) {
  return {y.data + y.offset(run.batch, run.time.token(j), run.head, 0, 0), y.stride[4], y.feature() / 2, streamed};
}
// Whether rows of an output are to be written past the caches: it is large, and they begin where vectors do.
template <class S> bool streams(const View<S>& y, const Tuning& tuning, int parts) {
  if constexpr (!std::is_same_v<S, float> && !std::is_same_v<S, double>) return false;
  else {
    constexpr Index vector = simd::width<Batch<S>>;
    bool aligned = y.stride[4] == 1 && (parts == 1 || y.feature() / 2 % vector == 0) && reinterpret_cast<std::uintptr_t>(y.data) % (to_size(vector) * sizeof(S)) == 0;
    for (std::size_t axis = 0; axis < 3; ++axis) aligned = aligned && (y.extent[axis] <= 1 || y.stride[axis] % vector == 0);
    return aligned && y.batch() * y.time() * y.head() * y.feature() * Index(sizeof(S)) >= tuning.streamed;
  }
}
// Where a kernel writes what it reads of token j: a row of the output, or nowhere, so that nothing is read. Types of their own, so that a kernel is
// compiled once for all modes.
template <class S> struct OutputRows {
  const View<S>& y;
  const Run& run;
  Index first;
  bool streamed = false;
  Row<S> operator()(Index j) const { return output_row(y, run, first + j, streamed); }
};
struct Nowhere {
  constexpr Nowhere operator()(Index) const { return {}; }
};

// What comes after the read, the same in every mode: quotient, projection, skip. The numerator N and denominator may be complex; p is the
// log scale of both, which a guard may want to see.
template <class M, class T, class V, class N, class Dn, class S>
LCSM_INLINE void finish(const Tiles<M, T>& tile, Index j, const Row<S>& y, Index c, N numerator, Dn denominator, V p) {
  if constexpr (M::normaliser::quotient) {
    const V divisor = M::normaliser::guard::apply(real_part(denominator), p);
    if constexpr (is_complex<N>) numerator = N(numerator.re / divisor, numerator.im / divisor); else numerator = numerator / divisor;
  }
  V re = real_part(numerator);
  if constexpr (M::projection::scale != 1) re = re * map::constant<V>(M::projection::scale);
  if constexpr (M::skip::present) re = simd::fma(tile.d.template load<V>(j, 0, c), tile.i_re.template load<V>(j, 0, c), re);
  y.put(c, re);
  if constexpr (M::projection::parts == 2) y.put(c + y.plane, imag_part(numerator));
}

// Tokens off the timelines (padding) get zeros.
template <class S> void zero_padding(const View<const std::uint8_t>& mask, const View<S>& y) {
  if (!mask) return;
  for (Index b = 0; b < y.batch(); ++b)
    for (Index t = 0; t < y.time(); ++t) {
      if (mask.at(mask.batch() == 1 ? 0 : b, t, 0, 0, 0) != 0) continue;
      for (Index h = 0; h < y.head(); ++h)
        for (Index f = 0; f < y.feature(); ++f) y.at(b, t, h, 0, f) = static_cast<S>(0.0f);
    }
}

template <class Call, class S>
  requires requires(const Call& call) { call.options.mask; }
void zero_padding(const Call& call, const View<S>& y) {
  zero_padding(call.options.mask, y);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
