// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/state.hpp>
#include <lcsm/simd/complex.hpp>
#include <lcsm/stage/arena.hpp>
#include <lcsm/stage/where.hpp>

#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {

// The memory of one head of one sequence as kernels see it: rows of value channels with a stride, and what else the mixer keeps.
template <class M, class T> struct Memory {
  using Shape = StateShape<M>;
  Index keys = 0, values = 0;
  T *m = nullptr, *m_imag = nullptr;
  Index row = 0, row_imag = 0;                              // strides of m
  T *z = nullptr, *z_imag = nullptr;
  Index z_row = 0, z_row_imag = 0;                          // of z, where it has a row per key; else its K numbers lie side by side
  T* p = nullptr;

  // A part of a state.
  static Memory of(const StateView<T>& s, const Run& run) {
    Memory x;
    x.keys = run.extent.keys, x.values = run.extent.values;
    const auto at = [&](const View<T>& v) { return v.data ? v.data + v.offset(run.sequence, 0, run.head, 0, 0) : nullptr; };
    x.m = at(s.m), x.row = s.m.stride[3], x.m_imag = at(s.m_imag), x.row_imag = s.m_imag.stride[3];
    x.z = at(s.z), x.z_row = s.z.stride[3], x.z_imag = at(s.z_imag), x.z_row_imag = s.z_imag.stride[3], x.p = at(s.p);
    return x;
  }
  // Scratch of its own.
  static Memory in(Arena& arena, Index keys, Index values) {
    Memory x;
    x.keys = keys, x.values = values;
    x.row = x.row_imag = x.z_row = x.z_row_imag = round_up(values, 64 / Index(sizeof(T)));
    const Index size = keys * x.row, z_size = Shape::z_per_channel ? size : keys;
    x.m = arena.take<T>(size), x.m_imag = arena.take<T>(Shape::has_imag ? size : 0);
    x.z = arena.take<T>(Shape::has_z ? z_size : 0), x.z_imag = arena.take<T>(Shape::z_imag ? z_size : 0);
    x.p = arena.take<T>(Shape::has_p ? x.scales() : 0);
    return x;
  }

  Index scales() const { return M::scale_per_channel ? values : 1; }
  Index z_rows() const { return Shape::z_per_channel ? keys : 1; }
  Index z_columns() const { return Shape::z_per_channel ? values : keys; }

  // Nothing seen. As a summary, the log scale starts below everything, whatever the mixer's own start.
  void clear(bool summary = false) const {
    for (Index a = 0; a < keys; ++a) {
      std::fill_n(m + a * row, values, T(0));
      if constexpr (Shape::has_imag) std::fill_n(m_imag + a * row_imag, values, T(0));
    }
    if constexpr (Shape::has_z)
      for (Index a = 0; a < z_rows(); ++a) {
        std::fill_n(z + a * z_row, z_columns(), static_cast<T>(M::normaliser::mean ? FromNothing::value : 0));
        if constexpr (Shape::z_imag) std::fill_n(z_imag + a * z_row_imag, z_columns(), T(0));
      }
    if constexpr (Shape::has_p) std::fill_n(p, scales(), static_cast<T>(summary ? FromNothing::value : M::stabiliser::start));
  }

  // All numbers 0, as cotangents start.
  void zero() const { zip(*this, [](T* mine, const T*, Index n) { std::fill_n(mine, n, T(0)); }); }

  // visitor(my row, the other's row, length) over all numbers of two memories of one shape.
  template <class Other, class Visitor> void zip(const Other& other, Visitor&& visitor) const {
    for (Index a = 0; a < keys; ++a) {
      visitor(m + a * row, other.m + a * other.row, values);
      if constexpr (Shape::has_imag) visitor(m_imag + a * row_imag, other.m_imag + a * other.row_imag, values);
    }
    if constexpr (Shape::has_z)
      for (Index a = 0; a < z_rows(); ++a) {
        visitor(z + a * z_row, other.z + a * other.z_row, z_columns());
        if constexpr (Shape::z_imag) visitor(z_imag + a * z_row_imag, other.z_imag + a * other.z_row_imag, z_columns());
      }
    if constexpr (Shape::has_p) visitor(p, other.p, scales());
  }
  template <class Other> void copy_from(const Other& other) const {
    zip(other, [](T* to, const auto* from, Index n) {
      if (static_cast<const void*>(to) != static_cast<const void*>(from)) for (Index c = 0; c < n; ++c) to[c] = T(from[c]);
    });
  }

  template <class V> LCSM_INLINE auto load_m(Index a, Index c) const { return load<M::complex, V>(m, a * row + c, m_imag, a * row_imag + c); }
  template <class F> LCSM_INLINE void store_m(Index a, Index c, F x) const { store(m, a * row + c, m_imag, a * row_imag + c, x); }
  template <class V> LCSM_INLINE auto load_z(Index a, Index c) const {
    return load<M::complex && Shape::has_z && Shape::z_imag, V>(z, a * z_row + c, z_imag, a * z_row_imag + c);
  }
  template <class F> LCSM_INLINE void store_z(Index a, Index c, F x) const { store(z, a * z_row + c, z_imag, a * z_row_imag + c, x); }

 private:
  // A plane that a mixer does not have is a null pointer, and nothing is added to it.
  template <bool Pair, class V> LCSM_INLINE static auto load(const T* re, Index at, [[maybe_unused]] const T* im, [[maybe_unused]] Index at_imag) {
    if constexpr (Pair) return Complex<V>(simd::load<V>(re + at), simd::load<V>(im + at_imag)); else return simd::load<V>(re + at);
  }
  template <class F> LCSM_INLINE static void store(T* re, Index at, [[maybe_unused]] T* im, [[maybe_unused]] Index at_imag, F x) {
    simd::store(re + at, real_part(x));
    if constexpr (is_complex<F>) simd::store(im + at_imag, imag_part(x));
  }
};

// Where a head starts: its part of the initial state, or nothing seen. T may be wider than the state's. Rows of codes pay the decay that they still owe.
template <class M, class T, class U> void start_from(const Memory<M, T>& memory, const StateView<const U>& initial, const Run& run) {
  if (!initial) return memory.clear();
  memory.copy_from(Memory<M, const U>::of(initial, run));
  if constexpr (StateShape<M>::lazy) {
    const auto clock = [&](const auto& v, Index a) { return Clock{v.at(run.sequence, 0, run.head, 0, a), v.at(run.sequence, 0, run.head, 1, a)}; };
    for (Index a = 0; a < memory.keys; ++a) {
      const T owed = T(std::exp(clock(initial.clock, 0).since(clock(initial.touched, a))));
      for (Index c = 0; c < memory.values; ++c) memory.m[a * memory.row + c] *= owed;
      if constexpr (StateShape<M>::has_z) memory.z[a] *= owed;
    }
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
