// SPDX-License-Identifier: MIT
// A transition given as a number is the same as by its modulus and angle, in every mode; its slopes are those of the loss.
#include <lcsm/exec/seq.hpp>
#include <lcsm/lcsm.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mode/vjp.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "support/random_mixers.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

namespace {

struct ByNumber : Mixer<expand::Data<>, oscillation::ComplexMultiplier<Axes::key>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, a_imag{}; };
};
struct OfChannels : Mixer<expand::PerValue<>, oscillation::ComplexMultiplier<>, shrink::PerValue<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}, a_imag{}; };
};

struct Polar : Mixer<expand::PerValue<>, oscillation::Polar<Axes::value, map::Identity>, shrink::PerValue<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}, phase{}; };
};

template <class T> struct Transitions {
  static constexpr Index B = 2, L = 37, H = 2;
  Index K, D;
  Buffer<T> q, k, v, a, a_imag, g, phase;
  Transitions(Index keys, Index values, Index transitions, std::uint64_t seed) : K(keys), D(values) {
    Random random(seed);
    for (auto [x, width] : {std::pair{&q, K}, {&k, K}, {&v, D}, {&a, transitions}, {&a_imag, transitions}, {&g, transitions}, {&phase, transitions}}) {
      *x = Buffer<T>(B, L, H, width);
      for (T& n : *x) n = T(random.uniform(-1, 1));
    }
    for (Index n = 0; n < a.size(); ++n) {
      const double size = random.one_in(20) ? 0 : random.uniform(0.5, 1), angle = random.uniform(-3, 3);
      a[n] = T(size * std::cos(angle)), a_imag[n] = T(size * std::sin(angle));
      g[n] = T(std::log(std::hypot(double(a[n]), double(a_imag[n])))), phase[n] = T(std::atan2(double(a_imag[n]), double(a[n])));
    }
  }
  template <class M> auto in() const { return typename M::template In<const T>{.q = q, .k = k, .v = v, .a = a, .a_imag = a_imag}; }
};

template <class M, class T> void same_as(const Transitions<T>& call, const Buffer<double>& want) {
  const auto in = call.template in<M>();
  Buffer<T> y(Transitions<T>::B, Transitions<T>::L, Transitions<T>::H, call.D);
  const auto check = [&](const char* mode) {
    double worst = 0, largest = 0;
    for (Index n = 0; n < y.size(); ++n) worst = std::isnan(y[n]) ? INFINITY : std::max(worst, std::abs(double(y[n]) - want[n])), largest = std::max(largest, std::abs(want[n]));
    INFO(mode);
    CHECK(worst <= double(std::numeric_limits<T>::epsilon()) * double(8 * Transitions<T>::L + 4 * call.K) * largest);       // roundings of L products along the memory, and of a sum over K
    y.fill(std::numeric_limits<T>::quiet_NaN());
  };
  y.fill(std::numeric_limits<T>::quiet_NaN());
  reference(M{}, in, y.view()), check("reference");
  recurrent(exec::seq, M{}, in, y.view()), check("recurrent");
  scan(exec::seq, M{}, in, y.view(), {.tuning = {.scan_chunk = 8, .scan_units = 1000}}), check("scan");
  chunkwise(exec::seq, M{}, in, y.view(), {.tuning = {.chunk = 16}}), check("chunkwise");
  attend(exec::seq, M{}, in, y.view(), {.tuning = {.chunk = 16}}), check("attend");
}

}  // namespace

TEMPLATE_TEST_CASE("a transition as a number is one by modulus and angle", "[stage]", float, double) {
  using T = TestType;
  const Transitions<T> keys(7, 5, 7, 1), channels(21, 21, 21, 2);
  const auto widened = [](const Buffer<T>& x) {
    Buffer<double> out(x.view().batch(), x.view().time(), x.view().head(), x.view().feature());
    std::copy(x.begin(), x.end(), out.begin());
    return out;
  };
  const auto polar = [&]<class M>(const Transitions<T>& call, std::type_identity<M>) {
    const Buffer<double> q = widened(call.q), k = widened(call.k), v = widened(call.v), a = widened(call.a), a_imag = widened(call.a_imag);
    Buffer<double> g(a), phase(a), y(Transitions<T>::B, Transitions<T>::L, Transitions<T>::H, call.D);
    for (Index n = 0; n < g.size(); ++n) g[n] = std::log(std::hypot(a[n], a_imag[n])), phase[n] = std::atan2(a_imag[n], a[n]);
    reference(M{}, typename M::template In<const double>{q, k, v, g, phase}, y.view());
    return y;
  };
  same_as<ByNumber>(keys, polar(keys, std::type_identity<GateLoopOperator>{}));
  same_as<OfChannels>(channels, polar(channels, std::type_identity<Polar>{}));
}

TEST_CASE("slopes of a transition as a number", "[stage]") {
  const auto check = [&]<class M>(Transitions<double> call, std::type_identity<M>) {
    for (Index n = 0; n < call.a.size(); ++n)
      if (call.a[n] == 0) call.a[n] = 0.3;                  // at 0 itself the angle has no slope
    Buffer<double> y(call.B, call.L, call.H, call.D), y_bar(y), a(call.a), a_imag(call.a);
    Random random(3);
    for (double& n : y_bar) n = random.uniform(-1, 1);
    const auto loss = [&] {
      reference(M{}, call.template in<M>(), y.view());
      double sum = 0;
      for (Index n = 0; n < y.size(); ++n) sum += y[n] * y_bar[n];
      return sum;
    };
    const auto same = [&](const char* mode) {
      INFO(mode);
      for (Index n = 0; n < a.size(); n += 97)
        for (auto [numbers, given] : {std::pair{&call.a, &a}, {&call.a_imag, &a_imag}}) CHECK(std::abs((*given)[n] - central_difference((*numbers)[n], loss)) <= difference_tolerance * 100);   // of gradients up to 100
      a.fill(77), a_imag.fill(77);
    };
    const auto in = call.template in<M>();
    const typename M::template In<double> grads{.a = a.view(), .a_imag = a_imag.view()};
    const View<const double> bar = y_bar.view();
    reference_vjp(M{}, in, bar, grads), same("reference");
    recurrent_vjp(exec::seq, M{}, in, bar, grads), same("recurrent");
    scan_vjp(exec::seq, M{}, in, bar, grads), same("scan");
    chunkwise_vjp(exec::seq, M{}, in, bar, grads), same("chunkwise");
  };
  check(Transitions<double>(3, 4, 3, 4), std::type_identity<ByNumber>{}), check(Transitions<double>(6, 6, 6, 5), std::type_identity<OfChannels>{});
}
