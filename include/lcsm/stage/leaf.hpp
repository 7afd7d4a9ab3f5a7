// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/axes.hpp>
#include <lcsm/stage/combine.hpp>
#include <lcsm/stage/names.hpp>
#include <lcsm/stage/row_maps.hpp>
#include <lcsm/tensor/half.hpp>
#include <lcsm/tensor/view.hpp>

namespace lcsm {

// A leaf fills rows: `rows<T, Multiplier>(out, stride, in, run, first, count)` writes the rows of `count` tokens, mapped, `stride` apart.
// With Multiplier the row of a gate comes as exp(log). What a leaf reads and where it varies are constants of its type.

namespace stage {
template <class T, class S> LCSM_INLINE T convert(S x) { return static_cast<T>(static_cast<storage_compute_t<S>>(x)); }

template <class Map, bool Multiplier, class V> LCSM_INLINE V mapped(V raw) {
  if constexpr (Multiplier) return V(stage::multiplier<Map>(raw));
  else if constexpr (std::is_same_v<Map, map::Identity>) return raw;
  else return V(Map::apply(raw));
}
template <class Map, bool Multiplier, class T> void map_row(T* x, Index n, const Where& w) {
  if constexpr (!Multiplier) map::apply_row<Map>(x, n, w);
  else if constexpr (map::RowMap<Map>) map::apply_row<Map>(x, n, w), map::apply_row<map::Exp>(x, n, w);
  else for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) { simd::store(x + a, mapped<Map, Multiplier>(simd::load<V>(x + a))); });
}
// The same from numbers that lie side by side elsewhere, in any storage type.
template <class Map, bool Multiplier, class S, class T> void map_row_from(const S* from, T* x, Index n, const Where& w) {
  if constexpr (std::is_same_v<S, T> && !map::RowMap<Map>)
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) { simd::store(x + a, mapped<Map, Multiplier>(simd::load<V>(from + a))); });
  else {
    for (Index a = 0; a < n; ++a) x[a] = convert<T>(from[a]);
    if constexpr (Multiplier || !std::is_same_v<Map, map::Identity>) map_row<Map, Multiplier>(x, n, w);
  }
}
// Numbers of one token each lie side by side, so a scalar gate is mapped over tokens.
template <class Map, bool Multiplier, class T> void map_rows(T* out, Index stride, Index n, const Run& run, Index first, Index count) {
  if constexpr (!map::RowMap<Map>) {
    if (n == 1 && stride == 1) return map_row<Map, Multiplier>(out, count, where(run, first));
  }
  for (Index j = 0; j < count; ++j) map_row<Map, Multiplier>(out + j * stride, n, where(run, first + j));
}

// Head of a view that serves a group of heads.
template <class T> Index group_of(const View<T>& view, const Run& run) { return view.head() > 0 ? run.head / (run.extent.heads / view.head()) : 0; }
}

