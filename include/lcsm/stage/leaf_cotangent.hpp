// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/leaf_tile.hpp>

#include <array>

namespace lcsm {

// The dual of leaf_tile.hpp. A kernel adds up the cotangents of a leaf's numbers, in rows like those of its tile; they go back through the map and
// through the strides of the caller's gradient, where whatever a view repeats is summed. `to` knows the gradients: to.of<Name>() is the slot of a member,
// false where none is wanted (call/gradients.hpp).
//
//   begin()  once per head                      add             of the mapped number (a log, an angle, a factor)
//   start()  before the tokens of a chunk       add_multiplier  of exp(mapped), where the tile gives that
//   flush()  after them                         add_row         of number n of the stored row
//   end()    once per head
//
// What is the same for every token is summed over all of them, in double. With Absolute every derivative is replaced by its modulus, so that what
// arrives is the sum of the absolute values of the terms: the stuff of error bounds.

namespace stage {
template <bool Absolute, class V, class F> LCSM_INLINE V pull(V bar, F&& linear) {
  if constexpr (Absolute) return simd::abs(V(linear(map::constant<V>(1)))) * bar; else return linear(bar);
}
template <class Sum, class V> LCSM_INLINE void add_lanes(Sum* to, V bar) {
  if constexpr (std::is_same_v<Sum, simd::scalar_t<V>>) simd::store(to, simd::load<V>(to) + bar);
  else {
    simd::scalar_t<V> lanes[simd::width<V>];
    simd::store(lanes, bar);
    for (Index n = 0; n < simd::width<V>; ++n) to[n] += Sum(lanes[n]);
  }
}
template <Axes X, class Sum, class V> LCSM_INLINE void add_to(Sum* row, [[maybe_unused]] Index columns, [[maybe_unused]] Index a, [[maybe_unused]] Index c, V bar) {
  if constexpr (X == Axes::value) add_lanes(row + c, bar);
  else if constexpr (X == Axes::matrix) add_lanes(row + a * columns + c, bar);
  else row[X == Axes::key ? a : 0] += Sum(simd::sum(bar));
}
}  // namespace stage

// Leaves that nothing differentiates by: rules and codes.
template <class Leaf, class T, bool Multiplier, bool Absolute> class LeafCotangent {
 public:
  LeafCotangent(Arena&, const Extent&, Index) {}
  void begin() {}
  void start(Index) {}
  template <class V> LCSM_INLINE void add(Index, Index, Index, V) {}
  template <class V> LCSM_INLINE void add_multiplier(Index, Index, Index, V) {}
  template <class V> LCSM_INLINE void add_row(Index, Index, V) {}
  template <class Tile, class In, class To> void flush(const Tile&, const In&, To&, const Run&, Index, Index) {}
  template <class Tile, class In, class To> void end(const Tile&, const In&, To&, const Run&) {}
};

// The rows of sums, which all other leaves have.
template <class Leaf, class T, bool Multiplier> class LeafSums {
 public:
  static constexpr bool is_static = time_invariant(Leaf::source);
  static constexpr Axes axes = Leaf::axes;
  using Sum = std::conditional_t<is_static, double, T>;

  LeafSums(Arena& arena, const Extent& n, Index tokens)
      : columns_(axes == Axes::one ? 1 : axes == Axes::key ? n.keys : n.values), width_(axes == Axes::matrix ? n.keys * n.values : columns_), rows_(is_static ? 1 : tokens),
        bar_(arena.take<Sum>(width_ * rows_)), multiplier_bar_(arena.take<Sum>(Multiplier ? width_ * rows_ : 0)) {}
  void begin() { if constexpr (is_static) clear(1); }
  void start(Index count) { if constexpr (!is_static) clear(count); }
  template <class V> LCSM_INLINE void add(Index j, Index a, Index c, V bar) { stage::add_to<axes>(row(bar_, j), columns_, a, c, bar); }
  template <class V> LCSM_INLINE void add_multiplier(Index j, Index a, Index c, V bar) { stage::add_to<axes>(row(multiplier_bar_, j), columns_, a, c, bar); }
  template <class V> LCSM_INLINE void add_row(Index j, Index n, V bar) {
    if constexpr (axes == Axes::one) row(bar_, j)[0] += Sum(simd::sum(bar)); else stage::add_lanes(row(bar_, j) + n, bar);
  }

 protected:
  Sum* row(Sum* rows, Index j) const { return rows + (is_static ? 0 : j * width_); }
  void clear(Index count) {
    std::fill_n(bar_, width_ * count, Sum(0));
    if constexpr (Multiplier) std::fill_n(multiplier_bar_, width_ * count, Sum(0));
  }
  Index columns_, width_, rows_;
  Sum *bar_, *multiplier_bar_;
};

template <class Name, Axes X, Source S, class Map, class T, bool Multiplier, bool Absolute>
class LeafCotangent<Named<Name, X, S, Map>, T, Multiplier, Absolute> : public LeafSums<Named<Name, X, S, Map>, T, Multiplier> {
  using Leaf = Named<Name, X, S, Map>;
  using Base = LeafSums<Leaf, T, Multiplier>;
  using Sum = typename Base::Sum;

