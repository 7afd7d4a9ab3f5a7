// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/half.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

namespace lcsm {

// The element types of a safetensors file that have a C++ counterpart here.
enum class DType { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f16, bf16, f32, f64 };

struct DTypeFacts { DType dtype; std::string_view name; std::size_t size; };
inline constexpr std::array<DTypeFacts, 13> dtypes{{
    {DType::boolean, "BOOL", 1}, {DType::u8, "U8", 1},   {DType::i8, "I8", 1},     {DType::u16, "U16", 2}, {DType::i16, "I16", 2},
    {DType::u32, "U32", 4},      {DType::i32, "I32", 4}, {DType::u64, "U64", 8},   {DType::i64, "I64", 8}, {DType::f16, "F16", 2},
    {DType::bf16, "BF16", 2},    {DType::f32, "F32", 4}, {DType::f64, "F64", 8},
}};
constexpr std::string_view dtype_name(DType dtype) noexcept { return dtypes[static_cast<std::size_t>(dtype)].name; }
constexpr std::size_t dtype_size(DType dtype) noexcept { return dtypes[static_cast<std::size_t>(dtype)].size; }
constexpr std::optional<DType> dtype_from_name(std::string_view name) noexcept {
  for (const DTypeFacts& facts : dtypes)
    if (facts.name == name) return facts.dtype;
  return std::nullopt;
}

// Calls f.template operator()<T>() with the C++ type of the elements. bool stands for BOOL, of which each byte is 0 or 1.
template <class F> constexpr decltype(auto) with_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean: return f.template operator()<bool>();
    case DType::u8: return f.template operator()<std::uint8_t>();
    case DType::i8: return f.template operator()<std::int8_t>();
    case DType::u16: return f.template operator()<std::uint16_t>();
    case DType::i16: return f.template operator()<std::int16_t>();
    case DType::u32: return f.template operator()<std::uint32_t>();
    case DType::i32: return f.template operator()<std::int32_t>();
    case DType::u64: return f.template operator()<std::uint64_t>();
    case DType::i64: return f.template operator()<std::int64_t>();
    case DType::f16: return f.template operator()<Float16>();
    case DType::bf16: return f.template operator()<Bfloat16>();
    case DType::f32: return f.template operator()<float>();
    case DType::f64: break;
  }
  return f.template operator()<double>();
}

namespace detail {

template <class T> struct dtype_of_number {};
template <> struct dtype_of_number<bool> { static constexpr DType value = DType::boolean; };
template <> struct dtype_of_number<Float16> { static constexpr DType value = DType::f16; };
template <> struct dtype_of_number<Bfloat16> { static constexpr DType value = DType::bf16; };
template <> struct dtype_of_number<float> { static constexpr DType value = DType::f32; };
template <> struct dtype_of_number<double> { static constexpr DType value = DType::f64; };
// By width, not by name: long and long long are one of them each, whichever the platform chose.
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
struct dtype_of_number<T> {
  static constexpr DType of(DType b1, DType b2, DType b4, DType b8) { return sizeof(T) == 1 ? b1 : sizeof(T) == 2 ? b2 : sizeof(T) == 4 ? b4 : b8; }
  static constexpr DType value = std::is_signed_v<T> ? of(DType::i8, DType::i16, DType::i32, DType::i64) : of(DType::u8, DType::u16, DType::u32, DType::u64);
};

struct NumberRange { bool floating, negative; int digits, largest_exponent; };
template <class T> struct number_range {
  using limits = std::numeric_limits<T>;
  static constexpr NumberRange value{!limits::is_integer, limits::is_signed, limits::digits, limits::is_integer ? limits::digits : limits::max_exponent};
};
template <class Format> struct number_range<Half<Format>> {
  static constexpr NumberRange value{true, true, Half<Format>::digits, Format::bias + 1};
};

}  // namespace detail

template <class T> inline constexpr DType dtype_of = detail::dtype_of_number<std::remove_cv_t<T>>::value;

// Whether every number of type From is one of type To.
template <class From, class To> inline constexpr bool converts_exactly = [] {
  constexpr detail::NumberRange a = detail::number_range<From>::value, b = detail::number_range<To>::value;
  return std::is_same_v<From, To> ||
         ((b.floating || !a.floating) && (b.negative || !a.negative) && a.digits <= b.digits && a.largest_exponent <= b.largest_exponent);
}();

}  // namespace lcsm
