// SPDX-License-Identifier: MIT
#pragma once

// Elementary functions over V, which is float, double or a batch of them. A lane and a scalar give the same bits.

#include <lcsm/simd/exp.hpp>
#include <lcsm/simd/log.hpp>
#include <lcsm/simd/sigmoid.hpp>
#include <lcsm/simd/trigonometric.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace math {

template <class V> LCSM_INLINE V sqrt(V x) noexcept { return simd::sqrt(x); }

}  // namespace math
}  // namespace LCSM_ARCH
}  // namespace lcsm
