// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/stage.hpp>

namespace lcsm {

// What a mixer may have beside its three stages, at most one of a kind, in any order; the defaults make the plain mixer.
namespace kind { struct input; struct readout; struct normaliser; struct stabiliser; struct projection; struct skip; }

// Input: the leaf that is written, real or complex.
template <class Leaf, class Imag = void> struct Input {
  using kind = kind::input;
  using leaf = Leaf;
  using imag = std::conditional_t<std::is_void_v<Imag>, Leaf, Imag>;
  static constexpr Domain domain = std::is_void_v<Imag> ? Domain::real : Domain::complex;
  static constexpr Source source = (std::max)(leaf::source, imag::source);
  static_assert(within(leaf::axes, Axes::value) || leaf::axes == Axes::one, "lcsm::Input: the input varies over the value axis");
};

// Readout: which memory a token reads. Post: with its own write. Previous: before the decay and the write. Bonus: Previous plus its own
// write, weighted (RWKV).
struct Post { using kind = kind::readout; static constexpr bool previous = false, bonus = false; using weight = Stage<>; };
struct Previous { using kind = kind::readout; static constexpr bool previous = true, bonus = false; using weight = Stage<>; };
template <class... Terms> struct Bonus { using kind = kind::readout; static constexpr bool previous = true, bonus = true; using weight = Stage<Terms...>; };

// Normaliser. Quotient: y = numerator / guard(denominator), the denominator being the same recurrence with i = 1. Mean: every memory entry
// over its own total log weight, which is cumulative softmax; the memory then holds means and the logs of their weights.
struct Unnormalised { using kind = kind::normaliser; static constexpr bool quotient = false, mean = false; };
struct Mean { using kind = kind::normaliser; static constexpr bool quotient = false, mean = true; };
template <class Guard> struct Quotient { using kind = kind::normaliser; static constexpr bool quotient = true, mean = false; using guard = Guard; };

// Guards of a denominator d; p is the log scale of the memory (0 without a stabiliser). N is a power of ten. For gradients: `slopes`, by d and by p.
namespace guard {
template <class V> struct Slopes { V d, p; };
constexpr double ten_to(int n) { double x = 1; for (int j = 0; j < -n; ++j) x /= 10; return x; }
struct None {
  template <class V> LCSM_INLINE static V apply(V d, V) { return d; }
  template <class V> LCSM_INLINE static Slopes<V> slopes(V, V) { return {map::constant<V>(1), map::constant<V>(0)}; }
};
template <int N> struct Add {
  template <class V> LCSM_INLINE static V apply(V d, V) { return d + map::constant<V>(ten_to(N)); }
  template <class V> LCSM_INLINE static Slopes<V> slopes(V, V) { return {map::constant<V>(1), map::constant<V>(0)}; }
};
template <int N> struct Floor {
  template <class V> LCSM_INLINE static V apply(V d, V) { const V low = map::constant<V>(ten_to(N)); return simd::select(d < low, low, d); }
  template <class V> LCSM_INLINE static Slopes<V> slopes(V d, V) {
    const V zero = map::constant<V>(0);
    return {simd::select(d < map::constant<V>(ten_to(N)), zero, map::constant<V>(1)), zero};
  }
};
template <int N> struct AtLeastOne {                        // mLSTM: max(|d|, exp(-p)) + eps; the exponent is capped, so nothing overflows
  template <class V> LCSM_INLINE static V apply(V d, V p) {
    const V size = simd::abs(d), low = least(p);
    return simd::select(size < low, low, size) + map::constant<V>(ten_to(N));
  }
  template <class V> LCSM_INLINE static Slopes<V> slopes(V d, V p) {
    const V size = simd::abs(d), low = least(p), zero = map::constant<V>(0), one = map::constant<V>(1);
    return {simd::select(size < low, zero, simd::select(d < zero, simd::minus(one), one)), simd::select(size < low, simd::select(simd::minus(p) > map::constant<V>(cap), zero, simd::minus(low)), zero)};
  }

 private:
  static constexpr double cap = 80;
  template <class V> LCSM_INLINE static V least(V p) { return math::exp(simd::select(simd::minus(p) > map::constant<V>(cap), map::constant<V>(cap), simd::minus(p))); }
};
}

// Stabiliser. RunningMax: the memory is stored as exp(-p) m, where p follows the exponential weights. Exact, except where a guard sees p.
struct FromZero { static constexpr double value = 0; };
struct FromNothing { static constexpr double value = -1e38; };
struct Unscaled { using kind = kind::stabiliser; static constexpr bool scaled = false; static constexpr double start = 0; };
template <class Start = FromNothing> struct RunningMax { using kind = kind::stabiliser; static constexpr bool scaled = true; static constexpr double start = Start::value; };

// Projection of a complex memory's read onto the output: Re, 2 Re (one of each conjugate pair is stored), or both parts, [Re | Im].
namespace project {
struct Real { using kind = kind::projection; static constexpr int parts = 1, scale = 1; };
struct TwiceReal { using kind = kind::projection; static constexpr int parts = 1, scale = 2; };
struct Complex { using kind = kind::projection; static constexpr int parts = 2, scale = 1; };
}

// Skip: y += D i.
struct NoSkip { using kind = kind::skip; static constexpr bool present = false; using leaf = Learned<in::D, Axes::value>; };
template <class Leaf> struct Skip { using kind = kind::skip; static constexpr bool present = true; using leaf = Leaf; };

namespace stage {
template <class Normaliser> inline constexpr bool is_unguarded = false;
template <> inline constexpr bool is_unguarded<Quotient<guard::None>> = true;

template <class Kind, class Default, class... More> struct pick { using type = Default; };
template <class Kind, class Default, class First, class... More> struct pick<Kind, Default, First, More...>
    : std::conditional_t<std::is_same_v<typename First::kind, Kind>, std::type_identity<First>, pick<Kind, Default, More...>> {};
}

}  // namespace lcsm
