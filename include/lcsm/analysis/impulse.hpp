// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/coefficients.hpp>
#include <lcsm/analysis/mixer.hpp>
#include <lcsm/mode/recurrent.hpp>

namespace lcsm::analysis {

// A mixer that is given an impulse in place of its input, and whose memory is read whole: its output at i is alpha_ij, one coefficient per value channel.
namespace in { LCSM_NAME(impulse); }
template <class M> struct Impulse : M {
  using input = Input<Data<in::impulse, Axes::value>>;
  using skip = NoSkip;
  using projection = std::conditional_t<M::complex, project::Complex, project::Real>;
};
template <class In> struct WithImpulse : In { View<const double> impulse{}; };

inline namespace LCSM_ARCH {

// alpha_ij by impulses: the input is 1 at token j in every value channel and 0 at all others, and the public recurrent mode runs over all tokens, once for every j. O(T^2 n D).
// Knows nothing of `dynamics`; the two agree within rounding.
template <class M, class In> Coefficients coefficients_by_impulse(M, const In& inputs, const Which& which = {}) {
  constexpr Index planes = M::complex ? 2 : 1;
  const Sizes n = sizes<M>(inputs, which);
  Coefficients out(n.tokens, M::per_channel ? n.values : 1, matrix_planes<M> == 2);
  Buffer<double> impulse(1, n.tokens, 1, 1), y(n.batch, n.tokens, n.heads, planes * n.values);
  View<const double> everywhere = std::as_const(impulse).view();
  everywhere.extent[0] = everywhere.extent[4] = 1, everywhere.stride[0] = everywhere.stride[4] = 0;
  const WithImpulse<In> in{inputs, everywhere};
  for (Index j = 0; j < n.tokens; ++j) {
    impulse.fill(0), impulse[j] = 1;
    recurrent(exec::seq, Impulse<M>{}, in, y.view());
    for (Index i = j; i < n.tokens; ++i)
      for (Index c = 0; c < out.systems; ++c) {
        const double re = y.view()(which.batch, i, which.head, c), im = M::complex ? y.view()(which.batch, i, which.head, (planes - 1) * n.values + c) : 0;
        out.at(i, j, c) = out.complex ? Number(re, im) : Number(M::projection::scale * re);
      }
  }
  return out;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm::analysis
