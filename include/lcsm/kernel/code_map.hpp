// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/options.hpp>
#include <lcsm/kernel/code.hpp>

#include <bit>

namespace lcsm {
inline namespace LCSM_ARCH {

// Codes as places 0, 1, 2 ... in the order in which they are first seen: a hash table of fixed size, at most half full.
class CodeMap {
 public:
  CodeMap(Arena& arena, Index most)
      : size_(Index(std::bit_ceil(to_size((std::max<Index>)(2 * most, 2))))), place_(arena.take<Index>(size_)), code_(arena.take<Index>(most)) {}

  void clear() { std::fill_n(place_, size_, Index(-1)), count_ = 0; }
  Index size() const noexcept { return count_; }
  Index code(Index place) const noexcept { return code_[place]; }
  // The place of a code; is_new(place) once, when it gets one.
  template <class IsNew> Index place(Index code, IsNew&& is_new) {
    const std::size_t mask = to_size(size_) - 1;
    std::size_t at = to_size((std::uint64_t(code) * 0x9E3779B97F4A7C15u) >> 32) & mask;
    for (; place_[at] >= 0; at = (at + 1) & mask)
      if (code_[place_[at]] == code) return place_[at];
    code_[count_] = code, place_[at] = count_;
    is_new(count_);
    return count_++;
  }

 private:
  Index size_, count_ = 0;
  Index *place_, *code_;
};

// The rows that some tokens touch, and no others: for calls and stretches that are short beside the number of codes. A row starts from that of
// another memory, or from nothing.
template <class M, class T> struct SparseMemory {
  CodeMap map;
  CodeMemory<M, T> memory;

  SparseMemory(Arena& arena, Index rows, Index values) : map(arena, rows), memory(CodeMemory<M, T>::in(arena, rows, values)) {}
  // Two rows per token at most.
  static Index rows_for(const Extent& n, Index tokens) { return (std::min)(n.keys, 2 * tokens); }

  void clear(const Clock& now = {}) { map.clear(), memory.now(now); }
  // Turns codes into places.
  template <class Load> void locate(const CodeRows& codes, Index count, Load&& load) {
    for (Index j = 0; j < count; ++j) {
      codes.write[j] = map.place(codes.write[j], load);
      codes.read[j] = map.place(codes.read[j], load);
    }
  }
};

// The memory of a head during a call: that of the final state; else scratch, sparse where that is smaller. Shapes alone decide which.
template <class M, class T> class CodeHead {
 public:
  CodeHead(Arena& arena, const Extent& n, bool has_final)
      : sparse_(is_code_kernel<M> && !has_final && 2 * n.tokens < n.keys),
        own_(arena,
             has_final ? 0
             : sparse_ ? SparseMemory<M, T>::rows_for(n, n.tokens)
                       : n.keys,
             n.values) {}

  void begin(const Options<T>& options, const Run& run) {
    initial_ = options.initial ? CodeMemory<M, T>::of(options.initial, run) : CodeMemory<M, T>{};
    if (sparse_) return own_.clear(options.initial ? initial_.now() : Clock{});
    memory_ = options.final ? CodeMemory<M, T>::of(options.final, run) : own_.memory;
    if (options.initial) memory_.copy_from(initial_); else memory_.clear();
  }
  void locate(const CodeRows& codes, Index count) {
    if (!sparse_) return;
    own_.locate(codes, count, [&](Index place) { load(place); });
  }
  const CodeMemory<M, T>& memory() const { return sparse_ ? own_.memory : memory_; }

 private:
  void load(Index place) {
    if (initial_.m) own_.memory.copy_row(place, initial_, own_.map.code(place)); else own_.memory.clear_row(place);
  }
  bool sparse_;
  SparseMemory<M, T> own_;
  CodeMemory<M, T> memory_, initial_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
