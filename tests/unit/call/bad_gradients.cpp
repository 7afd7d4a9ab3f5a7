// SPDX-License-Identifier: MIT
// Every adjoint against every wrong argument that the forward calls do not have: the error names the argument, what was expected and what was given,
// and no gradient is touched.
#include "support/gradients.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/attend_vjp.hpp>

#include <functional>

using namespace lcsm;
using namespace lcsm::test;

namespace {

struct Parts : Mixer<Stage<FactorTerm<Data<in::k>>, LogTerm<Data<in::i, Axes::one>>>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Learned<in::phase>>>, shrink::Data<>,
                     Quotient<guard::Add<0>>, RunningMax<>, project::Complex, Skip<Learned<in::D, Axes::value>>> {};
using M = Parts;

struct Trial {
  Random random{1};
  Shape n{2, 6, 4, 3, 5};
  RandomInputs<M, double> inputs{n, {.dense = true, .broadcast = false, .groups = false}, random};
  RandomGradients<M, double> numbers{inputs.in, Layout::dense, random};
  GradientViews<double> grads = numbers.views;
  Buffer<double> y{2, 6, 4, 10};
  View<const double> y_bar = std::as_const(y).view();
  State<M, double> final{2, 4, 3, 5};
  GuardedState<M, double> initial{2, n, Layout::dense, random};
  StateCotangents<double> states{.final = std::as_const(final).view(), .initial = initial.view()};
  bool untouched() const {
    bool all = initial.is_untouched();
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        const auto v = Name::of(numbers.views);
        for (Index b = 0; b < v.batch(); ++b)
          for (Index t = 0; t < v.time(); ++t)
            for (Index h = 0; h < v.head(); ++h)
              for (Index f = 0; f < v.feature(); ++f) all = all && is_poison(v.at(b, t, h, 0, f));
      });
    });
    return all;
  }
};
struct Wrong {
  const char *what, *argument, *expected, *given;
  std::function<void(Trial&)> spoil;
};

}  // namespace

