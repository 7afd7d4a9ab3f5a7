// SPDX-License-Identifier: MIT
// A memory that shifts from key to key: a window of the last inputs, which is a convolution, and a shrink of the token over a free expand.
#include "support/gradients.hpp"
#include "support/invariants.hpp"

#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mode/convolve_vjp.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

// As LongConvolution, with the names that the tests' inputs have.
template <class Map> struct Window : Mixer<Stage<FactorTerm<Fixed<rule::FirstKey, Axes::key>>>, oscillation::Shift, Stage<FactorTerm<Learned<in::C, Axes::matrix, Map>>>,
                                           Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {};
struct Free : Mixer<Stage<FactorTerm<Learned<in::B>>>, oscillation::Shift, Stage<FactorTerm<Data<in::q>>>, Input<Data<in::v, Axes::value>>> {};
using Mapped = Window<map::Tanh>;
static_assert(window::is_window<LongConvolution> && window::is_window<Mapped> && !window::is_window<Free>);

}  // namespace

TEST_CASE("a window: modes agree with the definition", "[property]") { check_modes<Mapped, float, float>(1000); }
TEST_CASE("a window: what changes no bit", "[property]") { Invariants<Mapped>(3000).all(); }
TEST_CASE("a window: gradients", "[property]") {
  check_gradients<Mapped>(100), check_mode_gradients<Mapped, double>(1000);
  Random random(5);
  for (Index round = 0; round < 18; ++round) {
    using Call = RandomCall<Mapped, float, float>;
    const auto kind = typename Call::Kind(round % 3);
    Call call({kind == Call::packed ? 1 : 2, random.one_of({0, 1, 2, 7, 40, 97}), 2, random.between(1, 9), random.between(1, 19)}, {}, kind, random);
    call.options.tuning.block = random.one_of({0, 0, 5, 64}), call.options.tuning.form = ConvolutionForm::direct;
    INFO(call.text());
    const RightGradients<Mapped, float> right(call, random);
    right.check("convolve", Layout::dense, random, [&](const auto& grads, const auto& states) { convolve_vjp(exec::seq, Mapped{}, call.in, right.y_bar(), grads, call.options, states); });
  }
}
#ifdef LCSM_LONG_TESTS
TEST_CASE("windows of other kinds", "[property]") {
  check_modes<Free, double, double>(2000), check_matrix<Window<map::Identity>, double>(2500), check_gradients<Free>(200);
  check_mode_gradients<Free, float>(1000), check_gradients_of_two_calls<Mapped>(1);
}
#endif
