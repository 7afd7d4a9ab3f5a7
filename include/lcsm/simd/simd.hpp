// SPDX-License-Identifier: MIT
#pragma once

// The only header that includes xsimd. Everything above is written once over V, which is float, double or a batch of them.
//
// An operation gives the same bits in a lane as on a scalar, so that a tail, a single step and a full block agree exactly. Four rules keep it so:
// - a product that feeds a sum goes through fma(): compilers contract a * b + c as they like, and unlike for scalars and batches;
// - NaN is asked for with is_nan(): xsimd 8 compares unequal in an ordered way, so x != x is false on AVX;
// - a number's sign is changed by minus();
// - functions are named with their namespace, simd::store or math::exp: a bare name finds those of xsimd by its argument, and prefers them
//   (xsimd::store wants aligned memory, xsimd::exp is another function).

#include <lcsm/config.hpp>
#include <lcsm/tensor/index.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

#if !defined(LCSM_NO_XSIMD)
#include <xsimd/xsimd.hpp>
#endif

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define LCSM_HAS_FMA 1
#else
#define LCSM_HAS_FMA 0
#endif

namespace lcsm {
inline namespace LCSM_ARCH {

namespace simd {
namespace detail {

template <class T> struct Register { using type = T; };
template <class V> struct Traits { using scalar = V; };
#if !defined(LCSM_NO_XSIMD)
template <class T>
  requires(xsimd::has_simd_register<T, xsimd::default_arch>::value)
struct Register<T> { using type = xsimd::batch<T>; };
template <class T, class A> struct Traits<xsimd::batch<T, A>> { using scalar = T; };
#endif

template <class V> struct MaskOf { using type = bool; };
#if !defined(LCSM_NO_XSIMD)
template <class T, class A> struct MaskOf<xsimd::batch<T, A>> { using type = xsimd::batch_bool<T, A>; };
#endif

// The operations on batches; at width one they are only named, in branches never taken.
#if !defined(LCSM_NO_XSIMD)
namespace lanes = xsimd;
#else
namespace lanes {
template <class V> V abs(V) = delete;
template <class V> V sqrt(V) = delete;
template <class V> V fma(V, V, V) = delete;
template <class V> bool isnan(V) = delete;
template <class M, class V> V select(M, V, V) = delete;
template <class To, class From> To bitwise_cast(From) = delete;
}  // namespace lanes
#endif

}  // namespace detail

template <class V> using scalar_t = typename detail::Traits<V>::scalar;
template <class V> using mask_t = typename detail::MaskOf<V>::type;                                 // bool, or one predicate per lane
template <class V> inline constexpr bool is_scalar = std::is_same_v<V, scalar_t<V>>;
template <class V> inline constexpr Index width = static_cast<Index>(sizeof(V) / sizeof(scalar_t<V>));

}  // namespace simd

// The widest batch of T that the target has, or T itself.
template <class T> using Batch = typename simd::detail::Register<T>::type;

namespace simd {

// Unsigned lanes of the same size: for the bit patterns of V.
template <class V> using word_t = std::conditional_t<sizeof(scalar_t<V>) == 4, std::uint32_t, std::uint64_t>;
namespace detail {
template <class V> struct BitsOf { using type = word_t<V>; };
#if !defined(LCSM_NO_XSIMD)
template <class T, class A> struct BitsOf<xsimd::batch<T, A>> { using type = xsimd::batch<word_t<T>, A>; };
#endif
// xsimd 8 names the batch to cast to, later versions its element.
#if !defined(LCSM_NO_XSIMD) && XSIMD_VERSION_MAJOR < 9
template <class V> using cast_target = V;
#else
template <class V> using cast_target = scalar_t<V>;
#endif
}  // namespace detail
template <class V> using bits_t = typename detail::BitsOf<V>::type;

template <class V> LCSM_INLINE bits_t<V> to_bits(V x) noexcept {
  if constexpr (is_scalar<V>) return std::bit_cast<bits_t<V>>(x);
  else return detail::lanes::bitwise_cast<detail::cast_target<bits_t<V>>>(x);
}
template <class V> LCSM_INLINE V from_bits(bits_t<V> x) noexcept {
  if constexpr (is_scalar<V>) return std::bit_cast<V>(x);
  else return detail::lanes::bitwise_cast<detail::cast_target<V>>(x);
}

// Memory. No alignment is asked for; the partial forms touch n < width elements and no more (lanes beyond them are 0).
template <class V> LCSM_INLINE V load(const scalar_t<V>* from) noexcept {
  if constexpr (is_scalar<V>) return *from;
  else return V::load_unaligned(from);
}
#if defined(__GNUC__) && !defined(__clang__)
// A vector of T that may alias T and nothing else. What the intrinsics store may alias everything, so that a loop has to read the pointers and
// strides of its tiles again after every store.
template <class T, std::size_t Bytes> struct Lanes { typedef T type __attribute__((vector_size(Bytes), aligned(alignof(T)))); };
template <class V> LCSM_INLINE void store(scalar_t<V>* to, V x) noexcept {
  if constexpr (is_scalar<V>) *to = x;
  else {
    using Stored = typename Lanes<scalar_t<V>, sizeof(V)>::type;
    *reinterpret_cast<Stored*>(to) = std::bit_cast<Stored>(x);
  }
}
#else
template <class V> LCSM_INLINE void store(scalar_t<V>* to, V x) noexcept {
  if constexpr (is_scalar<V>) *to = x;
  else x.store_unaligned(to);
}
#endif
template <class V> LCSM_INLINE V load_partial(const scalar_t<V>* from, Index n) noexcept {
  LCSM_ASSERT(n >= 0 && n <= width<V>);
  scalar_t<V> lanes[width<V>] = {};
  for (Index c = 0; c < n; ++c) lanes[c] = from[c];
  return simd::load<V>(lanes);
}
template <class V> LCSM_INLINE void store_partial(scalar_t<V>* to, V x, Index n) noexcept {
  LCSM_ASSERT(n >= 0 && n <= width<V>);
  scalar_t<V> lanes[width<V>];
  simd::store(lanes, x);
  for (Index c = 0; c < n; ++c) to[c] = lanes[c];
}

// Overloads on the registers of x86: xsimd 8 has no fused product on AVX-512, and the operand that min and max return for NaN changed between
// its versions.
#if !defined(LCSM_NO_XSIMD) && XSIMD_WITH_SSE2
namespace detail {
LCSM_INLINE __m128 max_of(__m128 a, __m128 b) noexcept { return _mm_max_ps(a, b); }
LCSM_INLINE __m128d max_of(__m128d a, __m128d b) noexcept { return _mm_max_pd(a, b); }
LCSM_INLINE __m128 min_of(__m128 a, __m128 b) noexcept { return _mm_min_ps(a, b); }
LCSM_INLINE __m128d min_of(__m128d a, __m128d b) noexcept { return _mm_min_pd(a, b); }
#if defined(__FMA__)
LCSM_INLINE __m128 fma_of(__m128 a, __m128 b, __m128 c) noexcept { return _mm_fmadd_ps(a, b, c); }
LCSM_INLINE __m128d fma_of(__m128d a, __m128d b, __m128d c) noexcept { return _mm_fmadd_pd(a, b, c); }
#endif
#if defined(__AVX__)
LCSM_INLINE __m256 max_of(__m256 a, __m256 b) noexcept { return _mm256_max_ps(a, b); }
LCSM_INLINE __m256d max_of(__m256d a, __m256d b) noexcept { return _mm256_max_pd(a, b); }
LCSM_INLINE __m256 min_of(__m256 a, __m256 b) noexcept { return _mm256_min_ps(a, b); }
LCSM_INLINE __m256d min_of(__m256d a, __m256d b) noexcept { return _mm256_min_pd(a, b); }
#if defined(__FMA__)
LCSM_INLINE __m256 fma_of(__m256 a, __m256 b, __m256 c) noexcept { return _mm256_fmadd_ps(a, b, c); }
LCSM_INLINE __m256d fma_of(__m256d a, __m256d b, __m256d c) noexcept { return _mm256_fmadd_pd(a, b, c); }
#endif
#endif
#if defined(__AVX512F__)
LCSM_INLINE __m512 max_of(__m512 a, __m512 b) noexcept { return _mm512_max_ps(a, b); }
LCSM_INLINE __m512d max_of(__m512d a, __m512d b) noexcept { return _mm512_max_pd(a, b); }
LCSM_INLINE __m512 min_of(__m512 a, __m512 b) noexcept { return _mm512_min_ps(a, b); }
LCSM_INLINE __m512d min_of(__m512d a, __m512d b) noexcept { return _mm512_min_pd(a, b); }
LCSM_INLINE __m512 fma_of(__m512 a, __m512 b, __m512 c) noexcept { return _mm512_fmadd_ps(a, b, c); }
LCSM_INLINE __m512d fma_of(__m512d a, __m512d b, __m512d c) noexcept { return _mm512_fmadd_pd(a, b, c); }
#endif
template <class V> LCSM_INLINE auto raw(V x) noexcept { return static_cast<typename V::register_type>(x); }
}  // namespace detail
#define LCSM_X86_REGISTERS 1
#else
#define LCSM_X86_REGISTERS 0
#endif

// -x. xsimd 8 takes it from 0 on AVX-512, where -(+0) is then +0.
template <class V> LCSM_INLINE V minus(V x) noexcept {
  if constexpr (is_scalar<V>) return -x;
  else return from_bits<V>(to_bits<V>(x) ^ to_bits<V>(V(scalar_t<V>(-0.0))));
}

// a * b + c, rounded once where the target has a fused product (LCSM_HAS_FMA) and twice elsewhere; lanes and scalars alike.
template <class V> LCSM_INLINE V fma(V a, std::type_identity_t<V> b, std::type_identity_t<V> c) noexcept {
#if !LCSM_HAS_FMA
  const V product = a * b;  // two statements: within one, clang folds constants as if they were fused
  return product + c;
#else
  if constexpr (std::is_same_v<V, float>) return __builtin_fmaf(a, b, c);
  else if constexpr (is_scalar<V>) return __builtin_fma(a, b, c);
#if LCSM_X86_REGISTERS
  else return V(detail::fma_of(detail::raw(a), detail::raw(b), detail::raw(c)));
#else
  else return detail::lanes::fma(a, b, c);
#endif
#endif
}

template <class V> LCSM_INLINE V select(mask_t<V> take_a, V a, std::type_identity_t<V> b) noexcept {
  if constexpr (is_scalar<V>) return take_a ? a : b;
  else return detail::lanes::select(take_a, a, b);
}

// a > b ? a : b and a < b ? a : b, as on x86: if either is NaN, or both are zero, the result is b.
template <class V> LCSM_INLINE V (max)(V a, std::type_identity_t<V> b) noexcept {
  if constexpr (is_scalar<V>) return a > b ? a : b;
#if LCSM_X86_REGISTERS
  else return V(detail::max_of(detail::raw(a), detail::raw(b)));
#else
  else return select<V>(a > b, a, b);
#endif
}
template <class V> LCSM_INLINE V (min)(V a, std::type_identity_t<V> b) noexcept {
  if constexpr (is_scalar<V>) return a < b ? a : b;
#if LCSM_X86_REGISTERS
  else return V(detail::min_of(detail::raw(a), detail::raw(b)));
#else
  else return select<V>(a < b, a, b);
#endif
}

template <class V> LCSM_INLINE V abs(V x) noexcept {
  if constexpr (std::is_same_v<V, float>) return __builtin_fabsf(x);
  else if constexpr (is_scalar<V>) return __builtin_fabs(x);
  else return detail::lanes::abs(x);
}
template <class V> LCSM_INLINE V sqrt(V x) noexcept {
  if constexpr (std::is_same_v<V, float>) return __builtin_sqrtf(x);
  else if constexpr (is_scalar<V>) return __builtin_sqrt(x);
  else return detail::lanes::sqrt(x);
}
// The magnitude of the first with the sign of the second.
template <class V> LCSM_INLINE V copy_sign(V magnitude, std::type_identity_t<V> sign) noexcept {
  constexpr word_t<V> top = word_t<V>{1} << (8 * sizeof(word_t<V>) - 1);
  constexpr word_t<V> rest = static_cast<word_t<V>>(~top);
  return from_bits<V>((to_bits<V>(magnitude) & bits_t<V>(rest)) | (to_bits<V>(sign) & bits_t<V>(top)));
}

// Predicates.
template <class V> LCSM_INLINE mask_t<V> is_nan(V x) noexcept {
  if constexpr (is_scalar<V>) return __builtin_isnan(x);
  else return detail::lanes::isnan(x);
}
LCSM_INLINE bool all(bool mask) noexcept { return mask; }
LCSM_INLINE bool any(bool mask) noexcept { return mask; }
LCSM_INLINE bool both(bool a, bool b) noexcept { return a && b; }
LCSM_INLINE bool either(bool a, bool b) noexcept { return a || b; }
LCSM_INLINE bool negate(bool a) noexcept { return !a; }
#if !defined(LCSM_NO_XSIMD)
template <class T, class A> LCSM_INLINE bool all(xsimd::batch_bool<T, A> mask) noexcept { return xsimd::all(mask); }
template <class T, class A> LCSM_INLINE bool any(xsimd::batch_bool<T, A> mask) noexcept { return xsimd::any(mask); }
template <class T, class A> LCSM_INLINE xsimd::batch_bool<T, A> both(xsimd::batch_bool<T, A> a, xsimd::batch_bool<T, A> b) noexcept { return a & b; }
template <class T, class A> LCSM_INLINE xsimd::batch_bool<T, A> either(xsimd::batch_bool<T, A> a, xsimd::batch_bool<T, A> b) noexcept { return a | b; }
template <class T, class A> LCSM_INLINE xsimd::batch_bool<T, A> negate(xsimd::batch_bool<T, A> a) noexcept { return ~a; }
#endif

namespace detail {
// Halves are folded onto each other: lane c meets lane c + w / 2, then c + w / 4, and so on.
template <class V, class F> LCSM_INLINE scalar_t<V> fold(V x, F f) noexcept {
  scalar_t<V> lanes[width<V>];
  simd::store(lanes, x);
  for (Index half = width<V> / 2; half > 0; half /= 2)
    for (Index c = 0; c < half; ++c) lanes[c] = f(lanes[c], lanes[c + half]);
  return lanes[0];
}
}  // namespace detail

// Over the lanes, always in the same order; the order depends on the width alone.
template <class V> LCSM_INLINE scalar_t<V> sum(V x) noexcept {
  return simd::detail::fold(x, [](scalar_t<V> a, scalar_t<V> b) { return a + b; });
}
template <class V> LCSM_INLINE scalar_t<V> max_lane(V x) noexcept {
  return simd::detail::fold(x, [](scalar_t<V> a, scalar_t<V> b) { return (simd::max)(a, b); });
}

// Lanes of float as lanes of double, in order, and back (rounded). One double for one float.
template <class V> using Doubles = std::conditional_t<is_scalar<V>, double, Batch<double>>;
template <class V> using Widened = std::array<Doubles<V>, static_cast<std::size_t>(width<V> / width<Doubles<V>>)>;

#if LCSM_X86_REGISTERS
namespace detail {
LCSM_INLINE void halves(__m128 x, __m128d* low, __m128d* high) noexcept {
  *low = _mm_cvtps_pd(x);
  *high = _mm_cvtps_pd(_mm_movehl_ps(x, x));
}
LCSM_INLINE __m128 join(__m128d low, __m128d high) noexcept { return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high)); }
#if defined(__AVX__)
LCSM_INLINE void halves(__m256 x, __m256d* low, __m256d* high) noexcept {
  *low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
  *high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
LCSM_INLINE __m256 join(__m256d low, __m256d high) noexcept {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
#endif
#if defined(__AVX512F__)
LCSM_INLINE void halves(__m512 x, __m512d* low, __m512d* high) noexcept {
  *low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
  *high = _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
}
LCSM_INLINE __m512 join(__m512d low, __m512d high) noexcept {
  const __m512d first = _mm512_castpd256_pd512(_mm256_castps_pd(_mm512_cvtpd_ps(low)));
  return _mm512_castpd_ps(_mm512_insertf64x4(first, _mm256_castps_pd(_mm512_cvtpd_ps(high)), 1));
}
#endif
}  // namespace detail
#endif

template <class V> LCSM_INLINE Widened<V> widen(V x) noexcept {
  static_assert(std::is_same_v<scalar_t<V>, float>);
  if constexpr (is_scalar<V>) {
    return {static_cast<double>(x)};
  } else {
#if LCSM_X86_REGISTERS
    typename Doubles<V>::register_type low, high;
    detail::halves(detail::raw(x), &low, &high);
    return {Doubles<V>(low), Doubles<V>(high)};
#else
    constexpr Index w = width<Doubles<V>>;
    float from[width<V>];
    double wide[w];
    simd::store<V>(from, x);
    Widened<V> y;
    for (Index b = 0; b < width<V>; b += w) {
      for (Index i = 0; i < w; ++i) wide[i] = static_cast<double>(from[b + i]);
      y[to_size(b / w)] = simd::load<Doubles<V>>(wide);
    }
    return y;
#endif
  }
}

template <class V> LCSM_INLINE V narrow(const Widened<V>& x) noexcept {
  static_assert(std::is_same_v<scalar_t<V>, float>);
  if constexpr (is_scalar<V>) {
    return static_cast<float>(x[0]);
  } else {
#if LCSM_X86_REGISTERS
    return V(detail::join(detail::raw(x[0]), detail::raw(x[1])));
#else
    constexpr Index w = width<Doubles<V>>;
    float to[width<V>];
    double wide[w];
    for (Index b = 0; b < width<V>; b += w) {
      simd::store<Doubles<V>>(wide, x[to_size(b / w)]);
      for (Index i = 0; i < w; ++i) to[b + i] = static_cast<float>(wide[i]);
    }
    return simd::load<V>(to);
#endif
  }
}

}  // namespace simd

// f(std::type_identity<V>{}, c) for whole blocks first, V = Batch<T> and c = 0, W, 2 W ..., then V = T for each element that is left.
template <class T, class F> LCSM_INLINE void for_lanes(Index n, F&& f) {
  constexpr Index block = simd::width<Batch<T>>;
  Index c = 0;
  for (; c + block <= n; c += block) f(std::type_identity<Batch<T>>{}, c);
  if constexpr (block > 1)
    for (; c < n; ++c) f(std::type_identity<T>{}, c);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