TEST_CASE("adjoints: wrong arguments") {
  const std::pair<const char*, std::function<void(Trial&)>> calls[] = {
      {"reference_vjp", [](Trial& t) { reference_vjp(M{}, t.inputs.in, t.y_bar, t.grads, {}, t.states); }},
      {"recurrent_vjp", [](Trial& t) { recurrent_vjp(exec::seq, M{}, t.inputs.in, t.y_bar, t.grads, Options<double>{}, t.states); }},
      {"scan_vjp", [](Trial& t) { scan_vjp(exec::seq, M{}, t.inputs.in, t.y_bar, t.grads, Options<double>{}, t.states); }},
      {"chunkwise_vjp", [](Trial& t) { chunkwise_vjp(exec::seq, M{}, t.inputs.in, t.y_bar, t.grads, Options<double>{}, t.states); }},
      {"attend_vjp", [](Trial& t) { attend_vjp(exec::seq, M{}, t.inputs.in, t.y_bar, t.grads, Options<double>{}, t.states); }}};
  const Wrong table[] = {
      {"y_bar without data", "y_bar", "data", "a null pointer", [](Trial& t) { t.y_bar.data = nullptr; }},
      {"y_bar with rows", "y_bar", "row extent 1", "2", [](Trial& t) { t.y_bar.extent[3] = 2; }},
      {"y_bar with an odd number of features", "y_bar", "a feature extent that holds 2 parts", "9", [](Trial& t) { t.y_bar.extent[4] = 9; }},
      {"inputs shorter than y_bar", "k", "time extent 5", "6", [](Trial& t) { t.y_bar.extent[1] = 5; }},
      {"a gradient with too few tokens", "gradient of k", "time extent 6", "5", [](Trial& t) { t.grads.k.extent[1] = 5; }},
      {"a gradient of another width", "gradient of v", "feature extent 5", "4", [](Trial& t) { t.grads.v.extent[4] = 4; }},
      {"a gradient with another batch", "gradient of q", "batch extent 2", "1", [](Trial& t) { t.grads.q.extent[0] = 1; }},
      {"a parameter's gradient with tokens", "gradient of phase", "time extent 1", "6", [](Trial& t) { t.grads.phase.extent[1] = 6, t.grads.phase.stride[1] = 1; }},
      {"a gradient with heads that do not divide", "gradient of g", "a number of heads that divides 4", "3", [](Trial& t) { t.grads.g.extent[2] = 3; }},
      {"a gradient in one place", "gradient of i", "an output of its own in every place", "a view with stride 0", [](Trial& t) { t.grads.i.stride[1] = 0; }},
      {"a state's cotangent of another width", "cotangent of final.m", "feature extent 5", "4", [](Trial& t) { t.states.final.m.extent[4] = 4; }},
      {"a state's cotangent without scales", "cotangent of final.p", "batch extent 2", "0", [](Trial& t) { t.states.final.p = {}; }},
      {"an initial cotangent of other heads", "cotangent of initial.z", "head extent 4", "2", [](Trial& t) { t.states.initial.z.extent[2] = 2; }}};
  for (const auto& [name, run] : calls) {
    { Trial right; CHECK_NOTHROW(run(right)); CHECK_FALSE(right.untouched()); }
    for (const Wrong& wrong : table) {
      INFO(name << ": " << wrong.what);
      Trial trial;
      wrong.spoil(trial);
      try {
        run(trial);
        FAIL_CHECK("no error");
      } catch (const ShapeError& e) {
        const std::string text = e.what();
        INFO(text);
        CHECK(text.find(std::string("lcsm::") + name + ": argument '" + wrong.argument + "'") != text.npos);
        CHECK(text.find(std::string("expected ") + wrong.expected + ", given " + wrong.given) != text.npos);
      }
      CHECK(trial.untouched());
    }
  }
}
TEST_CASE("adjoints: a gradient that is not asked for is not needed") {
  Trial all, some;
  some.grads.k = some.grads.phase = {}, some.states.initial = {};
  recurrent_vjp(exec::seq, M{}, all.inputs.in, all.y_bar, all.grads, Options<double>{}, all.states);
  recurrent_vjp(exec::seq, M{}, some.inputs.in, some.y_bar, some.grads, Options<double>{}, some.states);
  CHECK(same_view(all.grads.q, some.grads.q));
  CHECK(same_view(all.grads.v, some.grads.v));
  struct One { View<double> v; } one{some.grads.v};         // an aggregate without the other members
  recurrent_vjp(exec::seq, M{}, some.inputs.in, some.y_bar, one);
}
TEST_CASE("adjoints: storages of fewer bits, and of more than the call computes in") {
  Random random(3);
  const Shape n{2, 33, 2, 3, 5};
  const RandomInputs<M, float> inputs(n, {.dense = true, .closed_gates = false}, random);
  const RandomLoss<M> loss(n, 2, random);
  RandomGradients<M, double> right(inputs.in, Layout::dense, random), wide(inputs.in, Layout::dense, random);
  RandomGradients<M, float> narrow(inputs.in, Layout::dense, random);
  reference_vjp(M{}, inputs.in, loss.y.view(), right.views);
  recurrent_vjp(exec::seq, M{}, inputs.in, loss.y.view(), narrow.views, Options<float>{});
  recurrent_vjp(exec::seq, M{}, inputs.in, loss.y.view(), wide.views, Options<double>{});
  double largest = 1, off_narrow = 0, off_wide = 0;
  zip_gradients<M>([&](std::string_view, double right_one, float narrow_one, double wide_one) {
    largest = std::max(largest, std::abs(right_one)), off_narrow = std::max(off_narrow, std::abs(double(narrow_one) - right_one)), off_wide = std::max(off_wide, std::abs(wide_one - right_one));
  }, right.views, narrow.views, wide.views);
  CHECK(off_narrow <= 1e-4 * largest);
  CHECK(off_wide <= 1e-12 * largest);
}
