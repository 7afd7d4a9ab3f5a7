// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>

#include <array>
#include <string_view>
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
  template <class F> static constexpr void each(F&& f) { f.template operator()<Name>(); }
};
template <class Name> struct names_of<OneHot<Name>> {
  template <class F> static constexpr void each(F&&) {}
};
template <class Query, class Book, bool Centred> struct names_of<Logits<Query, Book, Centred>> {
  template <class F> static constexpr void each(F&& f) { f.template operator()<Query>(), f.template operator()<Book>(); }
};

template <class Leaf, class Name> constexpr bool is_book() {
  if constexpr (requires { Leaf::book_name; }) return std::string_view(Name::name) == Leaf::book_name; else return false;
}

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
        constexpr bool book = is_book<Leaf, Name>();
        stream = !book, rows = book ? n.keys : 1, features = Leaf::view(in).feature();
      }
      axis(function, name, v, 0, stream ? batch : 1, true), axis(function, name, v, 1, stream ? tokens : 1, true), axis(function, name, v, 3, rows, true), axis(function, name, v, 4, features, true);
    }
  });
}
// The same of a function that is no mixer's: the gradient of an array of these extents. exact: nothing is summed.
template <class G> void gradient_view(const char* function, const char* of, const View<G>& v, const std::array<Index, 5>& extent, bool exact = false) {
  if (!v) return;
  const std::string argument = std::string("gradient of ") + of;
  const char* name = argument.c_str();
  for (std::size_t a = 0; a < 5; ++a) if (exact || a != 2) axis(function, name, v, a, extent[a], !exact);
  grouped_heads(function, name, v, extent[2]), output_axes(function, name, v);
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

// Whether saved memories are those of a forward call over these sequences.
template <class C> void filled(const char* function, const C& call) {
  const auto& saved = call.options.saved;
  if (!saved) return;
  for (Index n = 0; n < call.extent.sequences; ++n)
    for (Index b = 0; b < saved.blocks && b * saved.every < call.streams[to_size(n)].length; ++b) {
      const Index expected = call.streams[to_size(n)].position + b * saved.every, given = Index(saved.states.position.at(n * saved.blocks + b, 0, 0, 0, 0));
      if (given != expected) raise<OptionError>(function, "saved", "what the forward call has saved: a memory of position " + text(expected), given < 0 ? "none" : "one of position " + text(given));
    }
}

}  // namespace door

// The member of an aggregate of gradients, or nothing.
template <class Name, class G> auto gradient_of(const G& grads) {
  if constexpr (Name::template present<const G>) {
    using Member = std::remove_cvref_t<decltype(Name::of(grads))>;
    static_assert(!std::is_const_v<typename Member::element>, "lcsm: a gradient is written: give the aggregate of gradients views of numbers that are not const");
    return Member(Name::of(grads));
  } else return View<float>{};
}

// A checked call of an adjoint. y_bar stands for the output.
template <class M, class T, class In, class Y, class G>
Call<M, T, In> checked_adjoint(const char* function, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& opt, const StateCotangents<T>& states) {
  constexpr Index parts = M::projection::parts;
  door::data(function, "y_bar", y_bar), door::axis(function, "y_bar", y_bar, 3, 1, true);
  if (y_bar.feature() % parts != 0) raise<ShapeError>(function, "y_bar", "a feature extent that holds " + door::text(parts) + " parts", door::text(y_bar.feature()));
  Call<M, T, In> call(function, in, opt, y_bar.batch(), y_bar.time(), y_bar.head(), y_bar.feature() / parts);
  M::visit([&]<class Leaf>() { door::gradient<Leaf>(function, in, grads, call.extent, y_bar.batch(), y_bar.time()); });
  door::filled(function, call);
  if (states.final) door::state_cotangent<M>(function, "cotangent of final", states.final, call.extent);
  if (states.initial) door::state_cotangent<M>(function, "cotangent of initial", states.initial, call.extent);
  return call;
}

