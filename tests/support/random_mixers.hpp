// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/options.hpp>
#include <lcsm/mixer.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace lcsm::test {

// Random numbers that are the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform(double low, double high) { return low + (high - low) * (double(engine_() >> 11) * 0x1p-53); }
  Index below(Index n) { return Index(engine_() % std::uint64_t(n)); }
  Index between(Index low, Index high) { return low + below(high - low + 1); }
  bool one_in(Index n) { return below(n) == 0; }
  Index one_of(std::initializer_list<Index> x) { return x.begin()[below(Index(x.size()))]; }

 private:
  std::mt19937_64 engine_;
};

// All bits set: a NaN of every floating-point type, -1 of every integer.
inline constexpr unsigned char poison = 0xff;
template <class T> bool is_poison(const T& x) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &x, sizeof(T));
  return std::all_of(bytes, bytes + sizeof(T), [](unsigned char b) { return b == poison; });
}
template <class T> bool same_bits(const T& x, const T& y) { return std::memcmp(&x, &y, sizeof(T)) == 0; }

// dense: row-major. strided: axes in any order, gaps, backwards. rows: gaps and any order, but features side by side. In each of the last
// two, and in `unaligned`, the first number lies one element off a border.
enum class Layout { dense, unaligned, rows, strided };
inline Layout any_layout(Random& random) { return Layout(random.below(4)); }

// Numbers with poison before, behind and between them.
template <class T> class Guarded {
 public:
  Guarded(const std::array<Index, 5>& extent, Layout layout, Random& random) {
    std::array<std::size_t, 5> order{4, 3, 2, 1, 0};        // innermost first
    const bool gaps = layout == Layout::rows || layout == Layout::strided;
    if (gaps)
      for (std::size_t n = 4; n > (layout == Layout::rows ? 1u : 0u); --n) {
        const std::size_t low = layout == Layout::rows ? 1 : 0;
        std::swap(order[n], order[low + to_size(random.below(Index(n - low) + 1))]);
      }
    view.extent = extent;
    Index run = layout == Layout::strided ? random.between(1, 3) : 1;
    for (const std::size_t x : order) {
      view.stride[x] = run;
      run = run * std::max<Index>(extent[x], 1) + (gaps && !(layout == Layout::rows && x == 4) ? random.below(3) : 0);
    }
    bytes_.assign(to_size((run + 2 * margin) * Index(sizeof(T)) + 128), poison);
    void* at = bytes_.data();
    std::size_t room = bytes_.size();
    view.data = static_cast<T*>(std::align(64, sizeof(T), at, room)) + margin + (layout == Layout::dense ? 0 : 1);
    if (layout == Layout::strided)
      for (std::size_t x = 0; x < 5; ++x)
        if (extent[x] > 1 && random.one_in(4)) view.data += (extent[x] - 1) * view.stride[x], view.stride[x] = -view.stride[x];
  }
  Guarded(Guarded&&) noexcept = default;                   // the numbers stay where they are

  View<T> view;
  operator View<T>() const { return view; }

  template <class F> void each(F&& f) const {
    for (Index b = 0; b < view.batch(); ++b)
      for (Index t = 0; t < view.time(); ++t)
        for (Index h = 0; h < view.head(); ++h)
          for (Index r = 0; r < view.row(); ++r)
            for (Index c = 0; c < view.feature(); ++c) f(view.at(b, t, h, r, c));
  }
  void poison_all() { std::fill(bytes_.begin(), bytes_.end(), poison); }
  // Whether every byte that is no number of the view still is what it was.
  bool slack_is_untouched() const {
    std::vector<unsigned char> rest = bytes_;
    each([&](const T& x) { std::fill_n(rest.begin() + (reinterpret_cast<const unsigned char*>(&x) - bytes_.data()), sizeof(T), poison); });
    return std::all_of(rest.begin(), rest.end(), [](unsigned char b) { return b == poison; });
  }
  // Whether nothing was written at all.
  bool is_untouched() const { return std::all_of(bytes_.begin(), bytes_.end(), [](unsigned char b) { return b == poison; }); }

 private:
  static constexpr Index margin = 64;
  std::vector<unsigned char> bytes_;
};

