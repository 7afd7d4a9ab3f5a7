// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define LCSM_SANITIZER_ALLOCATES
#endif
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LCSM_SANITIZER_ALLOCATES
#endif

namespace lcsm::test {

// Allocations of the program so far. A sanitizer has an operator new of its own, and they are not counted.
inline std::atomic<long> allocations{0};
#ifdef LCSM_SANITIZER_ALLOCATES
inline constexpr bool allocations_count = false;
#else
inline constexpr bool allocations_count = true;
inline void* counted(std::size_t size, std::size_t border, bool may_throw = true) {
  ++allocations;
  void* p = std::aligned_alloc(border, (size / border + 1) * border);
  if (!p && may_throw) throw std::bad_alloc();
  return p;
}
#endif

}  // namespace lcsm::test

// Replacements of the program's, so one file of a program includes this. The array forms end in these.
#ifndef LCSM_SANITIZER_ALLOCATES
LCSM_NOINLINE void* operator new(std::size_t size) { return lcsm::test::counted(size, alignof(std::max_align_t)); }
LCSM_NOINLINE void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return lcsm::test::counted(size, alignof(std::max_align_t), false); }
LCSM_NOINLINE void* operator new(std::size_t size, std::align_val_t border) { return lcsm::test::counted(size, std::size_t(border)); }
LCSM_NOINLINE void operator delete(void* p) noexcept { std::free(p); }
LCSM_NOINLINE void operator delete(void* p, std::size_t) noexcept { std::free(p); }
LCSM_NOINLINE void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
LCSM_NOINLINE void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif
