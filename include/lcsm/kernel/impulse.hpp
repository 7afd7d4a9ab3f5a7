// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/kernel/diagonal.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// An input that is 1 at one token and 0 at all others.
struct ImpulseLeaf {
  static constexpr Axes axes = Axes::one;
  static constexpr Source source = Source::data;
  static constexpr const char* name = "impulse";
  template <class In> static constexpr bool bound = true;
  template <class Visit> static constexpr void visit(Visit&&) {}
  template <class T, bool Multiplier, class In> static void rows(T* out, Index stride, const In&, const Run& run, Index first, Index count) {
    for (Index j = 0; j < count; ++j) out[j * stride] = T(first + j == run.impulse ? 1 : 0);
  }
};

// A mixer that is given an impulse in place of its input: its output at t is the surrogate attention of t to the impulse's token, one
// coefficient per value channel, for every composition alike. A complex memory is read whole.
template <class M> struct Impulse : M {
  using input = Input<ImpulseLeaf>;
  using skip = NoSkip;
  using projection = std::conditional_t<M::complex, project::Complex, project::Real>;
};

// Impulse responses of one head by the recurrence itself: O(T K D) each.
template <class M, class T> class ImpulseResponse {
 public:
  static constexpr Index planes = M::complex ? 2 : 1;

  ImpulseResponse(Arena& arena, const Extent& n, Index rows)
      : rows_(rows), tile_(arena, n, rows), body_(arena, n), memory_(Memory<Impulse<M>, T>::in(arena, n.keys, n.values)), row_(arena.take<T>(planes * n.values)) {}

  // visitor(t, row of planes * D coefficients) for every token t >= the impulse. With impulse -1: what the initial memory contributes.
  template <class In, class Visitor> void operator()(const In& in, Run run, const StateView<const T>& initial, Index impulse, Visitor&& visitor) {
    run.impulse = impulse;
    start_from(memory_, initial, run);
    if (impulse >= 0)
      for (Index a = 0; a < memory_.keys; ++a) {            // nothing written yet; weights and scales as they are
        std::fill_n(memory_.m + a * memory_.row, memory_.values, T(0));
        if constexpr (M::complex) std::fill_n(memory_.m_imag + a * memory_.row_imag, memory_.values, T(0));
      }
    tile_.begin(in, run);
    // Only denominators, scales and means look at what came before the impulse.
    constexpr bool looks_back = M::normaliser::quotient || M::normaliser::mean || M::stabiliser::scaled;
    for (Index first = looks_back || impulse < 0 ? 0 : impulse; first < run.time.length; first += rows_) {
      const Index count = (std::min)(rows_, run.time.length - first);
      tile_.fill(in, run, first, count);
      for (Index j = 0; j < count; ++j) one(first, j, impulse, visitor);
    }
  }

 private:
  template <class Visitor> void one(Index first, Index j, Index impulse, Visitor& visitor) {
    body_.advance_one(tile_, j, memory_, Row<T>{row_, 1, memory_.values});
    if (first + j >= impulse) visitor(first + j, static_cast<const T*>(row_));
  }
  Index rows_;
  Tiles<Impulse<M>, T> tile_;
  Diagonal<Impulse<M>, T> body_;
  Memory<Impulse<M>, T> memory_;
  T* row_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