struct Shape {
  Index batch = 1, tokens = 1, heads = 1, keys = 1, values = 1;
  std::string text() const {
    std::string s;
    for (Index n : {batch, tokens, heads, keys, values}) s += (s.empty() ? "B,T,H,K,D = " : ", ") + std::to_string(n);
    return s;
  }
};

// Every member that a mixer of the tests may name.
template <class S> struct Inputs {
  View<const S> kernel, q, k, v, g, phase, f, i, beta, a, b, u, w, x, x_imag, delta, lower_bound, A, A_imag, B, B_imag, C, C_imag, D, codebook, delta_bias, log_dt, log_A_real, nu_log, theta_log, gamma_log,
      alpha, gamma, recurrent_gate, input_gate, recurrent_param, log_neg_re, W, W_imag, A_log, omega, a_imag, p, dt_bias, r, kk, k_a, log_step, lambda, lambda_imag, erase, erase_imag, f_bias, i_bias, length, log_dt_imag, log_imag, time_decay, write, write_imag;
  View<const std::int32_t> code, read_code;
  Index codes = 0;
};

// What a leaf is about.
template <class Leaf> struct LeafTraits;
template <class Name, Axes X, Source S, class Map> struct LeafTraits<Named<Name, X, S, Map>> { using name = Name; using map = Map; };
template <class Name> struct LeafTraits<OneHot<Name>> { using name = Name; using map = void; };
template <class Query, class Book, bool Centred> struct LeafTraits<Logits<Query, Book, Centred>> { using name = Query; using map = void; };
template <class Leaf> inline constexpr bool is_code_leaf = requires { Leaf::is_code; };
template <class Leaf> inline constexpr bool has_book = requires { Leaf::book_name; };

// Whether the key width is read off the inputs; else it is 1, or that of a state.
template <class M> bool has_keys() {
  bool found = false;
  M::visit([&]<class Leaf>() { found = found || Leaf::axes == Axes::key || Leaf::axes == Axes::matrix; });
  return found;
}

// How random inputs look.
struct Style {
  bool dense = false;         // plain layouts alone
  bool broadcast = true;      // some axes are said to be all the same
  bool groups = true;         // some streams and parameters serve several heads
  bool closed_gates = true;   // some gates are shut
  double gate_shift = 0;      // of raw gates: < 0 forgets, > 0 keeps
  double gate_scale = 1;
};

