// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/channels.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The numbers of a leaf of the axis one or value for lanes over all channels of a call: in place where they are the caller's, else mapped, once, into rows of
// their own.
template <class Leaf, class T> class LeafRows {
  static constexpr bool in_place = is_unmapped<Leaf>();
  static constexpr bool per_token = Leaf::source == Source::data || Leaf::source == Source::position;

 public:
  template <class Exec, class Call> LeafRows(const Exec& exec, const Call& call, bool wanted) {
    if constexpr (!in_place) {
      if (!wanted) return;
      const Extent& n = call.extent;
      const Index width = Leaf::axes == Axes::one ? 1 : n.values;
      rows_ = Buffer<T>(call.packed ? 1 : n.sequences, per_token ? n.tokens : 1, n.heads, width);
      Arena counting;
      { LeafTile<Leaf, T> tile(counting, n, 1); }
      const Workspace workspace("convolve", {}, counting.used(), exec.workers(call.units()));
      exec.for_each(call.units(), [&](Index unit, Index worker) {
        const Run run = call.unit(unit);
        Arena arena = workspace.arena(worker);
        LeafTile<Leaf, T> tile(arena, n, 1);
        tile.begin(call.in, run);
        for (Index j = 0; j < (per_token ? run.time.length : Index(run.sequence == 0)); ++j) {
          tile.fill(call.in, run, j, 1);
          for (Index c = 0; c < width; ++c) rows_.view().at(per_token ? run.batch : 0, per_token ? run.time.token(j) : 0, run.head, 0, c) = tile.template load<T>(0, 0, c);
        }
      });
    }
  }

  // One group of channels of one sequence: what is the same for all tokens, or channels, is repeated.
  template <class In> auto stream(const In& in, const Extent& n, const Run& run, Index group) const {
    if constexpr (in_place) {
      using S = std::remove_const_t<typename std::remove_cvref_t<decltype(Leaf::view(in))>::element>;
      return ChannelStream<T, const S>(repeat(View<const S>(Leaf::view(in))), {}, n.heads, n.values, run.time, run.batch, run.sequence, group);
    } else return ChannelStream<T, const T>(repeat(rows_.view()), {}, n.heads, n.values, run.time, run.batch, run.sequence, group);
  }

 private:
  template <class S> static View<S> repeat(View<S> v) {
    if (!per_token) v.stride[0] = v.stride[1] = 0;
    if (Leaf::axes == Axes::one) v.stride[4] = 0;
    return v;
  }
  Buffer<T> rows_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
