// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/coded.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The tiles of one head of one sequence, for some tokens at a time: all that a kernel reads of the caller's inputs.
template <class M, class T> struct Tiles {
  using O = typename M::oscillation::template Tile<T>;
  static constexpr Want want_of_ties() {
    Want want{};
    const auto add = [&]<class Each>(std::type_identity<Each>) {
      if constexpr (stage::is_tied<Each>) want.logs = want.logs || Each::rule::want.logs, want.phases = want.phases || Each::rule::want.phases;
    };
    M::expand::for_each_term(add), M::shrink::for_each_term(add);
    return want;
  }
  static constexpr bool has_ties = [] {
    bool found = false;
    const auto look = [&]<class Each>(std::type_identity<Each>) { found = found || stage::is_tied<Each>; };
    M::expand::for_each_term(look), M::shrink::for_each_term(look), M::weight::for_each_term(look);
    return found;
  }();
  // Running maxima and means weigh by logs, codes add them up.
  static constexpr bool weighs = M::stabiliser::scaled || M::normaliser::mean;

  O o;
  typename M::expand::template Tile<T, O> e;
  typename M::shrink::template Tile<T, O> s;
  typename M::weight::template Tile<T, O> u;
  LeafTile<typename M::input::leaf, T> i_re;
  LeafTile<typename M::input::imag, T> i_im;
  LeafTile<typename M::skip::leaf, T> d;

  // phases: chunks add the oscillation's angles up; units: and do not multiply by those of single tokens.
  Tiles(Arena& arena, const Extent& n, Index tokens, bool phases = false, bool units = true)
      : o(arena, n, tokens, Want{weighs || is_lazy<M> || want_of_ties().logs, phases || want_of_ties().phases, units || has_ties}), e(arena, n, tokens, Want{weighs, false}, &o),
        s(arena, n, tokens, Want{}, &o), u(arena, n, tokens, Want{weighs, false}, &o), i_re(arena, n, tokens),
        i_im(arena, n, M::input::domain == Domain::complex ? tokens : 0), d(arena, n, M::skip::present ? tokens : 0) {}
  Tiles(const Tiles&) = delete;                            // e, s and u point at o

  // Once per head: what no token changes.
  template <class In> void begin(const In& in, const Run& run) {
    o.begin(in, run), e.begin(in, run), s.begin(in, run), u.begin(in, run), i_re.begin(in, run);
    if constexpr (M::input::domain == Domain::complex) i_im.begin(in, run);
    if constexpr (M::skip::present) d.begin(in, run);
  }
  // The tokens [first, first + count) of the run's timeline.
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    o.fill(in, run, first, count), e.fill(in, run, first, count), s.fill(in, run, first, count), u.fill(in, run, first, count), i_re.fill(in, run, first, count);
    if constexpr (M::input::domain == Domain::complex) i_im.fill(in, run, first, count);
    if constexpr (M::skip::present) d.fill(in, run, first, count);
  }

  template <class V> LCSM_INLINE auto input(Index j, Index c) const {
    if constexpr (M::input::domain == Domain::complex) return Complex<V>(i_re.template load<V>(j, 0, c), i_im.template load<V>(j, 0, c));
    else return i_re.template load<V>(j, 0, c);
  }
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
