// SPDX-License-Identifier: MIT
#pragma once

#include "support/golden.hpp"

#include <lcsm/tensor/view.hpp>

#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace lcsm::test {

// An array as a view. `axes` has a letter for each axis of the array: b, t, h, r, f say where it goes; 'n' is an axis of which number `part`
// is taken (the parts of complex numbers; extent 1). Axes that are not named are said to be all the same (extent 1, stride 0).
template <class T> View<T> arrange(T* data, const std::vector<Index>& shape, std::string_view axes, Index part = 0) {
  constexpr std::string_view letters = "bthrf";
  LCSM_ASSERT(shape.size() == axes.size());
  View<T> v;
  v.data = data, v.extent = {1, 1, 1, 1, 1};
  Index stride = 1;
  for (std::size_t n = axes.size(); n-- > 0;) {
    if (axes[n] == 'n') v.data += part * stride;
    else v.extent[letters.find(axes[n])] = shape[n], v.stride[letters.find(axes[n])] = stride;
    stride *= shape[n];
  }
  return v;
}
inline View<const double> arrange(const Array& x, std::string_view axes, Index part = 0) {
  return arrange(x.values.data(), x.shape, axes, part);
}

// max |x - want| / max |want|, over the extents of `want`; a NaN is infinitely wrong.
template <class T> double relative_error(const View<T>& x, const View<const double>& want) {
  double worst = 0, largest = 0;
  for (Index b = 0; b < want.batch(); ++b)
    for (Index t = 0; t < want.time(); ++t)
      for (Index h = 0; h < want.head(); ++h)
        for (Index r = 0; r < want.row(); ++r)
          for (Index f = 0; f < want.feature(); ++f) {
            const double off = std::abs(x.at(b, t, h, r, f) - want.at(b, t, h, r, f));
            worst = std::isnan(off) ? INFINITY : std::max(worst, off), largest = std::max(largest, std::abs(want.at(b, t, h, r, f)));
          }
  if (largest == 0) return INFINITY;                        // a comparison with nothing
  return worst / largest;
}

}  // namespace lcsm::test