// Where the cotangents of one unit of work arrive for one member of the aggregate: in the caller's gradient itself where no other unit adds to the same
// numbers and nothing is summed, else in sums of the unit's own.
template <class S> struct GradientSlot {
  View<S> direct{};
  View<double> wide{};

  explicit operator bool() const { return direct || wide; }
  Index head(const Run& run) const { return direct ? stage::group_of(direct, run) : 0; }
  template <class X> void add(Index b, Index t, Index h, Index rows, Index columns, const X* bar) const {
    const auto into = [&](auto view) {
      auto* first = view.data + view.offset(b, t, h, 0, 0);
      using E = std::remove_reference_t<decltype(*first)>;
      for (Index a = 0; a < rows; ++a)
        for (Index c = 0; c < columns; ++c) first[a * view.stride[3] + c * view.stride[4]] += static_cast<E>(bar[a * columns + c]);
    };
    if constexpr (std::is_floating_point_v<S>) if (direct) return into(direct);
    into(wide);
  }
  void add_one(Index b, Index t, Index h, Index r, Index f, double bar) const {
    if constexpr (std::is_floating_point_v<S>) if (direct) return void(direct.at(b, t, h, r, f) += S(bar));
    wide.at(b, t, h, r, f) += bar;
  }
};

template <class M, class G> constexpr bool are_writable() {
  bool all = true;
  M::visit([&]<class Leaf>() {
    door::names_of<Leaf>::each([&]<class Name>() {
      if constexpr (Name::template present<const G>) all = all && !std::is_const_v<typename std::remove_cvref_t<decltype(Name::of(std::declval<const G&>()))>::element>;
    });
  });
  return all;
}
// The gradients of a call that computes in T. Units of work (a head of a sequence, or a stretch of its tokens) sum apart, in double, and are added up in
// the order of their numbers, so that no thread count changes a bit. Leaves of one name share their sums.
template <class M, class G, class T> class Gradients {
  static_assert(are_writable<M, G>(), "lcsm::vjp: a gradient is written: give the aggregate of gradients views of numbers that are not const");

 public:
  struct Part { Index batch, head; };

  // Units of work are those of the call: its heads.
  template <class C> Gradients(const G& grads, const C& call, Index batch, Arena& arena) : Gradients(grads, call, batch, heads_of(call), arena) {}
  // parts: where each unit is. Everything that a call adds to is 0 afterwards (unless the arena only counts).
  template <class C> Gradients(const G& grads, const C& call, Index batch, std::vector<Part> parts, Arena& arena) : grads_(grads), parts_(std::move(parts)), batch_(batch), extent_(call.extent) {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        if constexpr (Name::template present<const G>) {
          const auto& v = Name::of(grads_);
          using S = typename std::remove_cvref_t<decltype(v)>::element;
          if (!v || find(&v)) return;
          const bool stream = Leaf::streams && !door::is_book<Leaf, Name>();
          const Index rows = Leaf::axes == Axes::matrix ? extent_.keys : 1, features = Leaf::axes == Axes::one ? 1 : Leaf::axes == Axes::key ? extent_.keys : extent_.values;
          Sum sum{&v, stream && !repeats(v, 1), nullptr, v.row() * v.feature(), 0};
          sum.slice = sum.row * (sum.moves ? v.time() : 1);
          const bool alone = std::is_same_v<S, T> && sum.moves && !repeats(v, 0) && v.head() == extent_.heads && !requires { Leaf::book_name; } && (v.row() == rows && v.feature() == features);
          if (!alone) sum.wide = arena.take<double>(sum.slice * slices(sum));
          sums_.push_back(sum);
          if (arena.counting()) return;
          if (sum.wide) std::fill_n(sum.wide, sum.slice * slices(sum), 0.0); else each(v, [](S& x, Index, Index, Index, Index) { x = S(0); });
        }
      });
    });
  }

  // What unit n adds to.
  class Unit {
   public:
    Unit(const Gradients& all, Index n) : all_(all), n_(n) {}
    template <class Name> auto of() const {
      if constexpr (Name::template present<const G>) {
        const auto& v = Name::of(all_.grads_);
        using S = typename std::remove_cvref_t<decltype(v)>::element;
        const Sum* sum = all_.find(&v);
        if (!sum) return GradientSlot<S>{};
        if (!sum->wide) return GradientSlot<S>{.direct = v};
        const Part part = all_.parts_[to_size(n_)];
        double* first = sum->wide + sum->slice * (sum->moves ? part.batch * all_.extent_.heads + part.head : n_);
        return GradientSlot<S>{.wide = {first, {1, sum->slice / std::max<Index>(sum->row, 1), 1, v.row(), v.feature()},
                                        {0, sum->moves ? sum->row : 0, 0, v.row() > 1 ? v.feature() : 0, v.feature() > 1 ? 1 : 0}}};
      } else return GradientSlot<double>{};
    }

   private:
    const Gradients& all_;
    Index n_;
  };
  Unit unit(Index n) const { return {*this, n}; }

  // Adds the sums up, once all units are done.
  void store() const {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        if constexpr (Name::template present<const G>) {
          const auto& v = Name::of(grads_);
          using S = typename std::remove_cvref_t<decltype(v)>::element;
          const Sum* sum = find(&v);
          if (!sum || !sum->wide) return;
          const Index group = v.head() > 0 ? extent_.heads / v.head() : 1;
          each(v, [&](S& x, Index b, Index t, Index h, Index at) {
            double total = 0;
            if (sum->moves) {
              for (Index c = repeats(v, 0) ? 0 : b; c < (repeats(v, 0) ? batch_ : b + 1); ++c)
                for (Index g = h * group; g < (h + 1) * group; ++g) total += sum->wide[sum->slice * (c * extent_.heads + g) + t * sum->row + at];
            } else {
              for (Index n = 0; n < Index(parts_.size()); ++n)
                if (const Part& part = parts_[to_size(n)]; part.head / group == h && (repeats(v, 0) || v.batch() == 1 || part.batch == b)) total += sum->wide[sum->slice * n + at];
            }
            x = static_cast<S>(static_cast<storage_compute_t<S>>(total));
          });
        }
      });
    });
  }

 private:
  struct Sum {
    const void* member = nullptr;
    bool moves = false;                // a row for every token
    double* wide = nullptr;            // null where the caller's own numbers are added to
    Index row = 0, slice = 0;          // numbers of a token, of a unit
  };
  template <class C> static std::vector<Part> heads_of(const C& call) {
    std::vector<Part> parts;
    for (Index unit = 0; unit < call.units(); ++unit) parts.push_back({call.unit(unit).batch, call.unit(unit).head});
    return parts;
  }
  template <class V> static bool repeats(const V& v, std::size_t axis) { return v.extent[axis] == 1 && v.stride[axis] == 0; }
  Index slices(const Sum& sum) const { return sum.moves ? batch_ * extent_.heads : Index(parts_.size()); }
  template <class V, class F> static void each(const V& v, F&& f) {
    for (Index b = 0; b < v.batch(); ++b)
      for (Index t = 0; t < v.time(); ++t)
        for (Index h = 0; h < v.head(); ++h)
          for (Index r = 0; r < v.row(); ++r)
            for (Index c = 0; c < v.feature(); ++c) f(v.at(b, t, h, r, c), b, t, h, r * v.feature() + c);
  }
  const Sum* find(const void* member) const {
    for (const Sum& sum : sums_)
      if (sum.member == member) return &sum;
    return nullptr;
  }
  const G& grads_;
  std::vector<Part> parts_;
  Index batch_;
  Extent extent_;
  std::vector<Sum> sums_;
};

}  // namespace lcsm
