// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>

#include <vector>

namespace lcsm {

// Cotangents of a call's states, in the type that it computes in: `final` comes in, `initial` goes out. Of a StateView's components m, m_imag, z, z_imag
// and p alone; a memory of codes under a decay counts as settled. Both may be the same memory. Null: no cotangent, none wanted.
template <class T> struct StateCotangents {
  StateView<const T> final{};
  StateView<T> initial{};
};

namespace door {

template <class Leaf> struct names_of;
template <class Name, Axes X, Source S, class Map> struct names_of<Named<Name, X, S, Map>> {
  template <class F> static void each(F&& f) { f.template operator()<Name>(); }
};
template <class Name> struct names_of<OneHot<Name>> {
  template <class F> static void each(F&&) {}
};
template <class Query, class Book> struct names_of<Logits<Query, Book>> {
  template <class F> static void each(F&& f) { f.template operator()<Query>(), f.template operator()<Book>(); }
};

// A gradient has the extents of the call, or says (extent 1, stride 0) along which axes it is to be summed.
template <class Leaf, class In, class G> void gradient(const char* function, const In& in, const G& grads, const Extent& n, Index batch, Index tokens) {
  names_of<Leaf>::each([&]<class Name>() {
    if constexpr (Name::template present<const G>) {
      const auto& v = Name::of(grads);
      if (!v) return;
      const std::string argument = std::string("gradient of ") + Name::name;
      const char* name = argument.c_str();
      output_axes(function, name, v), grouped_heads(function, name, v, n.heads);
      bool stream = Leaf::streams;
      Index rows = Leaf::axes == Axes::matrix ? n.keys : 1, features = Leaf::axes == Axes::one ? 1 : Leaf::axes == Axes::key ? n.keys : n.values;
      if constexpr (requires { Leaf::book(in); }) {
        const bool is_book = std::string_view(Name::name) == Leaf::book_name;
        stream = !is_book, rows = is_book ? n.keys : 1, features = Leaf::view(in).feature();
      }
      axis(function, name, v, 0, stream ? batch : 1, true), axis(function, name, v, 1, stream ? tokens : 1, true), axis(function, name, v, 3, rows, true), axis(function, name, v, 4, features, true);
    }
  });
}
template <class M, class T> void state_cotangent(const char* function, const char* which, const StateView<T>& s, const Extent& n) {
  using Shape = StateShape<M>;
  component(function, which, "m", s.m, n.sequences, n.heads, n.keys, n.values);
  if constexpr (Shape::has_imag) component(function, which, "m_imag", s.m_imag, n.sequences, n.heads, n.keys, n.values);
  const Index z_rows = Shape::z_per_channel ? n.keys : 1, z_features = Shape::z_per_channel ? n.values : n.keys;
  if constexpr (Shape::has_z) component(function, which, "z", s.z, n.sequences, n.heads, z_rows, z_features);
  if constexpr (Shape::z_imag) component(function, which, "z_imag", s.z_imag, n.sequences, n.heads, z_rows, z_features);
  if constexpr (Shape::has_p) component(function, which, "p", s.p, n.sequences, n.heads, 1, M::scale_per_channel ? n.values : 1);
}

}  // namespace door

// A checked call of an adjoint. y_bar stands for the output.
template <class M, class T, class In, class Y, class G>
Call<M, T, In> checked_adjoint(const char* function, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& opt, const StateCotangents<T>& states) {
  constexpr Index parts = M::projection::parts;
  door::data(function, "y_bar", y_bar), door::axis(function, "y_bar", y_bar, 3, 1, true);
  if (y_bar.feature() % parts != 0) raise<ShapeError>(function, "y_bar", "a feature extent that holds " + door::text(parts) + " parts", door::text(y_bar.feature()));
  Call<M, T, In> call(function, in, opt, y_bar.batch(), y_bar.time(), y_bar.head(), y_bar.feature() / parts);
  M::visit([&]<class Leaf>() { door::gradient<Leaf>(function, in, grads, call.extent, y_bar.batch(), y_bar.time()); });
  if (states.final) door::state_cotangent<M>(function, "cotangent of final", states.final, call.extent);
  if (states.initial) door::state_cotangent<M>(function, "cotangent of initial", states.initial, call.extent);
  return call;
}

// Where cotangents arrive: for every member of the caller's aggregate that has a gradient, sums in double with the extents of that gradient's view.
// Leaves of one name share theirs. `store` rounds once.
template <class M, class G> class Gradients {
 public:
  explicit Gradients(const G& grads) : grads_(grads) {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        if constexpr (Name::template present<const G>) {
          const auto& v = Name::of(grads_);
          if (!v || find(&v)) return;
          Sum sum{&v, Buffer<double>(v.batch(), v.time(), v.head(), v.row(), v.feature()), {}};
          sum.view = sum.numbers.view();
          for (std::size_t x = 0; x < View<double>::axes; ++x)
            if (v.stride[x] == 0) sum.view.stride[x] = 0;
          sums_.push_back(std::move(sum));
        }
      });
    });
  }
  template <class Name> View<double> of() const {
    if constexpr (Name::template present<const G>) {
      if (const Sum* sum = find(&Name::of(grads_))) return sum->view;
    }
    return {};
  }
  void store() {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        const View<double> from = of<Name>();
        if constexpr (Name::template present<const G>) {
          const auto& to = Name::of(grads_);
          using S = typename std::remove_cvref_t<decltype(to)>::element;
          static_assert(!std::is_const_v<S>, "lcsm::vjp: a gradient is written: give the aggregate of gradients views of numbers that are not const");
          if (!from) return;
          for (Index b = 0; b < to.batch(); ++b)
            for (Index t = 0; t < to.time(); ++t)
              for (Index h = 0; h < to.head(); ++h)
                for (Index r = 0; r < to.row(); ++r)
                  for (Index f = 0; f < to.feature(); ++f) to.at(b, t, h, r, f) = static_cast<S>(static_cast<storage_compute_t<S>>(from.at(b, t, h, r, f)));
        }
      });
    });
  }

 private:
  struct Sum {
    const void* member;
    Buffer<double> numbers;
    View<double> view;
  };
  const Sum* find(const void* member) const {
    for (const Sum& sum : sums_)
      if (sum.member == member) return &sum;
    return nullptr;
  }
  const G& grads_;
  std::vector<Sum> sums_;
};

}  // namespace lcsm
