// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/diagonal.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What a stretch of tokens does to a memory: the product of its decays and the memory it leaves behind when it starts from nothing. Summaries
// form a monoid under `join`, associative and not commutative; the same operator carries chunks, threads and ranks.
template <class M, class T> struct Summary {
  // The decays multiply on the axes of the oscillation; where running maxima or means weigh by logs, the logs add up apart.
  static constexpr bool weighs = Tiles<M, T>::weighs;
  static constexpr Axes product_axes = [] {
    Axes x = Axes::none;
    M::oscillation::for_each_term([&]<class Each>(std::type_identity<Each>) {
      if (Each::plane != Plane::coupling && !(weighs && Each::plane == Plane::log)) x = x | Each::axes;
    });
    return table_axes(x);
  }();
  static constexpr Axes log_axes = weighs ? table_axes(M::oscillation::axes_of(Plane::log)) : Axes::none;
  static constexpr bool complex = M::oscillation::domain == Domain::complex;
  // A running maximum over keys grows by the largest log of each token, whichever key has it: a sum of its own.
  static constexpr bool grows = M::stabiliser::scaled && overlaps(log_axes, axes::keyed);

  Memory<M, T> memory;
  Index rows, columns, log_rows, log_columns;
  T *re, *im, *log, *growth;
  Index tokens = 0;                    // by which a shift has moved on

  Summary(Arena& arena, Index keys, Index values)
      : memory(Memory<M, T>::in(arena, keys, values)), rows(product_axes == Axes::none ? 0 : rows_of(product_axes, keys)), columns(columns_of(product_axes, values)),
        log_rows(log_axes == Axes::none ? 0 : rows_of(log_axes, keys)), log_columns(columns_of(log_axes, values)), re(arena.take<T>(rows * columns)),
        im(arena.take<T>(complex ? rows * columns : 0)), log(arena.take<T>(log_rows * log_columns)), growth(arena.take<T>(grows ? memory.scales() : 0)) {}

  void clear() {
    memory.clear(true), tokens = 0;
    std::fill_n(re, rows * columns, T(1));
    if constexpr (complex) std::fill_n(im, rows * columns, T(0));
    std::fill_n(log, log_rows * log_columns, T(0));
    if constexpr (grows) std::fill_n(growth, memory.scales(), T(0));
  }
  // Append the tokens of a filled tile.
  void append(const Tiles<M, T>& tile, const Diagonal<M, T>& body, Index count) {
    body.advance(tile, count, memory, Nowhere{});
    tokens += count;
    for (Index j = 0; j < count; ++j) {
      if constexpr (product_axes != Axes::none)
        for (Index a = 0; a < rows; ++a)
          for_lanes<T>(columns, [&]<class V>(std::type_identity<V>, Index c) {
            const Index n = a * columns + c;
            if constexpr (complex) {
              const auto x = tile.o.template times<V, axes::all, !weighs>(Complex<V>(simd::load<V>(re + n), simd::load<V>(im + n)), j, a, c);
              simd::store(re + n, x.re), simd::store(im + n, x.im);
            } else simd::store(re + n, tile.o.template times<V, axes::all, !weighs>(simd::load<V>(re + n), j, a, c));
          });
      if constexpr (log_axes != Axes::none)
        for (Index a = 0; a < log_rows; ++a)
          for (Index c = 0; c < log_columns; ++c) log[a * log_columns + c] += tile.o.template log<T>(j, a, c);
      if constexpr (grows)
        for (Index c = 0; c < memory.scales(); ++c) {
          T top = tile.o.template log<T>(j, 0, c);
          for (Index a = 1; a < log_rows; ++a) top = (std::max)(top, tile.o.template log<T>(j, a, c));
          growth[c] += top;
        }
    }
  }

  auto product_at(Index a, Index c) const {
    using F = field_t<complex, double>;
    if constexpr (product_axes == Axes::none) return widen<F>(1.0);
    else {
      const Index n = (rows > 1 ? a : 0) * columns + (columns > 1 ? c : 0);
      if constexpr (complex) return F(double(re[n]), double(im[n])); else return double(re[n]);
    }
  }
  double log_at(Index a, Index c) const {
    if constexpr (log_axes == Axes::none) return 0;
    else return double(log[(log_rows > 1 ? a : 0) * log_columns + (log_columns > 1 ? c : 0)]);
  }
  double growth_at(Index c) const {
    if constexpr (grows) return double(growth[M::scale_per_channel ? c : 0]); else return log_at(0, c);
  }
};

