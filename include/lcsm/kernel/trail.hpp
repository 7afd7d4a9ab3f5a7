// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/memory.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Memories of one head at several tokens, one behind the other.
template <class M, class T> class Trail {
 public:
  Trail(Arena& arena, Index count, Index keys, Index values) {
    const Index before = arena.used();
    first_ = Memory<M, T>::in(arena, keys, values);
    bytes_ = arena.used() - before;
    arena.take<std::byte>(bytes_ * (std::max<Index>(count, 1) - 1));
  }
  Memory<M, T> at(Index n) const {
    Memory<M, T> x = first_;
    const auto move = [&](T*& plane) { if (plane) plane = reinterpret_cast<T*>(reinterpret_cast<std::byte*>(plane) + n * bytes_); };
    move(x.m), move(x.m_imag), move(x.z), move(x.z_imag), move(x.p);
    return x;
  }

 private:
  Memory<M, T> first_;
  Index bytes_ = 0;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
