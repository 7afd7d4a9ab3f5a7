// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <algorithm>

namespace lcsm {

// The vocabulary of the algebra. Each stage of a mixer is a K x D coefficient
//
//     factor * exp(log + i phase)
//
// written as a product of terms. A term says which plane it feeds, over which axes it varies, and where its numbers come from. What a
// mixer can do (its structure, its domain, whether time shifts it) is computed from its terms and never declared.

enum class Plane { factor, log, phase, coupling };

// Ordered: what is made of several sources varies like the largest of them.
//   fixed    hand-crafted, no input          learned  a parameter, the same for every token
//   position a function of the position      data     of the token
enum class Source { fixed, learned, position, data };
constexpr bool time_invariant(Source source) noexcept { return source <= Source::learned; }

enum class Domain { real, complex };

// The structure of an oscillation, by the axes its terms vary over.
enum class Structure { identity, scalar, per_key, per_value, rank_one, elementwise };

// A set of axes; the axes of a product are the union of those of its terms.
enum class Axes : unsigned { none = 0, one = 1, key = 2, value = 4, matrix = 8 };
constexpr Axes operator|(Axes x, Axes y) noexcept { return Axes(unsigned(x) | unsigned(y)); }
constexpr bool within(Axes x, Axes set) noexcept { return (unsigned(x) & ~unsigned(set)) == 0; }
constexpr bool overlaps(Axes x, Axes y) noexcept { return (unsigned(x) & unsigned(y)) != 0; }

namespace axes {
inline constexpr Axes all = Axes::one | Axes::key | Axes::value | Axes::matrix;
inline constexpr Axes keyed = Axes::key | Axes::matrix;        // those that need a row per key
inline constexpr Axes valued = Axes::value | Axes::matrix;     // those that need a lane per value channel
inline constexpr Axes channel = Axes::one | Axes::value;       // those that are the same for every key
}

constexpr Structure structure_of(Axes x) noexcept {
  if (overlaps(x, Axes::matrix)) return Structure::elementwise;
  if (overlaps(x, Axes::key) && overlaps(x, Axes::value)) return Structure::rank_one;
  if (overlaps(x, Axes::key)) return Structure::per_key;
  if (overlaps(x, Axes::value)) return Structure::per_value;
  return overlaps(x, Axes::one) ? Structure::scalar : Structure::identity;
}

// The axes that a table holding the whole set needs.
constexpr Axes table_axes(Axes x) noexcept {
  switch (structure_of(x)) {
    case Structure::identity: return Axes::none;
    case Structure::scalar: return Axes::one;
    case Structure::per_key: return Axes::key;
    case Structure::per_value: return Axes::value;
    default: return Axes::matrix;
  }
}
constexpr Index rows_of(Axes x, Index keys) noexcept { return overlaps(x, axes::keyed) ? keys : 1; }
constexpr Index columns_of(Axes x, Index values) noexcept { return overlaps(x, axes::valued) ? values : 1; }

constexpr const char* name_of(Structure s) noexcept {
  constexpr const char* names[] = {"identity", "scalar", "per_key", "per_value", "rank_one", "elementwise"};
  return names[int(s)];
}
constexpr const char* name_of(Source s) noexcept {
  constexpr const char* names[] = {"fixed", "learned", "position", "data"};
  return names[int(s)];
}
constexpr const char* name_of(Plane p) noexcept {
  constexpr const char* names[] = {"factor", "log", "phase", "coupling"};
  return names[int(p)];
}
constexpr const char* name_of(Domain d) noexcept { return d == Domain::complex ? "complex" : "real"; }
constexpr const char* name_of(Axes x) noexcept {
  switch (x) {
    case Axes::none: return "none";
    case Axes::one: return "one";
    case Axes::key: return "key";
    case Axes::value: return "value";
    case Axes::matrix: return "matrix";
    default: return "several";
  }
}

}  // namespace lcsm
