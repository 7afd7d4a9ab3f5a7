// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/maps.hpp>
#include <lcsm/stage/where.hpp>

#include <algorithm>
#include <cmath>

namespace lcsm::map {

// Maps of a whole row, with its position: an empty type with
//
//   static constexpr bool positional;                           whether the position matters (then the stage is not time-invariant)
//   template <class T> static void row(T* x, Index n, const Where&);
//   template <class T> static void row_vjp(const T* x, T* bar, Index n, const Where&);     for gradients
//   template <class T> static void row_vjp_sizes(...);                                     the same with every term replaced by its modulus, for error
//                                                                                          bounds, where its terms cancel
//
// Rows are mapped in place, in the type the kernel computes in; row_vjp turns the cotangent of the mapped row into that of the raw row x.

namespace detail {
// y = x / size, size^2 = |x|^2 or that plus a constant: bar <- (bar - y (y . bar)) / size.
template <class T, class Size> void off_direction(const T* x, T* bar, Index n, Size&& size_of) {
  double sum = 0, along = 0;
  for (Index a = 0; a < n; ++a) sum += double(x[a]) * double(x[a]), along += double(x[a]) * double(bar[a]);
  const double size = size_of(sum);
  for (Index a = 0; a < n; ++a) bar[a] = T((double(bar[a]) - double(x[a]) / size * (along / size)) / size);
}
template <class T> void off_direction_sizes(const T* x, T* bar, Index n, double least) {
  double sum = 0, along = 0;
  for (Index a = 0; a < n; ++a) sum += double(x[a]) * double(x[a]), along += std::abs(double(x[a])) * double(bar[a]);
  const double size = (std::max)(std::sqrt(sum), least);
  for (Index a = 0; a < n; ++a) bar[a] = T((double(bar[a]) + std::abs(double(x[a])) / size * (along / size)) / size);
}
}

struct RsqrtKeys {                                          // x / sqrt(K), the customary scale of the query
  static constexpr const char* name = "/ sqrt K";
  static constexpr bool positional = false;
  template <class T> static void row(T* x, Index n, const Where& w) {
    const T scale = T(1 / std::sqrt(double(w.keys)));
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) { simd::store(x + a, simd::load<V>(x + a) * V(scale)); });
  }
  template <class T> static void row_vjp(const T*, T* bar, Index n, const Where& w) { row(bar, n, w); }
};

struct L2Norm {                                             // x / sqrt(|x|^2 + 1e-6)
  static constexpr const char* name = "L2 norm";
  static constexpr bool positional = false;
  template <class T> static void row(T* x, Index n, const Where&) {
    double sum = 1e-6;
    for (Index a = 0; a < n; ++a) sum += double(x[a]) * double(x[a]);
    const T scale = T(1 / std::sqrt(sum));
    for (Index a = 0; a < n; ++a) x[a] *= scale;
  }
  template <class T> static void row_vjp(const T* x, T* bar, Index n, const Where&) { detail::off_direction(x, bar, n, [](double sum) { return std::sqrt(sum + 1e-6); }); }
  template <class T> static void row_vjp_sizes(const T* x, T* bar, Index n, const Where&) { detail::off_direction_sizes(x, bar, n, 1e-3); }
};

struct UnitNorm {                                           // x / max(|x|, 1e-12)
  static constexpr const char* name = "unit norm";
  static constexpr bool positional = false;
  template <class T> static void row(T* x, Index n, const Where&) {
    double sum = 0;
    for (Index a = 0; a < n; ++a) sum += double(x[a]) * double(x[a]);
    const double norm = std::sqrt(sum);
    for (Index a = 0; a < n; ++a) x[a] = T(double(x[a]) / (norm < 1e-12 ? 1e-12 : norm));   // NaN stays NaN
  }
  template <class T> static void row_vjp(const T* x, T* bar, Index n, const Where&) {
    double sum = 0;
    for (Index a = 0; a < n; ++a) sum += double(x[a]) * double(x[a]);
    if (std::sqrt(sum) < 1e-12) for (Index a = 0; a < n; ++a) bar[a] = T(double(bar[a]) / 1e-12);
    else detail::off_direction(x, bar, n, [](double square) { return std::sqrt(square); });
  }
  template <class T> static void row_vjp_sizes(const T* x, T* bar, Index n, const Where&) { detail::off_direction_sizes(x, bar, n, 1e-12); }
};

struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr bool positional = false;
  template <class T> static void row(T* x, Index n, const Where&) {
    T top = n > 0 ? x[0] : T(0), sum = T(0);
    for (Index a = 1; a < n; ++a) top = x[a] > top ? x[a] : top;
    for (Index a = 0; a < n; ++a) x[a] = math::exp(x[a] - top), sum += x[a];
    for (Index a = 0; a < n; ++a) x[a] /= sum;
  }
  template <class T> static void row_vjp(const T* x, T* bar, Index n, const Where&) { pull(x, bar, n, -1); }
  template <class T> static void row_vjp_sizes(const T* x, T* bar, Index n, const Where&) { pull(x, bar, n, 1); }

 private:
  template <class T> static void pull(const T* x, T* bar, Index n, double sign) {
    double top = n > 0 ? double(x[0]) : 0, sum = 0, mean = 0;
    for (Index a = 1; a < n; ++a) top = double(x[a]) > top ? double(x[a]) : top;
    for (Index a = 0; a < n; ++a) {
      const double e = math::exp(double(x[a]) - top);
      sum += e, mean += e * double(bar[a]);
    }
    for (Index a = 0; a < n; ++a) bar[a] = T(math::exp(double(x[a]) - top) / sum * (double(bar[a]) + sign * (mean / sum)));
  }
};

namespace detail {
// Angle of a rotation by position, reduced in double: right at any position.
template <class T> void rotate(T& even, T& odd, double angle) {
  const T c = T(std::cos(angle)), s = T(std::sin(angle)), x = even, y = odd;
  even = x * c - y * s, odd = y * c + x * s;
}
inline double pair_angle(Index a, Index n) { return std::pow(1e4, n > 2 ? -double(a) / double(n - 2) : 0.0); }
inline double half_angle(Index a, Index n) { return std::pow(1e4, -2 * double(a) / double(n)); }
template <class T> void rotate_pairs(T* x, Index n, double position) {
  for (Index a = 0; a + 1 < n; a += 2) rotate(x[a], x[a + 1], position * pair_angle(a, n));
}
template <class T> void rotate_halves(T* x, Index n, Index first, Index last, double position) {
  for (Index a = first; a < last; ++a) rotate(x[a], x[a + n / 2], position * half_angle(a, n));
}
}

struct RotaryPairs {                                        // pairs (2j, 2j+1), angles 10000^(-j / (K/2 - 1)): TorchScale's RetNet
  static constexpr const char* name = "rotary (pairs)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) { detail::rotate_pairs(x, n, double(w.position)); }
  template <class T> static void row_vjp(const T*, T* bar, Index n, const Where& w) { detail::rotate_pairs(bar, n, -double(w.position)); }
};

struct RotaryHalves {                                       // pairs (j, j + K/2), angles 10000^(-2j / K): flash-linear-attention's RetNet
  static constexpr const char* name = "rotary (halves)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) { detail::rotate_halves(x, n, 0, n / 2, double(w.position)); }
  template <class T> static void row_vjp(const T*, T* bar, Index n, const Where& w) { detail::rotate_halves(bar, n, 0, n / 2, -double(w.position)); }
};

// The same pairs and angles, the pairs of the higher frequencies j < K/4 alone, or of the lower ones: LRPE's half-rotate.
template <bool High> struct RotaryHalvesPart {
  static constexpr const char* name = High ? "rotary (halves, high)" : "rotary (halves, low)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) { turn(x, n, double(w.position)); }
  template <class T> static void row_vjp(const T*, T* bar, Index n, const Where& w) { turn(bar, n, -double(w.position)); }

 private:
  template <class T> static void turn(T* x, Index n, double position) { detail::rotate_halves(x, n, High ? 0 : n / 4, High ? n / 4 : n / 2, position); }
};

struct ResetAtStart {                                       // on a log plane: the first token of a sequence forgets what was before it
  static constexpr const char* name = "reset at start";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) {
    if (w.position == 0) for (Index a = 0; a < n; ++a) x[a] = -std::numeric_limits<T>::infinity();
  }
  template <class T> static void row_vjp(const T*, T* bar, Index n, const Where& w) {
    if (w.position == 0) std::fill_n(bar, n, T(0));
  }
};

