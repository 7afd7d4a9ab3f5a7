// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/held.hpp>
#include <lcsm/call/state.hpp>
#include <lcsm/kernel/diagonal.hpp>
#include <lcsm/mode/coded.hpp>
#include <lcsm/simd/denormals.hpp>
#include <lcsm/tensor/half.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// One token for every sequence and head of a state, in place: the decode path, O(K D) per head. The inputs are those of the other modes with
// one time step; y is [N, 1, H, 1, parts * D]. The same body as `recurrent`, so prefill and decode agree to the bit. Allocates nothing and
// throws nothing: shapes are checked by LCSM_ASSERT alone.
template <class M, class In, class S, class T> void step(M, const In& in, const View<S>& y, State<M, T>& state) noexcept {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::step: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    const Extent n{state.sequences(), 1, state.heads(), state.keys(), state.values()};
    LCSM_ASSERT(y.batch() == n.sequences && y.time() == 1 && y.head() == n.heads && y.feature() == M::projection::parts * n.values);
    const simd::FlushDenormals flush;
    const StateView<T> memory = state.view();
    Arena arena = state.scratch();
    Tiles<M, T> tile(arena, n, 1);
    constexpr bool by_rows = is_code_kernel<M> || is_code_write<M>;
    const std::conditional_t<by_rows, CodeRows, Diagonal<M, T>> body = [&] {
      if constexpr (by_rows) return CodeRows(arena, 1); else return Diagonal<M, T>(arena, n);
    }();
    Index* const held = arena.take<Index>(held_codes<M> ? n.keys : 0);
    for (Index h = 0; h < n.heads; ++h)
      for (Index s = 0; s < n.sequences; ++s) {
        Run run{.extent = n, .time = {.length = 1, .position = Index(memory.position.at(s, 0, 0, 0, 0))}, .batch = s, .head = h, .sequence = s};
        if constexpr (held_codes<M>) fill_held<M>(held, in, run, StateView<const T>(memory)), run.held_from = held;
        if (s == 0) tile.begin(in, run);
        tile.fill(in, run, 0, 1);
        if constexpr (by_rows) coded::step<M, T>(in, y, tile, body, memory, run);
        else body.advance(tile, 1, Memory<M, T>::of(memory, run), OutputRows<S>{y, run, 0});
      }
    for (Index s = 0; s < n.sequences; ++s) ++memory.position.at(s, 0, 0, 0, 0);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
