// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/options.hpp>

#include <algorithm>
#include <functional>

namespace lcsm {

// Value channels that share no number may be run in blocks, each as a call of its own over narrower views: a block's rows stay in the first cache, and
// blocks are work for threads where there are few heads. No bit depends on it.

// No number is shared by the channels of a token.
template <class M> inline constexpr bool channels_apart = !(M::normaliser::quotient && !StateShape<M>::z_per_channel) && !M::normaliser::mean && !(M::stabiliser::scaled && !M::scale_per_channel);

namespace channel_block {

// Whether a narrower view of a leaf gives the same numbers: a map of the whole row, or a rule that asks for the channel, sees more than its own.
template <class Leaf> inline constexpr bool narrows = false;
template <class Name, Axes X, Source S, class Map> inline constexpr bool narrows<Named<Name, X, S, Map>> = !overlaps(X, axes::valued) || !map::RowMap<Map>;
template <class Rule, Axes X> inline constexpr bool narrows<Fixed<Rule, X>> = !overlaps(X, axes::valued);
template <class Combine, class... Leaves> inline constexpr bool narrows<Joined<Combine, Leaves...>> = (narrows<Leaves> && ...);

template <class Term> inline constexpr bool term_narrows = stage::is_tied<Term>;
template <Plane P, class Leaf, bool IsSign> inline constexpr bool term_narrows<LeafTerm<P, Leaf, IsSign>> = narrows<Leaf>;
template <Plane P, class Combine, class... Leaves> inline constexpr bool term_narrows<RegisterTerm<P, Combine, Leaves...>> = (narrows<Leaves> && ...);
template <class Re, class Im> inline constexpr bool term_narrows<ComplexFactor<Re, Im>> = narrows<Re> && narrows<Im>;
template <class S> constexpr bool stage_narrows() {
  bool all = true;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) { all = all && term_narrows<Each>; });
  return all;
}

// The view that a leaf reads, to be written to.
template <class Leaf> struct member;
template <class Name, Axes X, Source S, class Map> struct member<Named<Name, X, S, Map>> {
  template <class In> static constexpr auto& of(In& in) { return Name::of(in); }
};
// Whether a copy of the inputs can be given narrower views.
template <class M, class In> constexpr bool has_own_views() {
  bool own = std::is_copy_constructible_v<In>;
  M::visit([&]<class Leaf>() {
    if constexpr (overlaps(Leaf::axes, axes::valued)) own = own && !std::is_const_v<std::remove_reference_t<decltype(member<Leaf>::of(std::declval<In&>()))>>;
  });
  return own;
}

template <class T> void narrow(View<T>& v, Index values, Index first, Index width) {
  if (v.extent[4] == values) v = v.features(first, width);
}

}  // namespace channel_block

template <class M> inline constexpr bool has_channel_blocks =
    channels_apart<M> && !M::coupled && !M::coded && !M::shifts && channel_block::stage_narrows<typename M::expand>() && channel_block::stage_narrows<typename M::oscillation>() &&
    channel_block::stage_narrows<typename M::shrink>() && channel_block::stage_narrows<typename M::weight>() && channel_block::narrows<typename M::input::leaf> && channel_block::narrows<typename M::input::imag> &&
    channel_block::narrows<typename M::skip::leaf>;

template <class M, class In> inline constexpr bool splits_channels = [] {
  if constexpr (has_channel_blocks<M>) return channel_block::has_own_views<M, In>(); else return false;
}();

// Whether the views of value channels are these inputs' own, not the caller's by reference, and none of them is a row of keys elsewhere.
template <class M, class In> bool channels_are_apart(const In& in) {
  if constexpr (!splits_channels<M, In>) return false;
  else {
    const auto *begin = reinterpret_cast<const std::byte*>(&in), *end = begin + sizeof(In);
    bool apart = true;
    M::visit([&]<class Value>() {
      if constexpr (overlaps(Value::axes, axes::valued)) {
        const auto* view = reinterpret_cast<const std::byte*>(&Value::view(in));
        apart = apart && !std::less<>{}(view, begin) && std::less<>{}(view, end);
        M::visit([&]<class Key>() { if constexpr (Key::axes == Axes::key) apart = apart && reinterpret_cast<const std::byte*>(&Key::view(in)) != view; });
      }
    });
    return apart;
  }
}

// The inputs, and the states of the options, of `width` value channels from `first` on.
template <class M, class In> In of_channels(In in, Index values, Index first, Index width) {
  if (width == values) return in;
  M::visit([&]<class Leaf>() {
    if constexpr (overlaps(Leaf::axes, axes::valued)) channel_block::narrow(channel_block::member<Leaf>::of(in), values, first, width);
  });
  return in;
}
template <class M, class T> StateView<T> of_channels(StateView<T> s, Index values, Index first, Index width) {
  if (width == values || !s) return s;
  const auto narrow = [&](auto& v) { channel_block::narrow(v, values, first, width); };
  narrow(s.m), narrow(s.m_imag);
  if constexpr (StateShape<M>::z_per_channel) narrow(s.z), narrow(s.z_imag);
  if constexpr (M::scale_per_channel) narrow(s.p);
  return s;
}
template <class M, class T> Options<T> of_channels(Options<T> o, Index values, Index first, Index width) {
  o.initial = of_channels<M>(o.initial, values, first, width), o.final = of_channels<M>(o.final, values, first, width), o.saved.states = of_channels<M>(o.saved.states, values, first, width);
  return o;
}

// Blocks of the units of a call. Where there is more than one key a block's memory fits the first cache; else there is a block for each worker, of at least 4 KiB of every row: processors
// fetch rows ahead page by page, so that half of a page takes the time of all of it.
class ChannelBlocks {
 public:
  static constexpr Index wide = 128, page = 1024;

  static ChannelBlocks make(const Extent& n, Index workers, bool apart) {
    ChannelBlocks b;
    b.values_ = n.values, b.width_ = n.values;
    if (apart && n.values > wide) {
      const Index units = n.sequences * n.heads;
      b.width_ = n.keys > 1 ? wide : (std::min)((std::max)(round_up(divide_up(n.values * units, (std::max<Index>)(workers, 1)), wide), page), n.values);
    }
    b.per_unit_ = b.width_ > 0 ? divide_up(n.values, b.width_) : 1;
    return b;
  }
  Index per_unit() const { return per_unit_; }
  Index width() const { return width_; }                    // of the widest
  Index first(Index block) const { return block * width_; }
  Index width(Index block) const { return (std::min)(width_, values_ - first(block)); }

 private:
  Index values_ = 0, width_ = 0, per_unit_ = 1;
};

}  // namespace lcsm