 public:
  LeafCotangent(Arena& arena, const Extent& n, Index tokens)
      : Base(arena, n, tokens), raw_(arena.take<Sum>(this->width_)), mapped_(arena.take<Sum>(Multiplier && map::RowMap<Map> ? this->width_ : 0)), scratch_(arena.take<Sum>(this->width_ * map::Slope<Map>::rows)) {}
  template <class Tile, class In, class To> void flush(const Tile&, const In& in, To& to, const Run& run, Index first, Index count) {
    if constexpr (!Base::is_static)
      for (Index j = 0; j < count; ++j) pull(in, to, run, j, first + j);
  }
  template <class Tile, class In, class To> void end(const Tile&, const In& in, To& to, const Run& run) {
    if constexpr (Base::is_static) pull(in, to, run, 0, 0);
  }

 private:
  template <class In, class To> void pull(const In& in, To& to, const Run& run, Index j, Index at) {
    const auto out = to.template of<Name>();
    if (!out) return;
    const Index n = this->width_;
    const Where w = where(run, at);
    Sum *bar = this->row(this->bar_, j), *multiplier_bar = this->row(this->multiplier_bar_, j);
    if constexpr (!Leaf::identity || Multiplier) {
      Named<Name, X, S>::template rows<Sum, false>(raw_, n, in, run, at, 1);
      if constexpr (map::RowMap<Map>) {
        if constexpr (Multiplier) {
          Leaf::template rows<Sum, false>(mapped_, n, in, run, at, 1);
          for (Index a = 0; a < n; ++a) bar[a] += multiplier_bar[a] * math::exp(mapped_[a]);
        }
        map::pull_row<Map, Absolute>(raw_, bar, n, w, scratch_);
      } else {
        for_lanes<Sum>(n, [&]<class V>(std::type_identity<V>, Index a) {
          const V x = simd::load<V>(raw_ + a);
          V sum = stage::pull<Absolute>(simd::load<V>(bar + a), [&](V y) { return Map::vjp(x, y); });
          if constexpr (Multiplier) sum = sum + stage::pull<Absolute>(simd::load<V>(multiplier_bar + a), [&](V y) { return stage::multiplier_vjp<Map>(x, y); });
          simd::store(bar + a, sum);
        });
      }
    }
    const Index t = Leaf::streams ? run.time.token(at) : 0;
    out.add(Leaf::streams ? run.batch : 0, t, out.head(run), X == Axes::matrix ? run.extent.keys : 1, this->columns_, bar);
  }
  Sum *raw_, *mapped_, *scratch_;
};

// Several leaves: from the combined row to those of each.
template <class Combine, class First, class... Rest, class T, bool Multiplier, bool Absolute>
class LeafCotangent<Joined<Combine, First, Rest...>, T, Multiplier, Absolute> : public LeafSums<Joined<Combine, First, Rest...>, T, Multiplier> {
  using Base = LeafSums<Joined<Combine, First, Rest...>, T, Multiplier>;
  using Sum = typename Base::Sum;
  using Each = std::index_sequence_for<First, Rest...>;

