// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixer.hpp>

namespace lcsm {

// Which mixers a code kernel runs: one that gathers and scatters single rows of the memory instead of walking all of them.
namespace code_rule {

template <class Term> constexpr bool is_code() {
  if constexpr (requires { Term::leaf::is_code; }) return true; else return false;
}
// One code; whatever else the stage multiplies is the same for every key.
template <class S> constexpr bool one_row() {
  int codes = 0;
  bool rest = true;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) {
    if (is_code<Each>()) ++codes; else rest = rest && within(Each::axes, axes::channel) && Each::plane != Plane::coupling;
  });
  return codes == 1 && rest;
}

template <class M> inline constexpr bool plain = !M::coupled && !M::complex && !M::readout::bonus && !M::normaliser::mean && !M::stabiliser::scaled &&
    !(M::normaliser::quotient && M::denominator_per_channel);
template <class M> inline constexpr bool scalar_decay = within(M::oscillation::axes, Axes::one) && !M::oscillation::has(Plane::factor);

}  // namespace code_rule

// Both ends are codes: a token touches the row it writes and the row it reads, and no other. Under a decay, which is one number per token and
// head, a row is decayed when it is next touched. A decay per key or value channel would need a clock for each, and goes to the generic kernels.
template <class M> inline constexpr bool is_code_kernel =
    code_rule::plain<M> && code_rule::scalar_decay<M> && code_rule::one_row<typename M::expand>() && code_rule::one_row<typename M::shrink>();
// Only the write is a code and nothing decays (attention over a codebook): a token scatters one row and reads them all. With a decay, or when
// only the read is a code, each token has O(K D) of work in any case: the generic kernels do it.
template <class M> inline constexpr bool is_code_write =
    code_rule::plain<M> && M::structure == Structure::identity && code_rule::one_row<typename M::expand>() && !M::shrink::one_hot;
// The state keeps a clock.
template <class M> inline constexpr bool is_lazy = is_code_kernel<M> && M::structure != Structure::identity;

// A number as a sum of two doubles (106 bits), for a cumulative log decay. Differences of two of them are exact to a rounding of the difference,
// however long the sum has become, so the decays of a young row are those of its own tokens alone. A closed gate (log 0) is a step of -2^20, whose
// exponential is 0; 2^33 of them leave room for 53 bits behind the point.
struct Clock {
  static constexpr double closed = -0x1p20;
  double sum = 0, rest = 0;

  void advance(double log) noexcept {
    if (log < closed) log = closed;                         // a NaN stays one
    const double next = sum + log, added = next - sum;
    rest += (sum - (next - added)) + (log - added);
    const double whole = next + rest;
    rest -= whole - next, sum = whole;
  }
  double since(const Clock& earlier) const noexcept { return (sum - earlier.sum) + (rest - earlier.rest); }
};

}  // namespace lcsm