template <class Map> concept RowMap = requires(double* x, Index n, const Where& w) { Map::template row<double>(x, n, w); };
template <class Map> inline constexpr bool is_map = RowMap<Map> || requires(double x) { Map::apply(x); };

template <class Map> constexpr bool positional() {
  if constexpr (requires { Map::positional; }) return Map::positional; else return false;
}
template <class Map> constexpr const char* name_of() {
  if constexpr (requires { Map::name; }) return Map::name; else return "map";
}

// Several maps, left to right.
template <class... Maps> struct Then {
  static constexpr const char* name = "composed";
  static constexpr bool positional = (map::positional<Maps>() || ...);
  template <class T> static void row(T* x, Index n, const Where& w);
};

// One row through a map of either kind.
template <class Map, class T> void apply_row(T* x, Index n, const Where& w) {
  if constexpr (RowMap<Map>) Map::row(x, n, w);
  else if constexpr (!std::is_same_v<Map, Identity>)
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) { simd::store(x + a, V(Map::apply(simd::load<V>(x + a)))); });
}
template <class... Maps> template <class T> void Then<Maps...>::row(T* x, Index n, const Where& w) { (apply_row<Maps>(x, n, w), ...); }

// Whether a map has gradients, and how many rows of scratch its vjp needs.
template <class Map> struct Slope {
  static constexpr bool known = requires(double* x, Index n, const Where& w) { Map::template row_vjp<double>(x, x, n, w); } || requires(double x) { Map::vjp(x, x); };
  static constexpr Index rows = RowMap<Map> ? 2 : 0;   // for sums of moduli
};
template <class... Maps> struct Slope<Then<Maps...>> {
  static constexpr bool known = (Slope<Maps>::known && ...);
  static constexpr Index rows = Index(sizeof...(Maps)) + (std::max)({Index(0), Slope<Maps>::rows...});
};

// The cotangent of a mapped row, in place, to that of the raw row x. With Absolute, of sums of moduli. scratch: Slope<Map>::rows rows of n numbers.
template <class Map, bool Absolute = false, class T> void pull_row(const T* x, T* bar, Index n, const Where& w, T* scratch);
template <bool Absolute, class T, class First, class... Rest> void pull_chain(std::type_identity<Then<First, Rest...>>, const T* x, T* bar, Index n, const Where& w, T* scratch) {
  if constexpr (sizeof...(Rest) == 0) pull_row<First, Absolute>(x, bar, n, w, scratch);
  else {                                                    // what the later maps see is mapped again
    std::copy_n(x, n, scratch), apply_row<First>(scratch, n, w);
    pull_row<Then<Rest...>, Absolute>(scratch, bar, n, w, scratch + n), pull_row<First, Absolute>(x, bar, n, w, scratch + n);
  }
}
// |J^T| bar, column by column.
template <class Map, class T> void pull_columns(const T* x, T* bar, Index n, const Where& w, T* scratch) {
  T *unit = scratch, *total = scratch + n;
  std::fill_n(total, n, T(0));
  for (Index b = 0; b < n; ++b) {
    std::fill_n(unit, n, T(0)), unit[b] = T(1);
    Map::row_vjp(x, unit, n, w);
    for (Index a = 0; a < n; ++a) total[a] += std::abs(unit[a]) * bar[b];
  }
  std::copy_n(total, n, bar);
}
template <class Map, bool Absolute, class T> void pull_row(const T* x, T* bar, Index n, const Where& w, T* scratch) {
  if constexpr (requires { Map::template row_vjp<T>(x, bar, n, w); }) {
    if constexpr (!Absolute) Map::row_vjp(x, bar, n, w);
    else if constexpr (requires { Map::template row_vjp_sizes<T>(x, bar, n, w); }) Map::row_vjp_sizes(x, bar, n, w);
    else pull_columns<Map>(x, bar, n, w, scratch);
  } else if constexpr (RowMap<Map>) pull_chain<Absolute>(std::type_identity<Map>{}, x, bar, n, w, scratch);
  else if constexpr (!std::is_same_v<Map, Identity>)
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) {
      const V raw = simd::load<V>(x + a), to = simd::load<V>(bar + a);
      simd::store(bar + a, Absolute ? V(simd::abs(V(Map::vjp(raw, constant<V>(1)))) * to) : V(Map::vjp(raw, to)));
    });
}

}  // namespace lcsm::map
