// SPDX-License-Identifier: MIT
#pragma once

// The adjoint of every mode of a call, with other chunk sizes and thread counts, against the adjoint of the definition or a file's right values.

#include <lcsm/mode/attend_vjp.hpp>
#include <lcsm/mode/chunkwise_vjp.hpp>
#include <lcsm/mode/convolve_vjp.hpp>
#include <lcsm/mode/recurrent_vjp.hpp>
#include <lcsm/mode/reference_vjp.hpp>
#include <lcsm/mode/scan_vjp.hpp>

#include "every_way.hpp"
#include "support/catch.hpp"
#include "support/gradient_bound.hpp"

#include <deque>
#include <map>
#include <random>

namespace lcsm::test {

// f(name, member of a, member of b) for every member that the mixer reads, once.
template <class M, class A, class B, class F> void each_member(A& a, B& b, F&& f) {
  std::map<std::string, int> seen;
  M::visit([&]<class Leaf>() {
    door::names_of<Leaf>::each([&]<class Name>() { if (seen[Name::name]++ == 0) f(std::string(Name::name), Name::of(a), Name::of(b)); });
  });
}

// An aggregate of numbers of its own, in the extents and with the repeated axes of another: copies of its inputs, or NaNs in the middle of NaNs.
template <class M, class T> class Owned {
 public:
  typename M::template In<T> in{};

  template <class In> Owned(const In& other, bool copies) {
    each_member<M>(in, other, [&](const std::string&, View<T>& mine, const auto& of) {
      const Buffer<double> wide = widened(of);
      auto& numbers = numbers_.emplace_back(wide.size(), std::numeric_limits<T>::quiet_NaN());
      mine = View<T>(numbers.data(), of.extent, wide.view().stride);
      for (std::size_t x = 0; x < 5; ++x) if (of.extent[x] == 1) mine.stride[x] = of.stride[x] == 0 ? 0 : mine.stride[x];
      for (Index n = 0; copies && n < wide.size(); ++n) numbers.data()[n] = static_cast<T>(wide[n]);
    });
  }
  Owned(const Owned&) = delete;
  bool intact() const {
    return std::all_of(numbers_.begin(), numbers_.end(), [](const auto& x) { return x.intact(); });
  }
  typename M::template In<const T> read() const {
    typename M::template In<const T> out{};
    each_member<M>(out, in, [](const std::string&, View<const T>& to, const View<T>& from) { to = from; });
    return out;
  }

 private:
  template <class V> static Buffer<double> widened(const V& v) { return lcsm::test::widened<std::remove_const_t<typename V::element>>(v); }
  std::deque<Guarded<T>> numbers_;
};

// What a call's outputs and final memory weigh in the loss.
struct Weights {
  Buffer<double> y, m;
  template <class M> static Weights random(const Problem& p) {
    Weights w{Buffer<double>(p.batch, p.tokens, p.heads, M::projection::parts * p.values), Buffer<double>(p.sequences(), 1, p.heads, p.keys, p.values)};
    std::mt19937 numbers(11);
    for (Buffer<double>* x : {&w.y, &w.m}) for (double& n : *x) n = double(float(std::uniform_real_distribution<>(-1, 1)(numbers)));
    return w;
  }
};

// Calls check(name of the way, gradients, cotangent of the initial memory) for every adjoint that the mixer has.
template <class M, class T, class In, class Check> void every_adjoint(const In& in, const Problem& p, const Weights& weights, Check&& check) {
  const State<M, T> start = fresh_state<M, T>(p);
  Buffer<T> y_bar(p.batch, p.tokens, p.heads, M::projection::parts * p.values);
  std::copy(weights.y.begin(), weights.y.end(), y_bar.begin());
  State<M, T> final(p.sequences(), p.heads, p.keys, p.values);
  std::copy_n(weights.m.data(), weights.m.size(), final.view().m.data);
  for (const Way& way : ways_of<M, T>(p.chunks))
    for (const Index threads : {0, 3}) {
      INFO("adjoint of " << way.name << ", " << threads << " threads" << (std::is_same_v<T, float> ? ", float" : ", double"));
      const Owned<M, T> grads(in, false);
      State<M, T> initial(p.sequences(), p.heads, p.keys, p.values);
      initial.components([](const char*, auto& x) { poison(x); });
      Options<T> options{.mask = p.mask, .direction = p.direction, .tuning = way.tuning};
      if (p.initial) options.initial = start.view();
      if (!p.offsets.empty()) options.sequences = p.offsets;
      const StateCotangents<T> states{.final = std::as_const(final).view(), .initial = initial.view()};
      const Threads exec{threads};
      const View<const T> bar = std::as_const(y_bar).view();
      switch (way.mode) {
        case Mode::reference:
          if constexpr (std::is_same_v<T, double>) reference_vjp(M{}, in, bar, grads.in, options, states);
          break;
        case Mode::recurrent: recurrent_vjp(exec, M{}, in, bar, grads.in, options, states); break;
        case Mode::scan: scan_vjp(exec, M{}, in, bar, grads.in, options, states); break;
        case Mode::chunkwise:
          if constexpr (has_mode<M>(Mode::chunkwise)) chunkwise_vjp(exec, M{}, in, bar, grads.in, options, states);
          break;
        case Mode::attention: attend_vjp(exec, M{}, in, bar, grads.in, options, states); break;
        case Mode::convolution:
          if constexpr (has_mode<M>(Mode::convolution)) convolve_vjp(exec, M{}, in, bar, grads.in, options, states);
          break;
      }
      CHECK(grads.intact());
      check(grads.in, initial.view().m);
    }
}

// Of random weights, against the adjoint of the definition, within the derived bound of every number (support/gradient_bound.hpp).
template <class M, class T, class In> void every_gradient(const In& in, const Problem& p) {
  const Weights weights = Weights::random<M>(p);
  const Owned<M, double> wide(in, true), right(wide.in, false), plain(wide.in, false), raised(wide.in, false);
  const State<M, double> start = fresh_state<M, double>(p);
  State<M, double> final(p.sequences(), p.heads, p.keys, p.values), initial = final, plain_bar = final, raised_bar = final;
  std::copy_n(weights.m.data(), weights.m.size(), final.view().m.data);
  Options<double> options{.mask = p.mask, .direction = p.direction};
  if (p.initial) options.initial = start.view();
  if (!p.offsets.empty()) options.sequences = p.offsets;
  const auto wide_in = wide.read();
  const View<const double> y_bar = weights.y.view();
  reference_vjp(M{}, wide_in, y_bar, right.in, options, {.final = std::as_const(final).view(), .initial = initial.view()});
  const ErrorCost cost = error_cost<M>(error_sums<M>(wide_in, options, p.batch, p.tokens, p.heads, p.values), std::max<Index>(p.tokens, 1), false);
  const StateCotangents<double> last{.final = std::as_const(final).view()};
  GradientSums<M>::of(wide_in, y_bar, plain.in, options, last, cost, 0, &plain_bar);
  GradientSums<M>::of(wide_in, y_bar, raised.in, options, last, cost, gradient_tau, &raised_bar);
  const auto within = [&](const Buffer<double>& x, const Buffer<double>& y, const Buffer<double>& s, const Buffer<double>& more) {
    double worst = 0;
    for (Index n = 0; n < x.size(); ++n) {
      const double bound = gradient_bound(s[n], more[n], cost, double(std::numeric_limits<T>::epsilon())) + flushed(p.keys, p.tokens, p.values), off = std::abs(x[n] - y[n]) / bound;
      if (!(off <= worst)) worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : off;
    }
    CHECK(worst <= 1);
  };
  every_adjoint<M, T>(in, p, weights, [&](const auto& given, const View<const T>& m) {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        INFO("gradient of " << Name::name);
        within(widened<T>(Name::of(given)), widened<double>(Name::of(right.in)), widened<double>(Name::of(plain.in)), widened<double>(Name::of(raised.in)));
      });
    });
    within(widened<T>(m), widened<double>(initial.view().m), widened<double>(plain_bar.view().m), widened<double>(raised_bar.view().m));
  });
}

}  // namespace lcsm::test
