// SPDX-License-Identifier: MIT
#pragma once

#include "support/arrange.hpp"

#include <lcsm/mode/reference.hpp>

#include "support/catch.hpp"

#include <string>

namespace lcsm::test {

// One golden case, run by reference(): the file's arrays by role and name, and where they go (arrange.hpp).
struct Against {
  const Golden& file;
  const GoldenCase& golden;
  std::map<std::string, Array> arrays{};

  bool has(const std::string& role, const std::string& name) const { return file.has(golden.name, role, name); }
  View<const double> operator()(const std::string& role, const std::string& name, std::string_view axes, Index part = 0) {
    const std::string key = role + "." + name;
    auto found = arrays.find(key);
    if (found == arrays.end()) found = arrays.emplace(key, file.array(golden.name, role, name)).first;
    return arrange(found->second, axes, part);
  }
};

// The outputs of F64 runs are met to 1e-11 of the largest.
inline void close(const View<const double>& x, const View<const double>& want) { CHECK(relative_error(x, want) < 1e-11); }

// Runs M on `in`, from the state or from an empty memory, and compares the output; the final state is left in `state`.
template <class M, class In>
void run(const In& in, const View<const double>& want, State<M, double>& state, bool from_state, Direction direction = Direction::forward) {
  Buffer<double> y(want.batch(), want.time(), want.head(), want.feature());
  Options<double> options{.final = state, .direction = direction};
  if (from_state) options.initial = state.view();
  reference(M{}, in, y.view(), options);
  close(y, want);
}

// Parameters and states, which have no time axis.
inline void copy(const View<const double>& from, View<double> to) {
  for (Index b = 0; b < to.batch(); ++b)
    for (Index h = 0; h < to.head(); ++h)
      for (Index r = 0; r < to.row(); ++r)
        for (Index f = 0; f < to.feature(); ++f) to.at(b, 0, h, r, f) = from.at(b, 0, h, r, f);
}

template <class F> void for_each_case(const char* mixer, F&& f) {
  const Golden file(golden_path(mixer));
  REQUIRE(!file.cases().empty());
  for (const GoldenCase& golden : file.cases()) {
    INFO(mixer << "." << golden.name);
    Against at{file, golden};
    f(at);
  }
}

}  // namespace lcsm::test
