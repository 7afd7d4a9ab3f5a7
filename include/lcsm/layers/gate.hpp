// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/short_convolution.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace gate_layer {

// f(sequence, token) for all tokens of y, in blocks.
template <class Exec, class S, class F> void for_each_token(const Exec& exec, const View<S>& y, F&& f) {
  constexpr Index block = 128;
  const Index blocks = (y.time() + block - 1) / block;
  exec.for_each(y.batch() * blocks, [&](Index n, Index) {
    const Index first = n % blocks * block;
    for (Index t = first; t < (std::min)(first + block, y.time()); ++t) f(n / blocks, t);
  });
}
template <class V, class S, class R> LCSM_INLINE V lanes(const View<S>& v, const R* row, Index c) { return short_window::gather<V>(row + c * v.stride[4], v.stride[4]); }

// to = a b, [B, T, H, 1, D].
template <class T, class Exec, class A, class B, class S> void times(const Exec& exec, const View<A>& a, const View<B>& b, const View<S>& to) {
  for_each_token(exec, to, [&](Index sequence, Index t) {
    for (Index h = 0; h < to.head(); ++h) {
      const A* const left = a.data + a.offset(sequence, t, h, 0, 0);
      const B* const right = b.data + b.offset(sequence, t, h, 0, 0);
      const Row<S> out{to.data + to.offset(sequence, t, h, 0, 0), to.stride[4]};
      for_lanes<T>(to.feature(), [&]<class V>(std::type_identity<V>, Index c) { out.put(c, V(lanes<V>(a, left, c) * lanes<V>(b, right, c))); });
    }
  });
}

}  // namespace gate_layer
}  // namespace LCSM_ARCH
}  // namespace lcsm
