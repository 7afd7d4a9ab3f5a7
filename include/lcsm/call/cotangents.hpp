// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/tiles.hpp>
#include <lcsm/stage/stage_cotangent.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The twin of Tiles: the cotangents of all that a kernel reads, on their way back to the caller's gradients. A kernel adds to o, e, s, u, to the input
// and to the skip; `start` before the tokens of a chunk, `flush` after them.
template <class M, class T, bool Absolute = false> struct Cotangents {
  using O = StageCotangent<typename M::oscillation::template Resolved<typename M::oscillation>, T, Absolute>;
  template <class S> using Of = StageCotangent<S, T, Absolute, O>;
  static constexpr bool complex_input = M::input::domain == Domain::complex;

  O o;
  Of<typename M::expand> e;
  Of<typename M::shrink> s;
  Of<typename M::weight> u;
  LeafCotangent<typename M::input::leaf, T, false, Absolute> i_re;
  LeafCotangent<typename M::input::imag, T, false, Absolute> i_im;
  LeafCotangent<typename M::skip::leaf, T, false, Absolute> d;

  Cotangents(Arena& arena, const Extent& n, Index tokens)
      : o(arena, n, tokens), e(arena, n, tokens, &o), s(arena, n, tokens, &o), u(arena, n, tokens, &o), i_re(arena, n, tokens), i_im(arena, n, complex_input ? tokens : 0),
        d(arena, n, M::skip::present ? tokens : 0) {}
  Cotangents(const Cotangents&) = delete;                  // e, s and u point at o

  // Once per head, before and after its tokens.
  void begin() {
    o.begin(), e.begin(), s.begin(), u.begin(), i_re.begin();
    if constexpr (complex_input) i_im.begin();
    if constexpr (M::skip::present) d.begin();
  }
  template <class In, class To> void end(const Tiles<M, T>& tile, const In& in, To& to, const Run& run) {
    e.end(tile.e, in, to, run), s.end(tile.s, in, to, run), u.end(tile.u, in, to, run), o.end(tile.o, in, to, run), i_re.end(tile.i_re, in, to, run);
    if constexpr (complex_input) i_im.end(tile.i_im, in, to, run);
    if constexpr (M::skip::present) d.end(tile.d, in, to, run);
  }
  void start(Index count) {
    o.start(count), e.start(count), s.start(count), u.start(count), i_re.start(count);
    if constexpr (complex_input) i_im.start(count);
    if constexpr (M::skip::present) d.start(count);
  }
  // tile holds the same tokens. Ties tell the oscillation first.
  template <class In, class To> void flush(const Tiles<M, T>& tile, const In& in, To& to, const Run& run, Index first, Index count) {
    e.flush(tile.e, in, to, run, first, count), s.flush(tile.s, in, to, run, first, count), u.flush(tile.u, in, to, run, first, count);
    o.flush(tile.o, in, to, run, first, count), i_re.flush(tile.i_re, in, to, run, first, count);
    if constexpr (complex_input) i_im.flush(tile.i_im, in, to, run, first, count);
    if constexpr (M::skip::present) d.flush(tile.d, in, to, run, first, count);
  }
  template <class V, class F> LCSM_INLINE void add_input(Index j, Index c, F bar) {
    i_re.add(j, 0, c, V(real_part(bar)));
    if constexpr (complex_input) i_im.add(j, 0, c, Absolute ? V(real_part(bar)) : V(imag_part(bar)));
  }
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
