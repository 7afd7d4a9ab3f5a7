// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

namespace lcsm::exec {

// An execution policy: `for_each(n, f)` calls f(item, worker) once for every item in [0, n), with worker in [0, workers(n)); no two calls
// with one worker overlap. What an item is depends on shapes alone, so no policy changes a bit of any result.
struct Seq {
  static Index workers(Index) noexcept { return 1; }
  template <class F> void for_each(Index n, F&& f) const {
    for (Index item = 0; item < n; ++item) f(item, Index(0));
  }
};
inline constexpr Seq seq{};

}  // namespace lcsm::exec
