// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/coded.hpp>
#include <lcsm/call/tiles.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <cstdint>

namespace lcsm {

// Views of a state's components, for every mixer alike; a mixer looks at those it has. N sequences, H heads:
//
//   m, m_imag        the memory, [N, 1, H, K, D]
//   z, z_imag        Quotient: the denominators' memory, [N, 1, H, 1, K], or [N, 1, H, K, D] when coefficients vary over the value axis
//                    Mean: the log of the total weight of each key, [N, 1, H, 1, K]
//   p                RunningMax: the log scale, [N, 1, H, 1, 1], or [N, 1, H, 1, D]; m and z are stored times exp(-p)
//   touched, clock   codes under a decay: the cumulative log decay when a key was last written, [N, 1, H, 2, K], and now, [N, 1, H, 2, 1], each the sum
//                    of its two rows (call/coded.hpp); what is stored in m and z is decayed by exp(clock - touched) when it is next touched or settled
//   position         tokens seen, [N, 1, 1, 1, 1]
template <class T> struct StateView {
  template <class U> using as = std::conditional_t<std::is_const_v<T>, const U, U>;
  View<T> m{}, m_imag{}, z{}, z_imag{}, p{};
  View<as<double>> touched{}, clock{};
  View<as<std::int64_t>> position{};

  StateView() = default;
  template <class U>
    requires(std::is_same_v<T, const U>)
  StateView(const StateView<U>& s) : m(s.m), m_imag(s.m_imag), z(s.z), z_imag(s.z_imag), p(s.p), touched(s.touched), clock(s.clock), position(s.position) {}
  explicit operator bool() const noexcept { return bool(m) || bool(position); }
};

// Which components a mixer's state has.
template <class M> struct StateShape {
  static constexpr bool has_imag = M::complex;
  static constexpr bool has_z = M::normaliser::quotient || M::normaliser::mean;
  static constexpr bool z_per_channel = M::normaliser::quotient && M::denominator_per_channel;
  static constexpr bool z_imag = M::normaliser::quotient && M::complex;
  static constexpr bool has_p = M::stabiliser::scaled;
  static constexpr bool lazy = is_lazy<M>;
};

// The memory of N sequences between two calls: a value to copy, fork, save or hand to another thread. T is what the calls compute in; give
// double to run float inputs with a double state. A fresh state is empty (nothing seen).
template <class M, class T> class State {
  using Shape = StateShape<M>;

 public:
  using mixer = M;
  using element = T;

  State(Index sequences, Index heads, Index keys, Index values)
      : m_(sequences, 1, heads, keys, values), m_imag_(have(Shape::has_imag, sequences), 1, heads, keys, values),
        z_(have(Shape::has_z, sequences), 1, heads, Shape::z_per_channel ? keys : 1, Shape::z_per_channel ? values : keys),
        z_imag_(have(Shape::z_imag, sequences), 1, heads, Shape::z_per_channel ? keys : 1, Shape::z_per_channel ? values : keys),
        p_(have(Shape::has_p, sequences), 1, heads, 1, M::scale_per_channel ? values : 1), touched_(have(Shape::lazy, sequences), 1, heads, 2, keys),
        clock_(have(Shape::lazy, sequences), 1, heads, 2, 1), position_(sequences, 1, 1, 1, 1) {
    Arena counting;                                         // a step allocates nothing: its scratch is the state's
    { Tiles<M, T> tile(counting, Extent{sequences, 1, heads, keys, values}, 1); }
    scratch_ = Buffer<std::byte>(counting.used() + 4 * (keys * Index(sizeof(T)) + 64) + (M::is_centred ? keys * Index(sizeof(Index)) + 64 : 0));
    reset();
  }

  Index sequences() const noexcept { return m_.view().batch(); }
  Index heads() const noexcept { return m_.view().head(); }
  Index keys() const noexcept { return m_.view().row(); }
  Index values() const noexcept { return m_.view().feature(); }

  void reset() {
    m_.fill(T(0)), m_imag_.fill(T(0)), z_imag_.fill(T(0)), touched_.fill(0), clock_.fill(0), position_.fill(0);
    z_.fill(static_cast<T>(M::normaliser::mean ? FromNothing::value : 0));
    p_.fill(static_cast<T>(M::stabiliser::start));
  }
  // Forget one sequence, or take over one of another state (the slots of a server).
  void reset(Index n) { State fresh(1, heads(), keys(), values()); copy_sequence(n, fresh, 0); }
  void copy_sequence(Index to, const State& other, Index from) {
    components([&](const char*, auto& mine, const auto& theirs) {
      const Index size = mine.view().batch() ? mine.size() / mine.view().batch() : 0;
      std::copy_n(theirs.data() + from * size, size, mine.data() + to * size);
    }, other);
  }

  // visitor(name, buffer) for every component that this mixer has.
  template <class Visitor> void components(Visitor&& visitor) { each(*this, [&](const char* name, auto member) { visitor(name, this->*member); }); }
  template <class Visitor> void components(Visitor&& visitor) const { each(*this, [&](const char* name, auto member) { visitor(name, this->*member); }); }
  // visitor(name, mine, theirs)
  template <class Visitor> void components(Visitor&& visitor, const State& other) { each(*this, [&](const char* name, auto member) { visitor(name, this->*member, other.*member); }); }

  // Scratch for one token of one head; holds nothing between calls.
  Arena scratch() { return {scratch_.data(), scratch_.size()}; }

  StateView<T> view() {
    StateView<T> v;
    v.m = m_, v.m_imag = m_imag_, v.z = z_, v.z_imag = z_imag_, v.p = p_, v.touched = touched_, v.clock = clock_, v.position = position_;
    return v;
  }
  StateView<const T> view() const { return const_cast<State*>(this)->view(); }
  operator StateView<T>() { return view(); }
  operator StateView<const T>() const { return view(); }

 private:
  static Index have(bool present, Index n) { return present ? n : 0; }
  template <class Self, class F> static void each(Self&, F&& f) {
    f("m", &State::m_);
    if constexpr (Shape::has_imag) f("m_imag", &State::m_imag_);
    if constexpr (Shape::has_z) f("z", &State::z_);
    if constexpr (Shape::z_imag) f("z_imag", &State::z_imag_);
    if constexpr (Shape::has_p) f("p", &State::p_);
    if constexpr (Shape::lazy) f("touched", &State::touched_), f("clock", &State::clock_);
    f("position", &State::position_);
  }
  Buffer<T> m_, m_imag_, z_, z_imag_, p_;
  Buffer<double> touched_, clock_;
  Buffer<std::int64_t> position_;
  Buffer<std::byte> scratch_;
};

}  // namespace lcsm
