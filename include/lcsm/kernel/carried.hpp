// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/simd.hpp>
#include <lcsm/stage/arena.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Rows of columns that chunks carry on, one per key: kept in double, so that the carry's rounding does not grow with the number of chunks; chunks see
// them rounded. One or two planes.
template <class T, int Planes> struct Carried {
  Index keys, columns, pitch;
  double* memory[2] = {};
  T *delta[2] = {}, *rounded[2] = {};                       // what a chunk adds

  // Of several heads, one of which is at hand.
  Carried(Arena& arena, Index rows, Index width, Index stride, Index heads = 1) : keys(rows), columns(width), pitch(stride) {
    for (int part = 0; part < Planes; ++part) memory[part] = arena.take<double>(heads * rows * stride), delta[part] = arena.take<T>(rows * stride), rounded[part] = arena.take<T>(heads * rows * stride);
  }
  void move(Index heads) {
    for (int part = 0; part < Planes; ++part) memory[part] += heads * keys * pitch, rounded[part] += heads * keys * pitch;
  }
  void clear() const { for (int part = 0; part < Planes; ++part) std::fill_n(memory[part], keys * pitch, 0.0), std::fill_n(delta[part], keys * pitch, T(0)); }
  void round() const {
    for (int part = 0; part < Planes; ++part)
      for (Index a = 0; a < keys; ++a) {
        for (Index c = 0; c < columns; ++c) rounded[part][a * pitch + c] = static_cast<T>(memory[part][a * pitch + c]);
        for (Index c = columns; c < pitch; ++c) rounded[part][a * pitch + c] = T(0);
      }
  }
  // The same of row a with one decay, rounded at once. T and double lie side by side, so that compilers turn the loop into lanes.
  void advance_row(Index a, double decay) const {
    for (int part = 0; part < Planes; ++part) {
      double* LCSM_RESTRICT m = memory[part] + a * pitch;
      const T* LCSM_RESTRICT x = delta[part] + a * pitch;
      T* LCSM_RESTRICT to = rounded[part] + a * pitch;
      for (Index c = 0; c < pitch; ++c) {
        const double next = m[c] * decay + double(x[c]);
        m[c] = next, to[c] = static_cast<T>(next);
      }
    }
  }
  // memory <- decay memory + delta
  void advance(Index a, Index c, double decay) const {
    const Index n = a * pitch + c;
    for (int part = 0; part < Planes; ++part) memory[part][n] = memory[part][n] * decay + double(delta[part][n]);
  }
  // times number `at` of a row of units, or of signs; back: its conjugate
  void turn(Index a, Index c, T* const by[2], Index at, bool back = false) const {
    const Index n = a * pitch + c;
    if constexpr (Planes == 1) memory[0][n] *= double(by[0][at]);
    else {
      const double x = double(by[0][at]), z = by[1] ? double(by[1][at]) : 0.0, y = back ? -z : z, re = memory[0][n], im = memory[1][n];
      memory[0][n] = re * x - im * y, memory[1][n] = re * y + im * x;
    }
  }
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