// A member of the caller's aggregate. On the axes one, key and value the numbers lie along the view's feature axis; on the matrix axis keys
// are rows and value channels are features.
template <class Name, Axes X, Source S, class Map = map::Identity> struct Named {
  static_assert(X == Axes::one || X == Axes::key || X == Axes::value || X == Axes::matrix, "lcsm: a leaf varies over one of one, key, value, matrix");
  static constexpr bool map_applies = map::is_map<Map>;
  static_assert(map_applies, "lcsm::Data: the map of a leaf has no apply: give it `template <class V> static V apply(V raw)`, for a gate the log of the multiplier");
  static constexpr Axes axes = X;
  static constexpr Source source = map::positional<Map>() ? (std::max)(S, Source::position) : S;
  static constexpr const char* name = Name::name;
  static constexpr bool streams = S == Source::data;         // a row per token; else a parameter
  static constexpr bool identity = std::is_same_v<Map, map::Identity>;
  using raw = Named<Name, X, S>;
  using mapping = Map;
  template <class In> static constexpr bool bound = Name::template present<const In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { visitor.template operator()<Named>(); }

  template <class In> static const auto& view(const In& in) { return Name::of(in); }

  template <class T, bool Multiplier, class In>
  static void rows(T* out, Index stride, const In& in, const Run& run, Index first, Index count) {
    const auto& v = view(in);
    const Index rows = X == Axes::matrix ? run.extent.keys : 1, columns = X == Axes::one ? 1 : X == Axes::key ? run.extent.keys : run.extent.values;
    const Index head = stage::group_of(v, run);
    const auto row_of = [&](Index j) { return v.data + (streams ? v.offset(run.batch, run.time.token(first + j), head, 0, 0) : v.offset(0, 0, head, 0, 0)); };
    if (X != Axes::one && rows == 1 && v.stride[4] == 1) {
      for (Index j = 0; j < count; ++j) stage::map_row_from<Map, Multiplier>(row_of(j), out + j * stride, columns, where(run, first + j));
      return;
    }
    for (Index j = 0; j < count; ++j) {
      const auto* from = row_of(j);
      for (Index a = 0; a < rows; ++a)
        for (Index c = 0; c < columns; ++c) out[j * stride + a * columns + c] = stage::convert<T>(from[a * v.stride[3] + c * v.stride[4]]);
    }
    if constexpr (!identity || Multiplier) stage::map_rows<Map, Multiplier>(out, stride, rows * columns, run, first, count);
  }
};
// Whether a leaf is the caller's numbers as they stand.
template <class Leaf> constexpr bool is_unmapped() {
  if constexpr (requires { Leaf::identity; }) return Leaf::identity; else return false;
}
// Whether it is those numbers through a light map of lanes, done where they are read: a number per key would be mapped again for every channel.
template <class Leaf, bool Multiplier> constexpr bool is_mapped_on_load() {
  if constexpr (requires { typename Leaf::mapping; }) {
    if constexpr (!overlaps(Leaf::axes, axes::valued) || time_invariant(Leaf::source)) return false;
    else if constexpr (Multiplier) return requires { requires Leaf::mapping::light_multiplier; };
    else return requires { requires Leaf::mapping::light; };
  } else return false;
}
template <class Name, Axes X = Axes::key, class Map = map::Identity> using Data = Named<Name, X, Source::data, Map>;
template <class Name, Axes X = Axes::key, class Map = map::Identity> using Learned = Named<Name, X, Source::learned, Map>;

// Hand-crafted: Rule::at(where, a), in double. A rule that reads the position says `static constexpr bool positional = true`.
template <class Rule, Axes X = Axes::one> struct Fixed {
  static constexpr Axes axes = X;
  static constexpr Source source = map::positional<Rule>() ? Source::position : Source::fixed;
  static constexpr const char* name = Rule::name;
  template <class In> static constexpr bool bound = true;
  template <class Visit> static constexpr void visit(Visit&&) {}

  template <class T, bool Multiplier, class In>
  static void rows(T* out, Index stride, const In&, const Run& run, Index first, Index count) {
    const Index n = overlaps(X, axes::keyed) ? run.extent.keys : overlaps(X, axes::valued) ? run.extent.values : 1;
    static_assert(X != Axes::matrix, "lcsm::Fixed: a rule gives one number per key, per value channel or per head");
    for (Index j = 0; j < count; ++j)
      for (Index a = 0; a < n; ++a) {
        const double x = Rule::at(where(run, first + j), a);
        out[j * stride + a] = T(Multiplier ? std::exp(x) : x);
      }
  }
};

// Several leaves of at most one axis beside `one`, combined to one stored row.
template <class Combine, class First, class... Rest> struct Joined {
  static constexpr Axes axes = table_axes((First::axes | ... | Rest::axes));
  static_assert(axes != Axes::matrix, "lcsm::Joined: leaves of the key and the value axis give a K x D table: put them into one Term instead");
  static constexpr Source source = (std::max)({First::source, Rest::source...});
  static constexpr const char* name = First::name;
  template <class In> static constexpr bool bound = (First::template bound<In> && ... && Rest::template bound<In>);
  template <class Visit> static constexpr void visit(Visit&& visitor) { First::visit(visitor), (Rest::visit(visitor), ...); }
};

