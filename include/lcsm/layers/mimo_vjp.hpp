// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/mimo.hpp>
#include <lcsm/mode/vjp.hpp>

#include <deque>

namespace lcsm {
inline namespace LCSM_ARCH {

namespace mimo_layer {

// A gradient of a map as it is to be written: null, or in the extents of the map.
template <class G> void map_gradient(const char* name, const View<G>& v, Index rows, Index columns) {
  if (v) map(name, v, rows, columns), door::output_axes("mimo_vjp", name, v);
}
// to[r, c] = scale * sum over batch and time of row[r] * column[c], in double, in the order of the tokens: a unit of work is a row, so no thread count changes
// a bit.
template <class Exec, class X, class Y, class G> void outer_sum(const Exec& exec, const View<X>& row, const View<Y>& column, double scale, const View<G>& to) {
  if (!to) return;
  exec.for_each(to.row(), [&](Index r, Index) {
    std::vector<double> sum(to_size(to.feature()));
    for (Index b = 0; b < row.batch(); ++b)
      for (Index t = 0; t < row.time(); ++t) {
        const double x = stage::convert<double>(row(b, t, 0, r));
        for (Index c = 0; c < to.feature(); ++c) sum[to_size(c)] += x * stage::convert<double>(column(b, t, 0, c));
      }
    for (Index c = 0; c < to.feature(); ++c) to.at(0, 0, 0, r, c) = static_cast<G>(static_cast<storage_compute_t<G>>(scale * sum[to_size(c)]));
  });
}
// Gradients of a mixer's parameters, to be added to others.
template <class M, class T> class Parameters {
 public:
  typename M::template In<T> views{};
  explicit Parameters(const typename M::template In<T>& like) {
    each(like, [&](View<T>& mine, const View<T>& of) {
      auto& numbers = numbers_.emplace_back(of.batch(), of.time(), of.head(), of.row(), of.feature());
      mine = numbers.view();
      for (std::size_t x = 0; x < 5; ++x) if (of.stride[x] == 0) mine.stride[x] = 0;
    });
  }
  void add_to(const typename M::template In<T>& others) {
    each(others, [](const View<T>& mine, const View<T>& to) {
      for (Index b = 0; b < to.batch(); ++b)
        for (Index t = 0; t < to.time(); ++t)
          for (Index h = 0; h < to.head(); ++h)
            for (Index r = 0; r < to.row(); ++r)
              for (Index c = 0; c < to.feature(); ++c) to.at(b, t, h, r, c) += mine.at(b, t, h, r, c);
    });
  }

 private:
  template <class Other, class F> void each(Other& other, F&& f) {
    std::vector<const void*> seen;
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        if (!Name::of(other) || std::string_view(Name::name) == "x" || std::string_view(Name::name) == "x_imag") return;
        const void* member = &Name::of(views);
        if (std::find(seen.begin(), seen.end(), member) == seen.end()) seen.push_back(member), f(Name::of(views), Name::of(other));
      });
    });
  }
  std::deque<Buffer<T>> numbers_;
};

}  // namespace mimo_layer

