// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/maps.hpp>
#include <lcsm/stage/where.hpp>

#include <cmath>

namespace lcsm::map {

// Maps of a whole row, with its position: an empty type with
//
//   static constexpr bool positional;                           whether the position matters (then the stage is not time-invariant)
//   template <class T> static void row(T* x, Index n, const Where&);
//
// Rows are mapped in place, in the type the kernel computes in.

struct RsqrtKeys {                                          // x / sqrt(K), the customary scale of the query
  static constexpr const char* name = "/ sqrt K";
  static constexpr bool positional = false;
  template <class T> static void row(T* x, Index n, const Where& w) {
    const T scale = T(1 / std::sqrt(double(w.keys)));
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) { simd::store(x + a, simd::load<V>(x + a) * V(scale)); });
  }
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
};

namespace detail {
// Angle of a rotation by position, reduced in double: right at any position.
template <class T> void rotate(T& even, T& odd, double angle) {
  const T c = T(std::cos(angle)), s = T(std::sin(angle)), x = even, y = odd;
  even = x * c - y * s, odd = y * c + x * s;
}
}

struct RotaryPairs {                                        // pairs (2j, 2j+1), angles 10000^(-j / (K/2 - 1)): TorchScale's RetNet
  static constexpr const char* name = "rotary (pairs)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) {
    for (Index a = 0; a + 1 < n; a += 2) {
      detail::rotate(x[a], x[a + 1], double(w.position) * std::pow(1e4, n > 2 ? -double(a) / double(n - 2) : 0.0));
    }
  }
};

struct RotaryHalves {                                       // pairs (j, j + K/2), angles 10000^(-2j / K): flash-linear-attention's RetNet
  static constexpr const char* name = "rotary (halves)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) {
    for (Index a = 0; a < n / 2; ++a) detail::rotate(x[a], x[a + n / 2], double(w.position) * std::pow(1e4, -2 * double(a) / double(n)));
  }
};

// The same pairs and angles, the pairs of the higher frequencies j < K/4 alone, or of the lower ones: LRPE's half-rotate.
template <bool High> struct RotaryHalvesPart {
  static constexpr const char* name = High ? "rotary (halves, high)" : "rotary (halves, low)";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) {
    for (Index a = High ? 0 : n / 4; a < (High ? n / 4 : n / 2); ++a)
      detail::rotate(x[a], x[a + n / 2], double(w.position) * std::pow(1e4, -2 * double(a) / double(n)));
  }
};

struct ResetAtStart {                                       // on a log plane: the first token of a sequence forgets what was before it
  static constexpr const char* name = "reset at start";
  static constexpr bool positional = true;
  template <class T> static void row(T* x, Index n, const Where& w) {
    if (w.position == 0) for (Index a = 0; a < n; ++a) x[a] = -std::numeric_limits<T>::infinity();
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

}  // namespace lcsm::map