template <class F, class X> F in_double(X x) {
  if constexpr (is_complex<F>) return F(double(real_part(x)), double(imag_part(x))); else return double(x);
}

// earlier <- earlier, then later. The carry is kept in double, so that its rounding does not grow with the number of stretches.
template <class M, class T> void join(Summary<M, double>& earlier, const Summary<M, T>& later) {
  using F = field_t<M::complex, double>;
  using Shape = StateShape<M>;
  const Memory<M, double>& m1 = earlier.memory;
  const Memory<M, T>& m2 = later.memory;
  const Index K = m1.keys, D = m1.values;
  // Log scales of both parts in the common one.
  const auto scales = [&](Index a, Index c, double p1, double p2, double p) {
    if constexpr (M::stabiliser::scaled) return std::pair(std::exp(later.log_at(a, c) + p1 - p), std::exp(p2 - p)); else return std::pair(1.0, 1.0);
  };
  const auto joint = [&](Index c, double p1, double p2) { return (std::max)({p2, later.growth_at(c) + p1, FromNothing::value}); };
  const auto scale_of = [&](Index c) { return M::scale_per_channel ? c : 0; };
  const auto merge = [&](F x, F y, std::pair<double, double> s, Index a, Index c) { return widen<F>(x * later.product_at(a, c)) * s.first + y * s.second; };

  // Of a shift, what comes so many keys further.
  const auto moved = [&](Index a, Index c) {
    if constexpr (!M::shifts) return m1.template load_m<double>(a, c);
    else return a >= later.tokens ? m1.template load_m<double>(a - later.tokens, c) : F{};
  };

  for (Index n = 0; n < K; ++n) {
    const Index a = M::shifts ? K - 1 - n : n;
    double kept = 1, added = 1;
    if constexpr (M::normaliser::mean) {
      const double old = m1.z[a] + later.log_at(a, 0), fresh = double(m2.z[a]), top = (std::max)({old, fresh, FromNothing::value});
      const double share = std::exp(old - top), other = std::exp(fresh - top), sum = share + other;
      kept = share / sum, added = other / sum, m1.z[a] = top + std::log(sum);
    }
    for (Index c = 0; c < D; ++c) {
      std::pair<double, double> s(kept, added);
      if constexpr (M::stabiliser::scaled) {
        const double p1 = m1.p[scale_of(c)], p2 = double(m2.p[scale_of(c)]);
        s = scales(a, c, p1, p2, joint(c, p1, p2));
      }
      m1.store_m(a, c, merge(moved(a, c), in_double<F>(m2.template load_m<T>(a, c)), s, a, c));
      if constexpr (Shape::has_z && Shape::z_per_channel) m1.store_z(a, c, merge(m1.template load_z<double>(a, c), in_double<F>(m2.template load_z<T>(a, c)), s, a, c));
    }
    if constexpr (M::normaliser::quotient && !Shape::z_per_channel) {
      std::pair<double, double> s(1, 1);
      if constexpr (M::stabiliser::scaled) s = scales(a, 0, m1.p[0], double(m2.p[0]), joint(0, m1.p[0], double(m2.p[0])));
      m1.store_z(0, a, merge(m1.template load_z<double>(0, a), in_double<F>(m2.template load_z<T>(0, a)), s, a, 0));
    }
  }
  earlier.tokens += later.tokens;
  if constexpr (M::stabiliser::scaled) for (Index c = 0; c < m1.scales(); ++c) m1.p[c] = joint(c, m1.p[c], double(m2.p[c]));
  if constexpr (Summary<M, T>::product_axes != Axes::none)
    for (Index a = 0; a < earlier.rows; ++a)
      for (Index c = 0; c < earlier.columns; ++c) {
        const auto x = earlier.product_at(a, c) * later.product_at(a, c);
        earlier.re[a * earlier.columns + c] = real_part(x);
        if constexpr (Summary<M, T>::complex) earlier.im[a * earlier.columns + c] = imag_part(x);
      }
  for (Index n = 0; n < earlier.log_rows * earlier.log_columns; ++n) earlier.log[n] += double(later.log[n]);
  if constexpr (Summary<M, T>::grows) for (Index c = 0; c < m1.scales(); ++c) earlier.growth[c] += double(later.growth[c]);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
