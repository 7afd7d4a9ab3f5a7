// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/config.hpp>
#include <lcsm/tensor/index.hpp>

#include <memory>

namespace lcsm {

// Hands out pieces of one block of scratch. Without a block it only counts, so the code that lays scratch out is also the code that says
// how much of it a call needs.
class Arena {
 public:
  Arena() = default;
  Arena(std::byte* first, Index bytes) : first_(first), size_(bytes) {}

  template <class T> T* take(Index count) {
    const Index at = round_up(used_, 64);
    used_ = at + count * Index(sizeof(T));
    if (!first_) return nullptr;
    LCSM_ASSERT(used_ <= size_);
    return std::assume_aligned<64>(reinterpret_cast<T*>(first_ + at));
  }
  bool counting() const noexcept { return first_ == nullptr; }
  Index used() const noexcept { return round_up(used_, 64); }

 private:
  std::byte* first_ = nullptr;
  Index size_ = 0, used_ = 0;
};

}  // namespace lcsm
