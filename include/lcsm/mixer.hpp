// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/parts.hpp>

namespace lcsm {

// A mixer: per sequence and head, with memory m (K x D),
//
//     m[a,c] <- o[a,c] m[a,c] + e[a,c] i[c]          Expand writes the input, Oscillation evolves the memory
//     y[c] = sum_a s[a,c] m[a,c]                     Shrink reads it
//
// An empty type made of three stages and, in any order, at most one input, readout, normaliser, stabiliser, projection and skip. Published
// mixers are structs that derive from it, so that messages and debuggers carry their names. The framework is Qin et al. 2024
// (https://arxiv.org/abs/2405.17383).
template <class Expand, class Oscillation, class Shrink, class... More> struct Mixer {
  using oscillation = Oscillation;
  using expand = typename Expand::template Resolved<Oscillation>;
  using input = typename stage::pick<kind::input, Input<Data<in::v, Axes::value>>, More...>::type;
  using readout = typename stage::pick<kind::readout, Post, More...>::type;
  using normaliser = typename stage::pick<kind::normaliser, Unnormalised, More...>::type;
  using stabiliser = typename stage::pick<kind::stabiliser, Unscaled, More...>::type;
  using projection = typename stage::pick<kind::projection, project::Real, More...>::type;
  using skip = typename stage::pick<kind::skip, NoSkip, More...>::type;
  using weight = typename readout::weight;
  // A Quotient without a guard does not change with a factor that all keys share, so exponential reads may be held against the largest of them.
  static constexpr bool reads_cancel = stage::is_unguarded<normaliser>;
  using resolved_shrink = typename Shrink::template Resolved<Oscillation>;
  using shrink = typename std::conditional_t<reads_cancel, stage::centred<resolved_shrink>, std::type_identity<resolved_shrink>>::type;
  static constexpr bool is_centred = !std::is_same_v<shrink, resolved_shrink>;

  static constexpr Structure structure = structure_of(oscillation::axes);
  static constexpr bool coupled = oscillation::has(Plane::coupling);
  // The memory moves from key to key (oscillation::Shift): the transition is no longer diagonal, but forgets all after K tokens.
  static constexpr bool shifts = requires { Oscillation::shifts; };
  static constexpr Domain domain = (std::max)({expand::domain, oscillation::domain, shrink::domain, input::domain});
  static constexpr bool complex = domain == Domain::complex;
  static constexpr bool time_invariant = lcsm::time_invariant((std::max)({expand::source, oscillation::source, shrink::source, weight::source}));
  // One coefficient system per value channel, or one for all of them.
  static constexpr bool per_channel = overlaps(expand::axes | oscillation::axes | shrink::axes | weight::axes, axes::valued);
  // Every coefficient is a key side times a channel side, so a chunk is matrix products.
  static constexpr bool factors = !overlaps(expand::axes | oscillation::axes | shrink::axes | weight::axes, Axes::matrix);
  // Expand or Shrink is a code: rows are gathered and scattered.
  static constexpr bool coded = expand::one_hot || shrink::one_hot;
  // Denominators: none, one per head, or one per value channel.
  static constexpr bool denominator_per_channel = overlaps(expand::axes | oscillation::axes | weight::axes, axes::valued);
  static constexpr Axes log_axes = expand::axes_of(Plane::log) | oscillation::axes_of(Plane::log) | weight::axes_of(Plane::log);
  // The log scale of the memory: one per head, or one per value channel.
  static constexpr bool scale_per_channel = overlaps(log_axes, axes::valued);

  template <class In> static constexpr bool bound = expand::template bound<In> && oscillation::template bound<In> && shrink::template bound<In> && weight::template bound<In> &&
      input::leaf::template bound<In> && input::imag::template bound<In> && (!skip::present || skip::leaf::template bound<In>);
  // Every leaf that reads a member of the aggregate.
  template <class Visit> static constexpr void visit(Visit&& visitor) {
    expand::visit(visitor), oscillation::visit(visitor), shrink::visit(visitor), weight::visit(visitor), input::leaf::visit(visitor);
    if constexpr (input::domain == Domain::complex) input::imag::visit(visitor);
    if constexpr (skip::present) skip::leaf::visit(visitor);
  }

  // Last in the class, so that what they speak of is known: one line each.
  template <class Kind> static constexpr int count = (0 + ... + int(std::is_same_v<typename More::kind, Kind>));
  static constexpr bool one_of_each_kind = ((count<typename More::kind> == 1) && ...);
  static constexpr bool oscillation_is_polar = oscillation::polar;
  static constexpr bool stabiliser_fits = !stabiliser::scaled || expand::has(Plane::log);
  static constexpr bool scale_comes_out = !stabiliser::scaled || normaliser::quotient;
  // The bonus has one scale for all keys of a value channel.
  static constexpr bool bonus_has_one_scale = !stabiliser::scaled || !overlaps(weight::axes_of(Plane::log), axes::keyed);
  static constexpr bool mean_fits = !normaliser::mean || (expand::has(Plane::log) && !stabiliser::scaled && !overlaps(log_axes, axes::valued) && !readout::previous && !complex);
  static constexpr bool coupling_fits = !coupled || (!stabiliser::scaled && !normaliser::mean);
  static constexpr bool shift_fits = !shifts || (!normaliser::quotient && !normaliser::mean && !stabiliser::scaled && !readout::previous && !coded);
  static constexpr bool projection_fits = complex || projection::parts == 1;
  static_assert(one_of_each_kind, "lcsm::Mixer: two parts of one kind (readout, normaliser, ...): keep one");
  static_assert(oscillation_is_polar, "lcsm::Mixer: an oscillation is given by its log magnitude and phase: wrap the leaf in LogTerm or PhaseTerm (a sign in SignTerm)");
  static_assert(stabiliser_fits, "lcsm::Mixer: RunningMax stabilises exponential writes, but no expand term is a LogTerm: drop it");
  static_assert(scale_comes_out || normaliser::mean, "lcsm::Mixer: RunningMax keeps the memory times exp(-p), which only a Quotient takes out again: add a Quotient, or drop it");
  static_assert(bonus_has_one_scale, "lcsm::Mixer: under RunningMax a Bonus has one log weight for all keys: let it vary over the value axis, or make it a FactorTerm");
  static_assert(mean_fits, "lcsm::Mixer: Mean divides each real memory entry by its log weights on the key axis: give expand a LogTerm without value axis, the Post readout and no RunningMax");
  static_assert(coupling_fits, "lcsm::Mixer: a coupling (LowRank) mixes keys of one scale: drop RunningMax and Mean, which give keys scales of their own");
  static_assert(shift_fits, "lcsm::Mixer: Shift moves memories from key to key, which codes, denominators, means, scales and reads of earlier memories do not follow: drop these");
  static_assert(projection_fits, "lcsm::Mixer: project::Complex reads two parts, but the memory is real: drop it");
};

}  // namespace lcsm