 public:
  LeafCotangent(Arena& arena, const Extent& n, Index tokens)
      : Base(arena, n, tokens), leaves_{{LeafCotangent<First, Sum, false, Absolute>(arena, n, tokens)}, {LeafCotangent<Rest, Sum, false, Absolute>(arena, n, tokens)}...} {}
  void begin() { Base::begin(), each([](auto& leaf) { leaf.begin(); }); }
  void start(Index count) { Base::start(count), each([&](auto& leaf) { leaf.start(count); }); }
  auto& first() { return stage::get<0>(leaves_); }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) {
    if constexpr (!Base::is_static) {
      for (Index j = 0; j < count; ++j) pull(tile, j, Each{});
      flush_leaves(tile, in, to, run, first, count, Each{});
    }
  }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) {
    if constexpr (Base::is_static) pull(tile, 0, Each{});
    end_leaves(tile, in, to, run, Each{});
  }

 private:
  template <class F> void each(F&& f) { leaves_.apply([&](auto&... leaf) { (f(leaf), ...); }); }
  template <class Tile, std::size_t... N> void pull(const Tile& tile, Index j, std::index_sequence<N...>) {
    const Sum *bar = this->row(this->bar_, j), *multiplier_bar = this->row(this->multiplier_bar_, j);
    for_lanes<Sum>(this->width_, [&]<class V>(std::type_identity<V>, Index n) {
      const auto pass = [&](const Sum* from, auto&& vjp) {
        const V x = simd::load<V>(from + n);
        const auto bars = vjp(Absolute ? map::constant<V>(1) : x, Tile::template load_row<V>(tile.template leaf<N>(), j, n)...);
        (stage::get<N>(leaves_).add_row(j, n, Absolute ? V(simd::abs(V(bars[N])) * x) : V(bars[N])), ...);
      };
      pass(bar, [](auto... x) { return Combine::vjp(x...); });
      if constexpr (Multiplier) pass(multiplier_bar, [](auto... x) { return combine::multiplier_vjp<Combine>(x...); });
    });
  }
  template <class Tile, class In, class To, std::size_t... N> void flush_leaves(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count, std::index_sequence<N...>) {
    (stage::get<N>(leaves_).flush(tile.template leaf<N>(), in, to, run, first, count), ...);
  }
  template <class Tile, class In, class To, std::size_t... N> void end_leaves(const Tile& tile, const In& in, To& to, const Run& run, std::index_sequence<N...>) {
    (stage::get<N>(leaves_).end(tile.template leaf<N>(), in, to, run), ...);
  }
  stage::Pack<LeafCotangent<First, Sum, false, Absolute>, LeafCotangent<Rest, Sum, false, Absolute>...> leaves_;
};

// query . codebook[a]: to the query and to the codebook.
template <class Query, class Book, bool Centred, class T, bool Multiplier, bool Absolute>
class LeafCotangent<Logits<Query, Book, Centred>, T, Multiplier, Absolute> : public LeafSums<Logits<Query, Book, Centred>, T, Multiplier> {
  using Leaf = Logits<Query, Book, Centred>;
  using Base = LeafSums<Leaf, T, Multiplier>;

 public:
  LeafCotangent(Arena& arena, const Extent& n, Index tokens) : Base(arena, n, tokens), logits_(arena.take<T>(Multiplier ? n.keys : 0)) {}
  template <class Tile, class In, class To> void flush(const Tile&, const In& in, To& to, const Run& run, Index first, Index count) {
    const auto &q = Leaf::view(in), &book = Leaf::book(in);
    const Index q_head = stage::group_of(q, run), book_head = stage::group_of(book, run), width = q.feature();
    const auto q_out = to.template of<Query>();
    const auto book_out = to.template of<Book>();
    const auto size = [](double x) { return Absolute ? std::abs(x) : x; };
    for (Index j = 0; j < count; ++j) {
      const Index t = run.time.token(first + j);
      T* bar = this->row(this->bar_, j);
      if constexpr (Multiplier) {
        Leaf::template rows<T, true>(logits_, this->width_, in, run, first + j, 1);
        for (Index a = 0; a < this->width_; ++a) bar[a] += this->row(this->multiplier_bar_, j)[a] * logits_[a];
      }
      for (Index r = 0; r < width; ++r) {
        double sum = 0;
        const double x = size(double(stage::convert<T>(q.at(run.batch, t, q_head, 0, r))));
        for (Index a = 0; a < this->width_; ++a) sum += double(bar[a]) * size(double(stage::convert<T>(book.at(0, 0, book_head, a, r))));
        if (q_out) q_out.add_one(run.batch, t, q_out.head(run), 0, r, sum);
        for (Index a = 0; book_out && a < this->width_; ++a) book_out.add_one(0, 0, book_out.head(run), a, r, double(bar[a]) * x);
      }
    }
  }
  template <class Tile, class In, class To> void end(const Tile&, const In&, To&, const Run&) {}

 private:
  T* logits_;
};

}  // namespace lcsm
