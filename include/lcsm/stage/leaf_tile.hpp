// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/arena.hpp>
#include <lcsm/stage/leaf.hpp>
#include <lcsm/stage/pack.hpp>

namespace lcsm {

// In the place of a key: lanes are the keys from `first` on, and not value channels. For tiles whose rows over keys are stored.
struct KeyLanes { Index first; };

namespace stage {
// The number (or lanes) of a row that varies over X, at key a and value channel c; columns: value channels of a matrix.
template <Axes X, class V, class T> LCSM_INLINE V at(const T* row, [[maybe_unused]] Index columns, [[maybe_unused]] Index a, [[maybe_unused]] Index c) {
  if constexpr (X == Axes::one) return V(row[0]);
  else if constexpr (X == Axes::key) return V(row[a]);
  else if constexpr (X == Axes::value) return simd::load<V>(row + c);
  else return simd::load<V>(row + a * columns + c);
}
template <Axes X, class V, class T> LCSM_INLINE V at(const T* row, Index, [[maybe_unused]] KeyLanes a, Index) {
  static_assert(X == Axes::one || X == Axes::key, "lcsm: lanes of keys are lanes of a stage without value channels");
  if constexpr (X == Axes::one) return V(row[0]); else return simd::load<V>(row + a.first);
}
}

// The rows of one leaf for a chunk of tokens, ready to be read: in place where the caller's numbers can be used as they stand or mapped on load, else
// converted and mapped into scratch. What is the same for every token is filled once, in double, and rounded once.
template <class Leaf, class T, bool Multiplier = false> class LeafTile {
 public:
  static constexpr bool is_static = time_invariant(Leaf::source), on_load = is_mapped_on_load<Leaf, Multiplier>();
  static constexpr Axes axes = Leaf::axes;

  LeafTile(Arena& arena, const Extent& n, Index tokens) {
    columns_ = axes == Axes::one ? 1 : axes == Axes::key ? n.keys : n.values;
    width_ = axes == Axes::matrix ? n.keys * n.values : columns_;
    scratch_ = arena.take<T>(width_ * (is_static ? 1 : tokens));
    if constexpr (is_static && !std::is_same_v<T, double>) wide_ = arena.take<double>(width_);
  }

  template <class In> void begin(const In& in, const Run& run) {
    if constexpr (is_static) {
      if (in_place(in, run, 0)) return;
      if constexpr (std::is_same_v<T, double>) Leaf::template rows<T, Multiplier>(scratch_, width_, in, run, 0, 1);
      else {
        Leaf::template rows<double, Multiplier>(wide_, width_, in, run, 0, 1);
        for (Index a = 0; a < width_; ++a) scratch_[a] = T(wide_[a]);
      }
      use_scratch(0);
    }
  }
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    if constexpr (!is_static) {
      if (in_place(in, run, first)) return;
      if constexpr (on_load) Leaf::raw::template rows<T, false>(scratch_, width_, in, run, first, count);
      else Leaf::template rows<T, Multiplier>(scratch_, width_, in, run, first, count);
      use_scratch(width_);
    }
  }

  // The number (or lanes of numbers) of token j for key a and value channel c; along: the lanes from n on of its row, of that of key a if it has several.
  Index width() const noexcept { return width_; }
  template <class V, class A> LCSM_INLINE V load(Index j, A a, Index c) const { return mapped(stage::at<axes, V>(base_ + j * token_stride_, row_stride_, a, c)); }
  template <class V> LCSM_INLINE V along(Index j, Index n, Index a = 0) const { return mapped(simd::load<V>(base_ + j * token_stride_ + a * row_stride_ + n)); }

 private:
  template <class V> LCSM_INLINE static V mapped(V raw) {
    if constexpr (on_load) return stage::mapped<typename Leaf::mapping, Multiplier>(raw); else return raw;
  }
  void use_scratch(Index token_stride) { base_ = scratch_, token_stride_ = token_stride, row_stride_ = columns_; }
  template <class In> bool in_place(const In& in, const Run& run, Index first) {
    if constexpr (on_load || (!Multiplier && is_unmapped<Leaf>())) {
      const auto& v = Leaf::view(in);
      if constexpr (std::is_same_v<std::remove_const_t<typename std::remove_cvref_t<decltype(v)>::element>, T>) {
        if (v.stride[4] != 1 && columns_ > 1) return false;
        if constexpr (is_static) base_ = v.data + v.offset(0, 0, stage::group_of(v, run), 0, 0), token_stride_ = 0;
        else {
          if (run.time.table) return false;
          base_ = v.data + v.offset(run.batch, run.time.token(first), stage::group_of(v, run), 0, 0), token_stride_ = run.time.step * v.stride[1];
        }
        row_stride_ = v.stride[3];
        return true;
      }
    }
    return false;
  }

