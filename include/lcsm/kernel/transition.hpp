// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk_runner.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What a stretch of chunks under a coupling does to any memory before it: m <- P m + what the stretch leaves when it starts from nothing. P is K x K,
// kept in double like the memory itself.
template <class M, class T> class Transition {
  static constexpr OuterClass X = outer_class<M>();
  static constexpr int KP = X.key_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;

 public:
  Transition(Arena& arena, const Extent& n, Index tokens) : carried_(arena, n.keys, n.keys, round_up(n.keys, simd::width<Batch<T>>)) {
    for (int part = 0; part < KP; ++part) sum_[part] = arena.take<T>(tokens * carried_.pitch);
  }
  void clear() const {
    carried_.clear();
    for (Index a = 0; a < carried_.keys; ++a) carried_.memory[0][a * carried_.pitch + a] = 1;
  }
  // Appends the chunk that the runner has been inside of.
  void append(const ChunkRunner<M, T>& runner) const {
    const Carried<T, KP>& x = carried_;
    for (int part = 0; part < KP; ++part) std::fill_n(x.delta[part], x.keys * x.pitch, T(0));
    x.round();
    runner.kernel.template erase<KP>(runner.planes, runner.ends, x.rounded, x.pitch, sum_, x.delta);
    for (Index a = 0; a < x.keys; ++a)
      for (Index b = 0; b < x.keys; ++b) {
        x.advance(a, b, double(runner.ends.key_total[a]));
        if constexpr (ChunkPacker<M, T>::turns_keys) x.turn(a, b, runner.planes.turn, a);
      }
  }
  // The plane of P, K x K with a pitch.
  const double* plane(int part) const { return carried_.memory[part]; }
  Index pitch() const { return carried_.pitch; }

 private:
  Carried<T, KP> carried_;
  T* sum_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