// Random inputs of a mixer: streams and parameters in [-1, 1] through the mixer's own maps.
template <class M, class S> class RandomInputs {
 public:
  Inputs<S> in;

  RandomInputs(const Shape& n, const Style& style, Random& random) {
    bool keys_said = false;
    in.codes = n.keys;
    M::visit([&]<class Leaf>() {
      using Name = typename LeafTraits<Leaf>::name;
      auto& member = Name::of(in);
      using E = std::remove_const_t<typename std::remove_cvref_t<decltype(member)>::element>;
      const bool keyed = Leaf::axes == Axes::key || Leaf::axes == Axes::matrix;
      const bool first_keyed = keyed && !keys_said;
      keys_said = keys_said || keyed;
      if (member.data) return;                              // two leaves of one name
      if constexpr (is_code_leaf<Leaf>) {
        member = make<E>(extents<Leaf>(n, 1, style, random), style, random, [&] { return E(random.below(n.keys)); });
      } else if constexpr (has_book<Leaf>) {
        const Index width = 3;
        member = make<E>(extents<Leaf>(n, width, style, random), style, random, [&] { return E(float(random.uniform(-1, 1))); });
        in.codebook = make<S>({1, 1, n.heads, n.keys, width}, style, random, [&] { return S(float(random.uniform(-1, 1))); });
        in.codebook.stride[0] = in.codebook.stride[1] = 0;
      } else {
        std::array<Index, 5> extent = extents<Leaf>(n, Leaf::axes == Axes::one ? 1 : Leaf::axes == Axes::key ? n.keys : n.values, style, random);
        bool repeats[5] = {};
        if (style.broadcast)
          for (std::size_t x : {0u, 1u, 3u, 4u})
            if (random.one_in(6) && !(first_keyed && (x == 3 || x == 4))) extent[x] = 1, repeats[x] = true;
        member = make<E>(extent, style, random, [&] { return static_cast<E>(number<Name, typename LeafTraits<Leaf>::map>(style, random)); });
        for (std::size_t x = 0; x < 5; ++x)
          if (repeats[x] || (!Leaf::streams && x < 2)) member.stride[x] = 0;
      }
    });
  }
  RandomInputs(const RandomInputs&) = delete;

 private:
  template <class Leaf> static std::array<Index, 5> extents(const Shape& n, Index features, const Style& style, Random& random) {
    Index heads = n.heads;
    if (style.groups && random.one_in(2))
      for (heads = random.between(1, n.heads); n.heads % heads != 0;) --heads;
    return {Leaf::streams ? n.batch : 1, Leaf::streams ? n.tokens : 1, heads, Leaf::axes == Axes::matrix ? n.keys : 1, features};
  }
  template <class Name, class Map> static float number(const Style& style, Random& random) {
    if constexpr (std::is_same_v<Name, in::lower_bound>) return float(random.uniform(0, 0.9));
    else if constexpr (std::is_same_v<Map, map::LogSigmoid<>>) {
      if (style.closed_gates && random.one_in(40)) return -std::numeric_limits<float>::infinity();
      return float(random.uniform(-style.gate_scale, style.gate_scale) + style.gate_shift);
    } else return float(random.uniform(-1, 1));
  }
  template <class E, class F> View<const E> make(const std::array<Index, 5>& extent, const Style& style, Random& random, F&& next) {
    auto& all = storage<E>();
    all.emplace_back(extent, style.dense ? Layout::dense : any_layout(random), random);
    all.back().each([&](E& x) { x = next(); });
    return all.back().view;
  }
  template <class E> auto& storage() {
    if constexpr (std::is_same_v<E, S>) return numbers_; else return codes_;
  }
  std::deque<Guarded<S>> numbers_;
  std::deque<Guarded<std::int32_t>> codes_;
};

// f(view) of every stream; parameters stay as they are.
template <class M, class S, class F> Inputs<S> map_streams(const Inputs<S>& in, F&& f) {
  Inputs<S> out = in;
  M::visit([&]<class Leaf>() {
    using Name = typename LeafTraits<Leaf>::name;
    if constexpr (Leaf::streams) Name::of(out) = f(Name::of(in));
  });
  return out;
}
template <class T> View<T> along(View<T> v, std::size_t axis, Index first, Index count) {
  return v.extent[axis] == 1 && v.stride[axis] == 0 ? v : v.slice(axis, first, count);
}
template <class M, class S> Inputs<S> tokens_of(const Inputs<S>& in, Index first, Index count) {
  return map_streams<M>(in, [&](auto v) { return along(v, 1, first, count); });
}
template <class M, class S> Inputs<S> batch_of(const Inputs<S>& in, Index first, Index count) {
  return map_streams<M>(in, [&](auto v) { return along(v, 0, first, count); });
}
template <class M, class S> Inputs<S> backwards(const Inputs<S>& in) {
  return map_streams<M>(in, [&](auto v) {
    if (v.time() > 1) v.data += (v.time() - 1) * v.stride[1], v.stride[1] = -v.stride[1];
    return v;
  });
}

