// SPDX-License-Identifier: MIT
// Memories that a forward call saves: its own results stay as they are, and its adjoint finds the same gradients as without them.
#include "support/gradients.hpp"

#include <lcsm/mode/attend_vjp.hpp>
#include <lcsm/mode/vjp.hpp>

using namespace lcsm;
using namespace lcsm::test;

namespace {

struct Keyed : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::Sigmoid>>>, Stage<LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase>>>, shrink::Data<>, Previous> {};
struct Maximum : Mixer<Stage<FactorTerm<Data<in::k>>, LogTerm<Data<in::i, Axes::one>>>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<>, Quotient<guard::AtLeastOne<-6>>, RunningMax<FromZero>> {};
struct Means : Mixer<Stage<LogTerm<Data<in::k>>>, oscillation::PerKey<map::LogSigmoid<>>, shrink::Data<>, Mean> {};

template <class M> void check(std::uint64_t seed) {
  Random random(seed);
  for (int round = 0; round < 9; ++round) {
    using Call = RandomCall<M, double, double>;
    const auto kind = typename Call::Kind(round % 3);
    const Shape n{kind == Call::packed ? 1 : 2, random.one_of({1, 7, 40}), 2, 5, 6};
    Call call(n, {}, kind, random);
    call.options.tuning.chunk = 7, call.options.tuning.scan_units = 1;
    INFO(call.text());
    const RandomLoss<M> loss(n, call.sequences, random);
    const auto y_bar = loss.y.view();
    const auto check = [&](const char* mode, auto&& forward, auto&& backward) {
      INFO(mode);
      Saved<M, double> saved(call.sequences, n.tokens, n.heads, n.keys, n.values, 7);
      Options<double> with = call.options;
      with.saved = saved;
      RandomGradients<M, double> right(call.in, Layout::dense, random), given(call.in, Layout::dense, random);
      State<M, double> right_bar(call.sequences, n.heads, n.keys, n.values), given_bar = right_bar;
      CHECK_THROWS_AS(backward(given.views, with, StateCotangents<double>{}), OptionError);       // nothing is saved yet
      Buffer<double> y(n.batch, n.tokens, n.heads, n.values), z(n.batch, n.tokens, n.heads, n.values);
      forward(y.view(), call.options), forward(z.view(), with);
      CHECK(std::equal(y.begin(), y.end(), z.begin(), same_bits<double>));
      backward(right.views, call.options, {.final = loss.final.view(), .initial = right_bar.view()}), poison_scratch();
      backward(given.views, with, {.final = loss.final.view(), .initial = given_bar.view()});
      bool same = true;
      zip_gradients<M>([&](std::string_view, double a, double b) { same = same && same_bits(a, b); }, right.views, given.views);
      CHECK(same);
      CHECK(same_state(right_bar.view(), given_bar.view()));
    };
    check("recurrent", [&](const auto& y, const auto& o) { recurrent(exec::seq, M{}, call.in, y, o); },
          [&](const auto& g, const auto& o, const StateCotangents<double>& s) { recurrent_vjp(exec::seq, M{}, call.in, y_bar, g, o, s); });
    check("scan", [&](const auto& y, const auto& o) { scan(exec::seq, M{}, call.in, y, o); },
          [&](const auto& g, const auto& o, const StateCotangents<double>& s) { scan_vjp(exec::seq, M{}, call.in, y_bar, g, o, s); });
    check("chunkwise", [&](const auto& y, const auto& o) { chunkwise(exec::seq, M{}, call.in, y, o); },
          [&](const auto& g, const auto& o, const StateCotangents<double>& s) { chunkwise_vjp(exec::seq, M{}, call.in, y_bar, g, o, s); });
  }
}

}  // namespace

TEST_CASE("saved memories change no bit", "[saved]") { check<Keyed>(1); }
#if defined(LCSM_LONG_TESTS)
TEMPLATE_TEST_CASE("saved scales and means change no bit", "[saved]", Maximum, Means) { check<TestType>(2); }
#endif

TEST_CASE("saved memories: wrong arguments", "[saved]") {
  Random random(3);
  const Shape n{2, 20, 2, 5, 6};
  RandomInputs<Keyed, double> inputs(n, {}, random);
  Buffer<double> y(2, 20, 2, 6);
  Saved<Keyed, double> saved(2, 20, 2, 5, 6, 7), few(2, 20, 2, 5, 6, 7);
  CHECK(saved.size() == 6);
  const auto fails = [&](auto&& call, const std::string& text) {
    try {
      call();
      FAIL("no error");
    } catch (const Error& e) {
      INFO(e.what());
      CHECK(std::string(e.what()).find(text) != std::string::npos);
    }
  };
  SavedView<double> view = few;
  const auto forward = [&] { recurrent(exec::seq, Keyed{}, inputs.in, y.view(), Options<double>{.saved = view}); };
  view.every = 0, fails(forward, "saved.every");
  view = few, view.blocks = 0, fails(forward, "saved.blocks");
  view = few, view.blocks = 2, fails(forward, "saved.m");
  view = few, view.every = 5, fails(forward, "room for 20 tokens");
  view = few;
  fails([&] { attend(exec::seq, Keyed{}, inputs.in, y.view(), Options<double>{.saved = view}); }, "this mode has none");
  fails([&] { reference(Keyed{}, inputs.in, y.view(), Options<double>{.saved = view}); }, "this mode has none");
  RandomGradients<Keyed, double> grads(inputs.in, Layout::dense, random);
  const auto bar = std::as_const(y).view();
  fails([&] { chunkwise_vjp(exec::seq, Keyed{}, inputs.in, bar, grads.views, Options<double>{.saved = view}); }, "none");
  fails([&] { attend_vjp(exec::seq, Keyed{}, inputs.in, bar, grads.views, Options<double>{.saved = view}); }, "saved");
  fails([&] { reference_vjp(Keyed{}, inputs.in, bar, grads.views, Options<double>{.saved = view}); }, "saved");
}
