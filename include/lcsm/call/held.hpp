// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/state.hpp>

namespace lcsm {

// From when on a memory holds each key: for reads over a codebook, which must not look at codes that nobody has taken.
// A code that was taken counts, also with a weight of 0: weights are the tiles'.
template <class M> inline constexpr bool held_codes = M::is_centred && M::expand::one_hot;

// to[a]: the position of the first token of the run whose read finds something in row a; the lowest number if the initial state has something there.
template <class M, class In, class T> void fill_held(Index* to, const In& in, const Run& run, const StateView<T>& initial) {
  const Index keys = run.extent.keys;
  std::fill_n(to, keys, (std::numeric_limits<Index>::max)());
  M::expand::for_each_term([&]<class Each>(std::type_identity<Each>) {
    if constexpr (code_rule::is_code<Each>())
      for (Index j = run.time.length - 1; j >= 0; --j)
        if (const Index code = Each::leaf::code(in, run, j); code >= 0 && code < keys) to[code] = run.time.position + j + (M::readout::previous && !M::readout::bonus ? 1 : 0);
  });
  if (!initial) return;
  constexpr bool wide = StateShape<M>::z_per_channel;
  for (Index a = 0; a < keys; ++a)
    for (Index c = 0; c < (wide ? run.extent.values : 1); ++c)
      if (initial.z.at(run.sequence, 0, run.head, wide ? a : 0, wide ? c : a) != 0) to[a] = (std::numeric_limits<Index>::min)();
}

}  // namespace lcsm
