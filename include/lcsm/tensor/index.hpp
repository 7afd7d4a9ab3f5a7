// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace lcsm {

// Every extent, stride and offset: signed and 64 bits wide, so that a narrow slice of a wide parent cannot wrap.
using Index = std::ptrdiff_t;
static_assert(sizeof(Index) == 8, "lcsm: offsets need 64 bits");

constexpr std::size_t to_size(Index n) noexcept { return static_cast<std::size_t>(n); }
constexpr Index round_up(Index n, Index multiple) noexcept { return (n + multiple - 1) / multiple * multiple; }
constexpr Index divide_up(Index n, Index by) noexcept { return (n + by - 1) / by; }

}  // namespace lcsm
