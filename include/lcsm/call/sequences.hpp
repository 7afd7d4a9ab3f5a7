// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <span>
#include <vector>

namespace lcsm {

// Offsets of packed sequences (cu_seqlens): sequence n is the tokens [offset[n], offset[n + 1]) of a batch of one. N + 1 offsets, the first
// 0, never decreasing, the last T; empty sequences are legal. Empty means: not packed. The numbers are the caller's, 32 or 64 bits wide.
class Sequences {
 public:
  Sequences() = default;
  Sequences(std::span<const std::int64_t> offsets) : wide_(offsets.data()), size_(Index(offsets.size())), given_(true) {}
  Sequences(std::span<const std::int32_t> offsets) : narrow_(offsets.data()), size_(Index(offsets.size())), given_(true) {}
  Sequences(const std::vector<std::int64_t>& offsets) : Sequences(std::span(offsets)) {}
  Sequences(const std::vector<std::int32_t>& offsets) : Sequences(std::span(offsets)) {}

  bool given() const noexcept { return given_; }
  Index size() const noexcept { return size_; }              // entries, one more than sequences
  Index operator[](Index n) const noexcept { return wide_ ? Index(wide_[n]) : Index(narrow_[n]); }

 private:
  const std::int64_t* wide_ = nullptr;
  const std::int32_t* narrow_ = nullptr;
  Index size_ = 0;
  bool given_ = false;
};

}  // namespace lcsm