// The code of a token: a one-hot row over the keys. The aggregate also says how many `codes` there are.
template <class Name> struct OneHot {
  static constexpr bool is_code = true, streams = true;
  static constexpr Axes axes = Axes::key;
  static constexpr Source source = Source::data;
  static constexpr const char* name = Name::name;
  template <class In> static constexpr bool bound = Name::template present<const In> && requires(const In& in) { in.codes; };
  template <class Visit> static constexpr void visit(Visit&& visitor) { visitor.template operator()<OneHot>(); }
  template <class In> static const auto& view(const In& in) { return Name::of(in); }

  template <class In> static Index code(const In& in, const Run& run, Index j) {
    const auto& v = view(in);
    return Index(v.at(run.batch, run.time.token(j), stage::group_of(v, run), 0, 0));
  }
  template <class T, bool Multiplier, class In>
  static void rows(T* out, Index stride, const In& in, const Run& run, Index first, Index count) {
    for (Index j = 0; j < count; ++j) {
      std::fill_n(out + j * stride, run.extent.keys, T(0));
      out[j * stride + code(in, run, first + j)] = T(1);
    }
  }
};

// query . codebook[a] for every code a: the codebook [H, K, width] is a parameter, the query [B, T, H, width] a stream. Centred: a token's multipliers
// are divided by the largest of those codes that the memory holds, which a Quotient without a guard does not see: nothing overflows, and no code that
// nobody took pushes the others under. Multipliers of codes that it does not hold are kept finite: they meet zeros, and only gradients of an initial
// state see them.
template <class Query, class Book, bool Centred = false> struct Logits {
  static constexpr bool streams = true;
  static constexpr Axes axes = Axes::key;
  static constexpr Source source = Source::data;
  static constexpr const char* name = Query::name;
  static constexpr const char* book_name = Book::name;
  template <class In> static constexpr bool bound = Query::template present<const In> && Book::template present<const In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { visitor.template operator()<Logits>(); }
  template <class In> static const auto& view(const In& in) { return Query::of(in); }
  template <class In> static const auto& book(const In& in) { return Book::of(in); }

  template <class T, bool Multiplier, class In>
  static void rows(T* out, Index stride, const In& in, const Run& run, Index first, Index count) {
    const auto& q = view(in);
    const auto& c = book(in);
    const Index qh = stage::group_of(q, run), ch = stage::group_of(c, run);
    for (Index j = 0; j < count; ++j)
      for (Index a = 0; a < run.extent.keys; ++a) {
        T sum(0);
        for (Index r = 0; r < q.feature(); ++r)
          sum = simd::fma(stage::convert<T>(q.at(run.batch, run.time.token(first + j), qh, 0, r)), stage::convert<T>(c.at(0, 0, ch, a, r)), sum);
        out[j * stride + a] = Multiplier && !Centred ? math::exp(sum) : sum;
      }
    if constexpr (Multiplier && Centred)
      for (Index j = 0; j < count; ++j) centre(out + j * stride, run, run.time.position + first + j);
  }

 private:
  template <class T> static void centre(T* x, const Run& run, Index position) {
    constexpr T most = sizeof(T) > 4 ? T(600) : T(80);
    T top = -std::numeric_limits<T>::infinity();
    for (Index a = 0; a < run.extent.keys; ++a)
      if ((!run.held_from || run.held_from[a] <= position) && x[a] > top) top = x[a];
    if (top == -std::numeric_limits<T>::infinity()) top = T(0);
    for (Index a = 0; a < run.extent.keys; ++a) {
      const T from_top = x[a] - top;
      x[a] = from_top > most ? most : from_top;             // NaN stays one
    }
    map::apply_row<map::Exp>(x, run.extent.keys, Where{});
  }
};

}  // namespace lcsm