// The adjoint of `mimo`, whose inputs, maps, u and options come first and mean the same; y_bar is dL/dy, shaped as y. With q_t = C^H y_bar_t, scaled, as the
// cotangent of the states and x_bar that of the mixer's input (its own adjoint, mode/vjp.hpp):
//
//     dL/dC = scale sum_t y_bar_t Re(m_t)^T, dL/dC_imag = -scale sum_t y_bar_t Im(m_t)^T        dL/dB = sum_t Re(x_bar_t) u_t^T, dL/dB_imag = sum_t Im(x_bar_t) u_t^T
//     dL/dD = sum_t y_bar_t u_t^T, or its diagonal                                              u_bar_t = B^T Re(x_bar_t) + B_imag^T Im(x_bar_t) + D^T y_bar_t
//
// grads: views of the mixer's parameters (its x and x_imag are not looked at); map_grads: shaped as the maps; null views ask for nothing. Everything is
// written, not added to; tokens off the timelines get a u_bar of 0. The forward pass is run again; allocates 10 N (15 N) numbers per token. No thread count
// changes a bit. Inputs and gradients must not overlap. Throws before anything is written: ShapeError, SequenceError.
template <class Projection = project::TwiceReal, class Exec, class M, class P, class U, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void mimo_vjp(const Exec& exec, M mixer, typename M::template In<const T> in, const MimoMaps<P>& maps, const View<U>& u, const View<Y>& y_bar, typename M::template In<T> grads,
              const MimoMaps<G>& map_grads, const View<G>& u_bar, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  static_assert(M::projection::parts == 2, "lcsm::mimo_vjp: the mixer writes both parts of its states: give it project::Complex");
  using namespace mimo_layer;
  const Index N = maps.B.row(), batch = y_bar.batch(), time = y_bar.time(), outputs = y_bar.feature(), inputs = u.feature();
  const bool two = maps.C.feature() == 2 * N, row = maps.D && maps.D.row() == 1 && outputs != 1;
  Buffer<T> bar(batch, time, 1, outputs);
  check_output(maps, u, bar.view(), two ? 2 * N : N), check_input(maps, u, batch, time, N);
  map_gradient("gradient of B", map_grads.B, N, inputs), map_gradient("gradient of B_imag", map_grads.B_imag, N, inputs);
  map_gradient("gradient of C", map_grads.C, outputs, two ? 2 * N : N), map_gradient("gradient of C_imag", map_grads.C_imag, outputs, two ? 2 * N : N);
  if (map_grads.D) map_gradient("gradient of D", map_grads.D, maps.D.row(), maps.D.feature());
  if (u_bar) {
    const Index of_u[] = {batch, time, 1, 1, inputs};
    for (std::size_t a = 0; a < 5; ++a) door::axis("mimo_vjp", "u_bar", u_bar, a, of_u[a], false);
    door::output_axes("mimo_vjp", "u_bar", u_bar);
  }
  if (two && (options.initial || states.final || states.initial)) raise<ShapeError>("mimo_vjp", "C", door::text(N) + " columns, one direction, beside a state", door::text(2 * N));
  std::vector<Index> table;
  const std::vector<Timeline> streams = door::timelines("mimo_vjp", batch, time, options, table);

  // y of tokens off the timelines is 0 whatever it is made of.
  bar.fill(T(0));
  for (std::size_t n = 0; n < streams.size(); ++n)
    for (Index j = 0; j < streams[n].length; ++j)
      for (Index c = 0, b = options.sequences.given() ? 0 : Index(n), t = streams[n].token(j); c < outputs; ++c) bar.view()(b, t, 0, c) = stage::convert<T>(y_bar(b, t, 0, c));
  const View<const T> y = std::as_const(bar).view();
  const double scale = Projection::scale;
  const Matrix<T> re = parameters<T>(maps.C) * T(scale), im = parameters<T>(maps.C_imag) * T(-scale), b_re = parameters<T>(maps.B), b_im = parameters<T>(maps.B_imag), d = parameters<T>(maps.D);

  Buffer<T> x(batch, time, 1, N), x_imag(batch, time, 1, N), x_bar(batch, time, 1, N), x_imag_bar(batch, time, 1, N), other_bar, other_imag_bar;
  mimo_input(exec, maps, u, x.view(), x_imag.view());
  in.x = std::as_const(x).view(), in.x_imag = std::as_const(x_imag).view();
  const auto pass = [&](const Options<T>& call, Index column, const typename M::template In<T>& to, const StateCotangents<T>& of) {
    Buffer<T> m(batch, time, 1, 2 * N), m_bar(batch, time, 1, 2 * N);
    Options<T> forward = call;
    forward.final = {};
    mix(exec, mixer, in, m.view(), forward);
    const View<const T> states_re = std::as_const(m).view().features(0, N), states_im = std::as_const(m).view().features(N, N);
    if (map_grads.C) outer_sum(exec, y, states_re, scale, map_grads.C.features(column, N));
    if (map_grads.C_imag) outer_sum(exec, y, states_im, -scale, map_grads.C_imag.features(column, N));
    for_each_block(exec, m_bar.view(), [&](Index b, Index first, Index count) {
      const Block<T> rows = tokens<T>(y, b, first, count);
      store<T>(rows * re.middleCols(column, N), m_bar.view().features(0, N), b, first), store<T>(rows * im.middleCols(column, N), m_bar.view().features(N, N), b, first);
    });
    vjp(exec, mixer, in, std::as_const(m_bar).view(), to, forward, of);
  };
  grads.x = x_bar.view(), grads.x_imag = x_imag_bar.view();
  pass(options, 0, grads, states);
  if (two) {
    Parameters<M, T> more(grads);
    other_bar = x_bar, other_imag_bar = x_imag_bar;
    more.views.x = x_bar.view(), more.views.x_imag = x_imag_bar.view();
    Options<T> back = options;
    back.direction = options.direction == Direction::forward ? Direction::reverse : Direction::forward;
    pass(back, N, more.views, {});
    more.add_to(grads);
    for (Index n = 0; n < x_bar.size(); ++n) x_bar[n] += other_bar[n], x_imag_bar[n] += other_imag_bar[n];
  }
  outer_sum(exec, std::as_const(x_bar).view(), u, 1, map_grads.B), outer_sum(exec, std::as_const(x_imag_bar).view(), u, 1, map_grads.B_imag);
  if (map_grads.D && !row) outer_sum(exec, y, u, 1, map_grads.D);
  else if (map_grads.D)
    for (Index c = 0; c < outputs; ++c) outer_sum(exec, y.features(c, 1), u.features(c, 1), 1, map_grads.D.features(c, 1));
  if (u_bar)
    for_each_block(exec, u_bar, [&](Index b, Index first, Index count) {
      Block<T> out = tokens<T>(std::as_const(x_bar).view(), b, first, count) * b_re + tokens<T>(std::as_const(x_imag_bar).view(), b, first, count) * b_im;
      if (row) out.array() += tokens<T>(y, b, first, count).array().rowwise() * d.row(0).array();
      else if (maps.D) out += tokens<T>(y, b, first, count) * d;
      store<T>(out, u_bar, b, first);
    });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
