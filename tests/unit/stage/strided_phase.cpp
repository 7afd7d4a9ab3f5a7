// SPDX-License-Identifier: MIT
// Angles with a matrix axis are read in place when their rows lie apart: the same bits as from dense rows, and nothing from the gaps.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <limits>

namespace {

using namespace lcsm;

struct Turning : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase, Axes::matrix>>>,
                       shrink::Data<>> {};

constexpr Index T = 4, K = 3, D = 5;

}  // namespace

TEMPLATE_TEST_CASE("a phase of matrix axes, rows apart", "[stage]", float, double) {
  using Number = TestType;
  const auto filled = [](Index count, Number step) {
    std::vector<Number> x(to_size(count));
    for (Index n = 0; n < count; ++n) x[to_size(n)] = step * Number(n % 7 + 1) - Number(1);
    return x;
  };
  std::vector<Number> q = filled(T * K, Number(0.5)), k = filled(T * K, Number(0.25)), v = filled(T * D, Number(0.75)), g = filled(T, Number(1)),
                      phase = filled(T * K * D, Number(0.3)), apart(to_size(T * K * (D + 2)), std::numeric_limits<Number>::quiet_NaN());
  for (Index row = 0; row < T * K; ++row)
    for (Index c = 0; c < D; ++c) apart[to_size(row * (D + 2) + c)] = phase[to_size(row * D + c)];
  test::Inputs<Number> in;
  in.q = view(q.data(), 1, T, 1, 1, K), in.k = view(k.data(), 1, T, 1, 1, K), in.v = view(v.data(), 1, T, 1, 1, D), in.g = view(g.data(), 1, T, 1, 1, 1);
  const auto output = [&](const View<Number>& angles) {
    in.phase = angles;
    std::vector<Number> y(to_size(T * D));
    recurrent(exec::seq, Turning{}, in, view(y.data(), 1, T, 1, 1, D));
    return y;
  };
  View<Number> strided = view(apart.data(), 1, T, 1, K, D + 2);
  strided.extent[4] = D;
  CHECK(output(strided) == output(view(phase.data(), 1, T, 1, K, D)));
}
