// SPDX-License-Identifier: MIT
#pragma once

#include "entry.hpp"

#include <lcsm/analysis/mixer.hpp>
#include <lcsm/describe.hpp>
#include <lcsm/mixers/init.hpp>

#include <deque>

// The mixers of the report: how each is given parameters as published, and tokens.
namespace report {

using lcsm::init::Generator;

// The value at which a gate's stream is shut; of streams called g, f and w it is -20 unless said.
struct Shut { const char* name; double value; };

template <class F> void each(const View<double>& v, F&& f) {
  for (Index b = 0; b < v.batch(); ++b)
    for (Index t = 0; t < v.time(); ++t)
      for (Index h = 0; h < v.head(); ++h)
        for (Index r = 0; r < v.row(); ++r)
          for (Index c = 0; c < v.feature(); ++c) v.at(b, t, h, r, c) = f(v.at(b, t, h, r, c));
}
inline void unit(const View<double>& v) {                   // rows of length 1
  for (Index t = 0; t < v.time(); ++t)
    for (Index h = 0; h < v.head(); ++h) {
      double square = 0;
      for (Index c = 0; c < v.feature(); ++c) square += v(0, t, h, c) * v(0, t, h, c);
      for (Index c = 0; c < v.feature(); ++c) v(0, t, h, c) /= std::sqrt(square);
    }
}
inline void fill(const View<double>& v, double x) { each(v, [x](double) { return x; }); }

template <class M> std::string eta_of() {
  using N = typename M::normaliser;
  if constexpr (N::quotient) return lcsm::words::bare(lcsm::words::GuardOf<typename N::guard>::of()); else return N::mean ? "within A and b (mean)" : "1";
}

// prepare(views of all members, generator): what the defaults are not, published starts above all.
template <class M, class Prepare> void add(const char* name, const char* family, Prepare prepare, std::vector<Shut> shuts = {}, Index width = keys) {
  std::map<std::string, double> at{{"g", -20}, {"f", -20}, {"w", -20}};
  for (const Shut& s : shuts) at[s.name] = s.value;
  Entry e{name, family, lcsm::words::formula<typename M::oscillation>(), lcsm::words::formula<typename M::expand>(), lcsm::words::formula<typename M::shrink>(), eta_of<M>(), {}};
  if (M::shifts) e.A = "shift";
  e.row = [prepare, at, width](const Told& told) {
    typename M::template In<double> in{};
    std::deque<lcsm::Buffer<double>> storage;
    M::visit([&]<class Leaf>() {
      auto& v = const_cast<View<double>&>(Leaf::view(in));
      if (v.data) return;                                   // two leaves of one name
      const Index rows = Leaf::axes == lcsm::Axes::matrix ? width : 1, features = Leaf::axes == lcsm::Axes::one ? 1 : Leaf::axes == lcsm::Axes::key ? width : values;
      v = storage.emplace_back(1, Leaf::streams ? told.tokens : 1, heads, rows, features).view();
      draw(v, Leaf::name, Leaf::streams, lcsm::is_unmapped<Leaf>(), told, at);
    });
    Generator rng(1);
    prepare(in, rng);
    return lcsm::analysis::dynamics(M{}, in, {.head = head, .values = values, .order = told.order});
  };
  entries().push_back(std::move(e));
}
template <class M> void add(const char* name, const char* family, std::vector<Shut> shuts = {}) {
  add<M>(name, family, [](auto&, Generator&) {}, std::move(shuts));
}

// Parts that may be linked in or not.
struct Part { explicit Part(void (*register_all)()) { register_all(); } };

}  // namespace report

#define REPORT_MIXER(Mixer, family, ...) report::add<lcsm::Mixer>(#Mixer, family __VA_OPT__(, ) __VA_ARGS__)
