// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/leaf.hpp>

namespace lcsm {

// Asks for rows that will be read, or written, soon, if they lie apart: those of one head are H K numbers from each other, which processors do not foresee.
// Changes no number.
// Inlined, as GCC takes a function that only prefetches for one without effect, and leaves its calls out.
template <bool Write = false, class S> LCSM_INLINE void prefetch_rows(const View<S>& v, const Run& run, Index first, Index count) {
#if defined(__GNUC__)
  const Index end = (std::min)(first + count, run.time.length), bytes = v.feature() * Index(sizeof(S));
  if (v.stride[4] != 1 || bytes == 0 || bytes >= 4096 || v.stride[1] == v.feature()) return;
  const Index head = stage::group_of(v, run);
  for (Index j = first; j < end; ++j) {
    const auto* row = reinterpret_cast<const char*>(v.data + v.offset(run.batch, run.time.token(j), head, 0, 0));
    for (Index at = 0; at < bytes; at += 64) __builtin_prefetch(row + at, Write, 2);   // into the second cache: the first is full of the present chunk
    __builtin_prefetch(row + bytes - 1, Write, 2);
  }
#endif
}
// The streams that the tiles of a mixer will be filled from.
template <class M, class In> LCSM_INLINE void prefetch(const In& in, const Run& run, Index first, Index count) {
  M::visit([&]<class Leaf>() {
    if constexpr (Leaf::streams && Leaf::axes != Axes::matrix) prefetch_rows(Leaf::view(in), run, first, count);
  });
}

}  // namespace lcsm
