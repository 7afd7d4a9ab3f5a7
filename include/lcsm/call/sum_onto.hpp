// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/half.hpp>
#include <lcsm/tensor/view.hpp>

namespace lcsm {

// Every number of `to` is the sum, in double and rounded once, of those of `from` that share its place: axes that repeat, and groups of heads.
template <class Exec, class S, class T> void sum_onto(const Exec& exec, const View<S>& to, const View<T>& from) {
  Index group[5];
  for (std::size_t a = 0; a < 5; ++a) group[a] = to.extent[a] > 0 ? from.extent[a] / to.extent[a] : 0;
  exec.for_each(to.batch() * to.time() * to.head(), [&](Index n, Index) {
    const Index h = n % to.head(), t = n / to.head() % to.time(), b = n / to.head() / to.time();
    for (Index r = 0; r < to.row(); ++r)
      for (Index f = 0; f < to.feature(); ++f) {
        double total = 0;
        for (Index b1 = b * group[0]; b1 < (b + 1) * group[0]; ++b1)
          for (Index t1 = t * group[1]; t1 < (t + 1) * group[1]; ++t1)
            for (Index h1 = h * group[2]; h1 < (h + 1) * group[2]; ++h1)
              for (Index r1 = r * group[3]; r1 < (r + 1) * group[3]; ++r1)
                for (Index f1 = f * group[4]; f1 < (f + 1) * group[4]; ++f1) total += double(from.at(b1, t1, h1, r1, f1));
        to.at(b, t, h, r, f) = static_cast<S>(total);
      }
  });
}

}  // namespace lcsm