  const T* base_ = nullptr;
  Index token_stride_ = 0, row_stride_ = 0, columns_ = 0, width_ = 0;
  T* scratch_ = nullptr;
  double* wide_ = nullptr;
};

// A code stays a number per token; the row of K is never laid out.
template <class Name, class T, bool Multiplier> class LeafTile<OneHot<Name>, T, Multiplier> {
 public:
  LeafTile(Arena& arena, const Extent& n, Index tokens) : keys_(n.keys), code_(arena.take<Index>(tokens)) {}
  template <class In> void begin(const In&, const Run&) {}
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    for (Index j = 0; j < count; ++j) code_[j] = OneHot<Name>::code(in, run, first + j);
  }
  Index width() const noexcept { return keys_; }
  template <class V> LCSM_INLINE V load(Index j, Index a, Index) const {
    static_assert(!Multiplier, "lcsm::OneHot: a code is a factor");
    return map::constant<V>(a == code_[j] ? 1 : 0);
  }

 private:
  Index keys_;
  Index* code_;
};

// Several leaves: their rows, combined to one.
template <class Combine, class First, class... Rest, class T, bool Multiplier> class LeafTile<Joined<Combine, First, Rest...>, T, Multiplier> {
 public:
  using Leaf = Joined<Combine, First, Rest...>;
  static constexpr bool is_static = time_invariant(Leaf::source);
  static constexpr Axes axes = Leaf::axes;
  using Wide = std::conditional_t<is_static, double, T>;    // combined in double when it is done once

  LeafTile(Arena& arena, const Extent& n, Index tokens)
      : leaves_{{LeafTile<First, Wide>(arena, n, tokens)}, {LeafTile<Rest, Wide>(arena, n, tokens)}...},
        width_(axes == Axes::one ? 1 : axes == Axes::key ? n.keys : n.values),
        scratch_(arena.take<T>(width_ * (is_static ? 1 : tokens))) {}

  template <class In> void begin(const In& in, const Run& run) {
    leaves_.apply([&](auto&... leaf) { (leaf.begin(in, run), ...); });
    if constexpr (is_static) combine(1);
  }
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    if constexpr (!is_static) leaves_.apply([&](auto&... leaf) { (leaf.fill(in, run, first, count), ...); }), combine(count);
  }

  Index width() const noexcept { return width_; }
  template <class V, class A> LCSM_INLINE V load(Index j, A a, Index c) const { return stage::at<axes, V>(row(j), 0, a, c); }
  template <class V> LCSM_INLINE V along(Index j, Index n) const { return simd::load<V>(row(j) + n); }
  const auto& first() const { return stage::get<0>(leaves_); }
  template <std::size_t N> const auto& leaf() const { return stage::get<N>(leaves_); }
  // Along the stored row, whichever axis that is.
  template <class V, class Tile> static V load_row(const Tile& leaf, Index j, Index n) {
    if constexpr (Tile::axes == Axes::one) return V(leaf.template along<simd::scalar_t<V>>(j, 0)); else return leaf.template along<V>(j, n);
  }

 private:
  const T* row(Index j) const noexcept { return scratch_ + (is_static ? 0 : j * width_); }
  template <class V> auto at(Index j, Index n) const {
    return leaves_.apply([&](const auto&... leaf) {
      if constexpr (Multiplier) return combine::multiplier<Combine>(load_row<V>(leaf, j, n)...);
      else return Combine::apply(load_row<V>(leaf, j, n)...);
    });
  }
  void combine(Index count) {
    for (Index j = 0; j < count; ++j) {
      T* x = scratch_ + j * width_;
      if constexpr (std::is_same_v<Wide, T>) for_lanes<T>(width_, [&]<class V>(std::type_identity<V>, Index n) { simd::store(x + n, V(at<V>(j, n))); });
      else for (Index n = 0; n < width_; ++n) x[n] = T(at<double>(j, n));
    }
  }
  stage::Pack<LeafTile<First, Wide>, LeafTile<Rest, Wide>...> leaves_;
  Index width_;
  T* scratch_;
};

}  // namespace lcsm
