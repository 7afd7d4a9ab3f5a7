// SPDX-License-Identifier: MIT
#pragma once

// Build switches, all of them macros so that a header-only library can be set from the command line.
//
//   LCSM_NO_XSIMD       width one: no SIMD header is included
//   LCSM_NO_EXCEPTIONS  errors call the handler of error.hpp instead of throwing (implied by -fno-exceptions)
//   LCSM_ASSERT(x)      checks inside kernels; the default is that of assert()

#include <cassert>

// NaN, infinity and the order of sums carry meaning here (closed gates, containment, the accuracy contract).
#if defined(__FAST_MATH__) && !defined(LCSM_ALLOW_FAST_MATH)
#error "lcsm: -ffast-math breaks closed gates (log 0), NaN containment and the accuracy contract: compile without it"
#endif

#if !defined(LCSM_NO_EXCEPTIONS) && !defined(__cpp_exceptions)
#define LCSM_NO_EXCEPTIONS
#endif

#if !defined(LCSM_ASSERT) && defined(NDEBUG)
#define LCSM_ASSERT(condition) static_cast<void>(sizeof(!(condition)))   // not evaluated, but what it names counts as used
#elif !defined(LCSM_ASSERT)
#define LCSM_ASSERT(condition) assert(condition)
#endif

#if defined(__GNUC__)
#define LCSM_INLINE [[gnu::always_inline]] inline
#define LCSM_NOINLINE [[gnu::noinline]]
#define LCSM_RESTRICT __restrict__
#else
#define LCSM_INLINE inline
#define LCSM_NOINLINE
#define LCSM_RESTRICT
#endif

// Kernels live in an inline namespace named after the instruction set. Without it a program that compiles two files with two -m levels
// keeps one copy of each template, and the file meant for the older processor may run the newer code.
#if defined(LCSM_NO_XSIMD)
#if defined(__FMA__)
#define LCSM_ARCH scalar_fma
#else
#define LCSM_ARCH scalar
#endif
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define LCSM_ARCH avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define LCSM_ARCH avx2_fma
#elif defined(__AVX2__)
#define LCSM_ARCH avx2
#elif defined(__AVX__)
#define LCSM_ARCH avx
#elif defined(__SSE4_1__)
#define LCSM_ARCH sse4
#elif defined(__SSE2__)
#define LCSM_ARCH sse2
#else
#define LCSM_ARCH generic
#endif