// Components of a state, with poison around them.
template <class M, class T> class GuardedState {
  using Shape_ = StateShape<M>;

 public:
  GuardedState(Index sequences, const Shape& n, Layout layout, Random& random)
      : m_({sequences, 1, n.heads, n.keys, n.values}, layout, random),
        m_imag_({have(Shape_::has_imag, sequences), 1, n.heads, n.keys, n.values}, layout, random),
        z_({have(Shape_::has_z, sequences), 1, n.heads, Shape_::z_per_channel ? n.keys : 1, Shape_::z_per_channel ? n.values : n.keys},
           layout, random),
        z_imag_({have(Shape_::z_imag, sequences), 1, n.heads, Shape_::z_per_channel ? n.keys : 1,
                 Shape_::z_per_channel ? n.values : n.keys},
                layout, random),
        p_({have(Shape_::has_p, sequences), 1, n.heads, 1, M::scale_per_channel ? n.values : 1}, layout, random),
        touched_({have(Shape_::lazy, sequences), 1, n.heads, 2, n.keys}, layout, random),
        clock_({have(Shape_::lazy, sequences), 1, n.heads, 2, 1}, layout, random),
        position_({sequences, 1, 1, 1, 1}, layout, random) {}

  StateView<T> view() const {
    StateView<T> v;
    v.m = m_.view, v.position = position_.view;
    if constexpr (Shape_::has_imag) v.m_imag = m_imag_.view;
    if constexpr (Shape_::has_z) v.z = z_.view;
    if constexpr (Shape_::z_imag) v.z_imag = z_imag_.view;
    if constexpr (Shape_::has_p) v.p = p_.view;
    if constexpr (Shape_::lazy) v.touched = touched_.view, v.clock = clock_.view;
    return v;
  }
  operator StateView<T>() const { return view(); }
  operator StateView<const T>() const { return view(); }
  bool slack_is_untouched() const { return all([](const auto& x) { return x.slack_is_untouched(); }); }
  bool is_untouched() const { return all([](const auto& x) { return x.is_untouched(); }); }

 private:
  static Index have(bool present, Index n) { return present ? n : 0; }
  template <class F> bool all(F&& f) const {
    return f(m_) && f(m_imag_) && f(z_) && f(z_imag_) && f(p_) && f(touched_) && f(clock_) && f(position_);
  }
  Guarded<T> m_, m_imag_, z_, z_imag_, p_;
  Guarded<double> touched_, clock_;
  Guarded<std::int64_t> position_;
};

// f(name, x, y) for every number of two states of one shape.
template <class A, class B, class F> void zip_states(const StateView<A>& x, const StateView<B>& y, F&& f) {
  const auto zip = [&](const char* name, const auto& a, const auto& b) {
    LCSM_ASSERT(!a.data == !b.data && (!a.data || a.extent == b.extent));
    for (Index n = 0; a.data && n < a.batch(); ++n)
      for (Index h = 0; h < a.head(); ++h)
        for (Index r = 0; r < a.row(); ++r)
          for (Index c = 0; c < a.feature(); ++c) f(name, a.at(n, 0, h, r, c), b.at(n, 0, h, r, c));
  };
  zip("m", x.m, y.m), zip("m_imag", x.m_imag, y.m_imag), zip("z", x.z, y.z), zip("z_imag", x.z_imag, y.z_imag), zip("p", x.p, y.p);
  zip("touched", x.touched, y.touched), zip("clock", x.clock, y.clock), zip("position", x.position, y.position);
}
template <class A, class B> void copy_state(const StateView<A>& to, const StateView<B>& from) {
  zip_states(to, from, [](const char*, auto& x, const auto& y) { x = static_cast<std::remove_cvref_t<decltype(x)>>(y); });
}
template <class A, class B> bool same_state(const StateView<A>& x, const StateView<B>& y) {
  bool same = true;
  zip_states(x, y, [&](const char*, const auto& a, const auto& b) { same = same && same_bits(a, b); });
  return same;
}
// One sequence of a state.
template <class T> StateView<T> sequence_of(StateView<T> s, Index n) {
  const auto cut = [&](auto& v) { if (v.data) v = v.batches(n, 1); };
  cut(s.m), cut(s.m_imag), cut(s.z), cut(s.z_imag), cut(s.p), cut(s.touched), cut(s.clock), cut(s.position);
  return s;
}
// Some heads of a state, without what they share.
template <class T> StateView<T> head_of(StateView<T> s, Index h) {
  const auto cut = [&](auto& v) { if (v.data) v = v.heads(h, 1); };
  cut(s.m), cut(s.m_imag), cut(s.z), cut(s.z_imag), cut(s.p), cut(s.touched), cut(s.clock);
  s.position = {};
  return s;
}
template <class T> bool same_view(const View<T>& x, const View<T>& y) {
  if (x.extent != y.extent) return false;
  for (Index b = 0; b < x.batch(); ++b)
    for (Index t = 0; t < x.time(); ++t)
      for (Index h = 0; h < x.head(); ++h)
        for (Index c = 0; c < x.feature(); ++c)
          if (!same_bits(x.at(b, t, h, 0, c), y.at(b, t, h, 0, c))) return false;
  return true;
}

}  // namespace lcsm::test
