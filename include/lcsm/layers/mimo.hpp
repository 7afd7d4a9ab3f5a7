// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/mix.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <Eigen/Core>

namespace lcsm {

// Dense maps around a diagonal mixer, for systems with many inputs and outputs (S5, LRU):
//
//     x_t = B u_t            m = the mixer's, which reads x + i x_imag and writes both parts of its states, [Re | Im]
//     y_t = scale Re(C m_t) + D u_t          scale: that of the projection, 2 for project::TwiceReal, one of each conjugate pair being stored
//
// u [B,T,1,In], y [B,T,1,Out], N states. B, B_imag [1,N,In], C, C_imag [1,Out,N], as parameter(data, 1, rows, columns); D a row [1,1,Out], where
// In = Out, or a matrix [1,Out,In], or {} for none. C [1,Out,2N] has two directions: its second half reads the states of a pass from the end.
//
// Products are Eigen's, in the computing type of the output, over blocks of tokens. Their sums err within (In + 2) and (2 N + In + 3) eps of the sum
// of the absolute values of their terms. No view may overlap an output.
template <class T> struct MimoMaps { View<T> B{}, B_imag{}, C{}, C_imag{}, D{}; };

inline namespace LCSM_ARCH {

namespace mimo_layer {
template <class T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
// Tokens of one item of work; their known number keeps Eigen from starting threads of its own.
inline constexpr Index block = 32;
template <class T> using Block = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, block, Eigen::Dynamic>;

template <class T, class P> Matrix<T> parameters(const View<P>& v) {
  Matrix<T> out(v.row(), v.feature());
  for (Index r = 0; r < v.row(); ++r)
    for (Index c = 0; c < v.feature(); ++c) out(r, c) = stage::convert<T>(v.at(0, 0, 0, r, c));
  return out;
}
template <class T, class S> Block<T> tokens(const View<S>& v, Index batch, Index first, Index count) {
  Block<T> out(count, v.feature());
  for (Index j = 0; j < count; ++j)
    for (Index c = 0; c < v.feature(); ++c) out(j, c) = stage::convert<T>(v(batch, first + j, 0, c));
  return out;
}
template <class T, class S> void store(const Block<T>& from, const View<S>& to, Index batch, Index first) {
  for (Index j = 0; j < from.rows(); ++j)
    for (Index c = 0; c < from.cols(); ++c) to(batch, first + j, 0, c) = stage::convert<S>(from(j, c));
}
template <class Exec, class S, class F> void for_each_block(const Exec& exec, const View<S>& y, F&& f) {
  const Index blocks = (y.time() + block - 1) / block;
  exec.for_each(y.batch() * blocks, [&](Index n, Index) {
    const Index first = n % blocks * block;
    f(n / blocks, first, (std::min)(block, y.time() - first));
  });
}

template <class P> void map(const char* name, const View<P>& v, Index rows, Index columns) {
  for (std::size_t a = 0; a < 3; ++a) door::axis("mimo", name, v, a, 1, true);
  door::axis("mimo", name, v, 3, rows, false), door::axis("mimo", name, v, 4, columns, false), door::data("mimo", name, v);
}
template <class U> void check_tokens(const View<U>& u, Index batch, Index time) {
  const Index of_u[] = {batch, time, 1, 1};
  for (std::size_t a = 0; a < 4; ++a) door::axis("mimo", "u", u, a, of_u[a], true);
  door::data("mimo", "u", u);
}
template <class P, class U> void check_input(const MimoMaps<P>& p, const View<U>& u, Index batch, Index time, Index states) {
  check_tokens(u, batch, time), map("B", p.B, states, u.feature()), map("B_imag", p.B_imag, states, u.feature());
}
// C is checked for `columns` of states, D against u and the output.
template <class P, class U, class S> void check_output(const MimoMaps<P>& p, const View<U>& u, const View<S>& y, Index columns) {
  door::data("mimo", "y", y), door::axis("mimo", "y", y, 2, 1, true), door::axis("mimo", "y", y, 3, 1, true), door::output_axes("mimo", "y", y);
  map("C", p.C, y.feature(), columns), map("C_imag", p.C_imag, y.feature(), columns);
  if (!p.D) return;
  if (p.D.row() == 1 && y.feature() != 1) map("D", p.D, 1, y.feature()), door::axis("mimo", "u", u, 4, y.feature(), false);
  else map("D", p.D, y.feature(), u.feature());
}
}

// x + i x_imag = B u. x, x_imag [B,T,1,N].
template <class Exec, class P, class U, class S> void mimo_input(const Exec& exec, const MimoMaps<P>& maps, const View<U>& u, const View<S>& x, const View<S>& x_imag) {
  using T = storage_compute_t<S>;
  using namespace mimo_layer;
  for (const auto& [name, v] : {std::pair{"x", x}, std::pair{"x_imag", x_imag}}) {
    door::data("mimo", name, v), door::output_axes("mimo", name, v);
    const Index of_x[] = {u.batch(), u.time(), 1, 1, maps.B.row()};
    for (std::size_t a = 0; a < 5; ++a) door::axis("mimo", name, v, a, of_x[a], false);
  }
  check_input(maps, u, u.batch(), u.time(), maps.B.row());
  const Matrix<T> re = parameters<T>(maps.B), im = parameters<T>(maps.B_imag);
  for_each_block(exec, x, [&](Index b, Index first, Index count) {
    const Block<T> in = tokens<T>(u, b, first, count);
    store<T>(in * re.transpose(), x, b, first), store<T>(in * im.transpose(), x_imag, b, first);
  });
}

// y = scale Re(C m) + D u, m [B,T,1,2N] = [Re | Im]. `back`: the states of the second direction, where C has one.
template <class Projection = project::TwiceReal, class Exec, class P, class M, class U, class S>
void mimo_output(const Exec& exec, const MimoMaps<P>& maps, const View<M>& m, const View<U>& u, const View<S>& y, const std::type_identity_t<View<M>>& back = {}) {
  using T = storage_compute_t<S>;
  using namespace mimo_layer;
  static_assert(Projection::parts == 1, "lcsm::mimo_output: real outputs, so project::Real or project::TwiceReal");
  const Index N = m.feature() / 2;
  const bool two = back.feature() > 0;
  for (const auto& [name, v] : {std::pair{"m", m}, std::pair{"back", two ? back : m}}) {
    const Index of_m[] = {y.batch(), y.time(), 1, 1, 2 * N};
    for (std::size_t a = 0; a < 5; ++a) door::axis("mimo", name, v, a, of_m[a], false);
    door::data("mimo", name, v);
  }
  check_output(maps, u, y, two ? 2 * N : N);
  if (maps.D) check_tokens(u, y.batch(), y.time());
  const Matrix<T> re = parameters<T>(maps.C) * T(Projection::scale), im = parameters<T>(maps.C_imag) * T(-Projection::scale), d = parameters<T>(maps.D);
  const bool row = maps.D && maps.D.row() == 1 && y.feature() != 1;
  for_each_block(exec, y, [&](Index b, Index first, Index count) {
    const auto read = [&](const View<M>& from, Index column) -> Block<T> {
      const Block<T> states = tokens<T>(from, b, first, count);
      return states.leftCols(N) * re.middleCols(column, N).transpose() + states.rightCols(N) * im.middleCols(column, N).transpose();
    };
    Block<T> out = read(m, 0);
    if (two) out += read(back, N);
    if (row) out.array() += tokens<T>(u, b, first, count).array().rowwise() * d.row(0).array();
    else if (maps.D) out += tokens<T>(u, b, first, count) * d.transpose();
    store<T>(out, y, b, first);
  });
}

// All of it, with the fastest mode of the mixer in the middle: `in` has the mixer's parameters, its x and x_imag are filled here. Options are those
// of mix (states, packed sequences, a mask, whose padding writes 0); a C of two directions has neither initial nor final state. Allocates the
// numbers in between, of 4 N (6 N) numbers per token. Throws before anything is written: ShapeError, SequenceError.
//
//     mimo(exec::par, S5{}, S5::In<const float>{.log_step = ..., .lambda = ..., .lambda_imag = ...}, maps, u, y);
template <class Projection = project::TwiceReal, class Exec, class M, class P, class U, class S, class T = storage_compute_t<S>>
void mimo(const Exec& exec, M mixer, typename M::template In<const T> in, const MimoMaps<P>& maps, const View<U>& u, const View<S>& y, const Options<T>& options = {}) {
  static_assert(M::projection::parts == 2, "lcsm::mimo: the mixer writes both parts of its states: give it project::Complex");
  const Index N = maps.B.row();
  const bool two = maps.C.feature() == 2 * N;
  mimo_layer::check_output(maps, u, y, two ? 2 * N : N), mimo_layer::check_input(maps, u, y.batch(), y.time(), N);
  if (two && (options.initial || options.final)) raise<ShapeError>("mimo", "C", door::text(N) + " columns, one direction, beside a state", door::text(2 * N));
  std::vector<Index> table;
  const std::vector<Timeline> streams = door::timelines("mimo", y.batch(), y.time(), options, table);
  Buffer<T> x(y.batch(), y.time(), 1, N), x_imag(y.batch(), y.time(), 1, N), m(y.batch(), y.time(), 1, 2 * N), back;
  mimo_input(exec, maps, u, x.view(), x_imag.view());
  in.x = std::as_const(x).view(), in.x_imag = std::as_const(x_imag).view();
  mix(exec, mixer, in, m.view(), options);
  if (two) {
    Options<T> other = options;
    other.direction = options.direction == Direction::forward ? Direction::reverse : Direction::forward;
    back = Buffer<T>(y.batch(), y.time(), 1, 2 * N), mix(exec, mixer, in, back.view(), other);
  }
  mimo_output<Projection>(exec, maps, std::as_const(m).view(), u, y, std::as_const(back).view());
  const struct { const Options<T>& options; } call{options};
  zero_padding(call, y);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
