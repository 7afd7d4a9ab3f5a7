// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/config.hpp>

#include <atomic>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace lcsm {
inline namespace LCSM_ARCH {
namespace simd {

// While one lives, its thread takes numbers below the smallest normal one (2^-126 in float, 2^-1022 in double) as 0, read or computed.
//
// A memory that has gone silent decays to such numbers and stays there: 0.9 times four of the smallest units rounds back to four. On many
// processors each operation on them costs a hundred cycles, so silence would be the slowest of all inputs. Every mode but `reference`, and
// `step`, computes like this, in each of its workers: a memory decays to 0 exactly, a multiplier exp(x) below 2^-126 is a closed gate, and an
// output is off by no more than the smallest normal number for each number that it sums. User's maps run in the same way.
//
// The thread's rounding and traps are as before, and so are flush-to-zero and denormals-are-zero afterwards, also when an exception passes. Only x86
// has the switch; elsewhere nothing happens, numbers stay as they are, and calls may be slower when they meet such numbers.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() noexcept : before_(_mm_getcsr() & switches) {
    _mm_setcsr(_mm_getcsr() | switches);
    std::atomic_signal_fence(std::memory_order_seq_cst);    // nothing is loaded before, or stored after: compilers do not see the mode
  }
  ~FlushDenormals() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    _mm_setcsr((_mm_getcsr() & ~switches) | before_);       // exceptions flagged in between stay flagged
  }

 private:
  static constexpr unsigned switches = 0x8040;              // flush to zero, denormals are zero
  unsigned before_;

 public:
#else
  FlushDenormals() noexcept {}
  ~FlushDenormals() {}
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace simd
}  // namespace LCSM_ARCH
}  // namespace lcsm
