// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace lcsm {

namespace detail {

// An IEEE 754 binary format by its field widths: sign, Exponent bits, Fraction bits.
template <int Exponent, int Fraction> struct BinaryFormat {
  static constexpr int exponent = Exponent, fraction = Fraction, bias = (1 << (Exponent - 1)) - 1;
  static constexpr std::uint64_t sign = std::uint64_t{1} << (Exponent + Fraction), infinity = ((std::uint64_t{1} << Exponent) - 1) << Fraction;
};
using Binary32 = BinaryFormat<8, 23>;
using Binary64 = BinaryFormat<11, 52>;

// Both conversions work on integers alone, so that flush-to-zero modes of the processor cannot drop subnormal values.

// To a narrower format: nearest, ties to even, overflow to infinity. A NaN stays one: sign and leading payload bits kept, made quiet.
template <class From, class To> constexpr std::uint64_t narrow_bits(std::uint64_t x) noexcept {
  static_assert(From::fraction > To::fraction && From::exponent >= To::exponent);
  constexpr int drop = From::fraction - To::fraction;
  const std::uint64_t sign = (x & From::sign) != 0 ? To::sign : 0, magnitude = x & (From::sign - 1);
  if (magnitude > From::infinity) return sign | To::infinity | ((magnitude - From::infinity) >> drop) | (std::uint64_t{1} << (To::fraction - 1));
  if (magnitude == From::infinity) return sign | To::infinity;
  const int stored = static_cast<int>(magnitude >> From::fraction), exponent = (stored > 0 ? stored : 1) - From::bias + To::bias;
  const std::uint64_t implicit = std::uint64_t{stored > 0} << From::fraction;
  std::uint64_t kept = implicit | (magnitude & ((std::uint64_t{1} << From::fraction) - 1));
  int shift = drop;
  if (exponent >= 1) kept += static_cast<std::uint64_t>(exponent - 1) << From::fraction;  // the carry of a rounding then runs into the exponent
  else shift += 1 - exponent;                                                             // a subnormal result
  if (shift > From::fraction + 1) return sign;                                            // below half of the least number
  const std::uint64_t half = std::uint64_t{1} << (shift - 1), odd = (kept >> shift) & 1;
  const std::uint64_t rounded = (kept + half - 1 + odd) >> shift;
  return sign | (rounded < To::infinity ? rounded : To::infinity);
}

// To a wider format: exact, every NaN keeps its payload.
template <class From, class To> constexpr std::uint64_t widen_bits(std::uint64_t x) noexcept {
  static_assert(From::fraction < To::fraction && From::exponent <= To::exponent);
  constexpr int grow = To::fraction - From::fraction;
  const std::uint64_t sign = (x & From::sign) != 0 ? To::sign : 0, magnitude = x & (From::sign - 1);
  if (magnitude >= From::infinity) return sign | To::infinity | ((magnitude - From::infinity) << grow);
  if (magnitude >> From::fraction != 0) return sign | ((magnitude << grow) + (static_cast<std::uint64_t>(To::bias - From::bias) << To::fraction));
  if (From::exponent == To::exponent || magnitude == 0) return sign | (magnitude << grow);
  // A subnormal with its highest bit at `top` is 2^(top + 1 - bias - fraction) times a number in [1, 2).
  const int top = static_cast<int>(std::bit_width(magnitude)) - 1, exponent = top + 1 - From::bias - From::fraction + To::bias;
  return sign | ((static_cast<std::uint64_t>(exponent - 1) << To::fraction) + (magnitude << (To::fraction - top)));  // adds its leading bit
}

template <class T>
concept HalfSource = std::same_as<T, float> || std::same_as<T, double> || (std::integral<T> && sizeof(T) <= 4);

}  // namespace detail

// Two bytes of storage, no arithmetic: numbers are computed with in float (storage_compute_t) or wider. Conversion from float, double and
// integers up to 32 bits rounds once, to nearest even; conversion to float and double is exact. Comparison is that of the numbers.
template <class Format> struct Half {
  static constexpr int digits = Format::fraction + 1;  // of the significand: the unit roundoff is 2^-digits
  std::uint16_t bits;

  Half() = default;
  template <detail::HalfSource T> constexpr explicit Half(T x) noexcept : bits(round(x)) {}
  static constexpr Half from_bits(std::uint16_t pattern) noexcept { Half h{}; h.bits = pattern; return h; }

  constexpr explicit operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(detail::widen_bits<Format, detail::Binary32>(bits)));
  }
  constexpr explicit operator double() const noexcept { return std::bit_cast<double>(detail::widen_bits<Format, detail::Binary64>(bits)); }
  friend constexpr bool operator==(Half a, Half b) noexcept { return static_cast<float>(a) == static_cast<float>(b); }

 private:
  template <class T> static constexpr std::uint16_t round(T x) noexcept {
    if constexpr (std::same_as<T, float>) return static_cast<std::uint16_t>(detail::narrow_bits<detail::Binary32, Format>(std::bit_cast<std::uint32_t>(x)));
    else return static_cast<std::uint16_t>(detail::narrow_bits<detail::Binary64, Format>(std::bit_cast<std::uint64_t>(static_cast<double>(x))));
  }
};

using Float16 = Half<detail::BinaryFormat<5, 10>>;   // IEEE 754 binary16
using Bfloat16 = Half<detail::BinaryFormat<8, 7>>;   // the upper half of a float
static_assert(sizeof(Float16) == 2 && sizeof(Bfloat16) == 2 && std::is_trivially_copyable_v<Float16>);

// What numbers stored as T are computed in: float for the two-byte types, T itself otherwise.
template <class T> struct storage_compute { using type = std::remove_cv_t<T>; };
template <class T> struct storage_compute<const T> : storage_compute<T> {};
template <class Format> struct storage_compute<Half<Format>> { using type = float; };
template <class T> using storage_compute_t = typename storage_compute<T>::type;

}  // namespace lcsm
