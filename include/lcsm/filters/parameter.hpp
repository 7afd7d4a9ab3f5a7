// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/sum_onto.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/stage/leaf.hpp>

#include <string>
#include <vector>

// A filter is a way from parameters to the taps of a long convolution, y_t = sum_l kernel_l x_{t-l}, one kernel per head and channel. It is a struct whose
// members are its options, at their published defaults, with
//
//     template <class T> struct In { View<T> ...; };                       the parameters, by name
//     void taps(const In<const P>& in, const View<T>& kernel) const
//     void taps_vjp(const In<const P>& in, const View<Y>& kernel_bar, const In<G>& grads) const
//
// kernel [1,L,H,1,D]: time is the lag, 0 first; L is read off the view. Lags before 0 are a view `back` [1,Lb,H,1,D] of their own, whose tap l is that of lag
// -(l+1), where a filter has them (Tnn); of any other filter a second set of parameters gives them.
//
// Everything is computed in double and rounded once, whatever P and T are; any strides. An axis of a parameter with extent 1 and stride 0 is the same all along,
// and heads of a call may share a parameter's as grouped queries do; what a filter reads a size off (the time of a table, the width of a network) is given in full.
//
// taps_vjp: kernel_bar is dL/dkernel, shaped as the kernel, any strides. Gradients have the names and extents of the parameters, or say with extent 1 and stride 0
// along which axes they are to be summed; they are written, not added to, as double sums in the order of the taps. Null views ask for nothing. Parameters and
// gradients must not overlap. Both throw ShapeError, or OptionError for an option, before anything is written.
namespace lcsm {
inline namespace LCSM_ARCH {
namespace filter {

// The extents that a parameter has in a call, or repeats along.
struct Extents { Index time = 1, heads = 1, rows = 1, features = 1; };

template <class P> void check(const char* function, const std::string& name, const View<P>& v, const Extents& n) {
  const char* const argument = name.c_str();
  door::data(function, argument, v), door::grouped_heads(function, argument, v, n.heads);
  door::axis(function, argument, v, 0, 1, true), door::axis(function, argument, v, 1, n.time, true);
  door::axis(function, argument, v, 3, n.rows, true), door::axis(function, argument, v, 4, n.features, true);
}
// A gradient as it is to be written, or none.
template <class G> void check_gradient(const char* function, const std::string& name, const View<G>& v, const Extents& n) {
  static_assert(!std::is_const_v<G>, "lcsm::filter: a gradient is written: give views of numbers that are not const");
  if (!v) return;
  check(function, "gradient of " + name, v, n), door::output_axes(function, ("gradient of " + name).c_str(), v);
}
// The taps of a call: written, or their cotangent.
template <class T> void check_kernel(const char* function, const char* name, const View<T>& v, Index heads, Index features) {
  door::data(function, name, v), door::axis(function, name, v, 0, 1, false), door::axis(function, name, v, 2, heads, false);
  door::axis(function, name, v, 3, 1, false), door::axis(function, name, v, 4, features, false);
  if constexpr (!std::is_const_v<T>) door::output_axes(function, name, v);
}
// A table of at least so many positions.
template <class P> void check_positions(const char* function, const std::string& name, const View<P>& v, Index taps) {
  if (v.time() < taps) raise<ShapeError>(function, name, "a time extent of at least " + door::text(taps), door::text(v.time()));
}

// Where a view keeps what a call knows as head h of `heads`.
template <class T> Index shared_head(const View<T>& v, Index h, Index heads) { return h / (heads / v.head()); }
template <class T> double number(const View<T>& v, Index heads, Index t, Index h, Index r, Index f) {
  return stage::convert<double>(v.at(0, v.time() == 1 ? 0 : t, shared_head(v, h, heads), v.row() == 1 ? 0 : r, v.feature() == 1 ? 0 : f));
}

// A parameter's numbers, or the sums of its gradient: dense doubles over the extents of the call.
class Numbers {
 public:
  Numbers() = default;
  explicit Numbers(const Extents& n, double value = 0) : n_(n), numbers_(to_size(n.time * n.heads * n.rows * n.features), value) {}
  // A view that is not given is `otherwise` everywhere.
  template <class P> Numbers(const Extents& n, const View<P>& v, double otherwise = 0) : Numbers(n, otherwise) {
    if (v) each(*this, [&](double& x, Index t, Index h, Index r, Index f) { x = number(v, n.heads, t, h, r, f); });
  }
  Numbers zeros() const { return Numbers(n_); }
  double* data() { return numbers_.data(); }
  const double* data() const { return numbers_.data(); }
  double& at(Index t, Index h, Index r, Index f) { return numbers_[offset(t, h, r, f)]; }
  double at(Index t, Index h, Index r, Index f) const { return numbers_[offset(t, h, r, f)]; }

  // Every number of `to` becomes the sum of those that share its place.
  template <class G> void store(const View<G>& to) const {
    if (!to) return;
    sum_onto(exec::seq, to, View<const double>(lcsm::view(numbers_.data(), 1, n_.time, n_.heads, n_.rows, n_.features)));
  }

 private:
  std::size_t offset(Index t, Index h, Index r, Index f) const { return to_size(((t * n_.heads + h) * n_.rows + r) * n_.features + f); }
  template <class Self, class F> static void each(Self& self, F&& f) {
    auto* x = self.data();
    for (Index t = 0; t < self.n_.time; ++t)
      for (Index h = 0; h < self.n_.heads; ++h)
        for (Index r = 0; r < self.n_.rows; ++r)
          for (Index c = 0; c < self.n_.features; ++c) f(*x++, t, h, r, c);
  }
  Extents n_{0, 0, 0, 0};
  std::vector<double> numbers_;
};

}  // namespace filter
}  // namespace LCSM_ARCH
}  // namespace lcsm
