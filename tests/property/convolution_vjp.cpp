// SPDX-License-Identifier: MIT
// The adjoint of a convolution against that of the definition, in direct and in Fourier form, with states and without.
#include "support/convolution_mixers.hpp"
#include "support/gradients.hpp"

#include <lcsm/mode/convolve_vjp.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

struct Mapped : Mixer<Stage<FactorTerm<Learned<in::B>>>, Stage<LogTerm<Learned<in::g, Axes::one, map::LogSigmoid<1>>>>, Stage<FactorTerm<Learned<in::C>>>,
                      Input<Data<in::v, Axes::value, map::Tanh>>> {};

template <class M, class S> void check(std::uint64_t seed) {
  Random random(seed);
  for (Index round = 0; round < repeated(18); ++round) {
    using Call = RandomCall<M, S, S>;
    const auto kind = typename Call::Kind(round % 3);
    const Shape n{kind == Call::packed ? 1 : 2, random.one_of({0, 1, 2, 7, 40, 97}), 2, has_keys<M>() ? random.between(1, 9) : 1, random.between(1, 19)};
    Style style;
    style.dense = random.one_in(2);
    Call call(n, style, kind, random);
    const bool states = round % 6 == 5;
    if (!states) call.initial.reset(), call.options.initial = {};
    call.options.tuning.block = random.one_of({0, 0, 5, 64});
    INFO(call.text() << ", block " << call.options.tuning.block);
    const RightGradients<M, S> right(call, random, states);
    for (const auto form : {ConvolutionForm::direct, ConvolutionForm::fourier}) {
      Options<S> options = call.options;
      options.tuning.form = form;
      const auto run = [&](const auto& exec) {
        return [&](const auto& grads, const auto& cotangents) { convolve_vjp(exec, M{}, call.in, right.y_bar(), grads, options, cotangents); };
      };
      right.check(form == ConvolutionForm::direct ? "direct" : "fourier", style.dense ? Layout::dense : any_layout(random), random, run(Threads{0}), form == ConvolutionForm::fourier);
      RandomGradients<M, S> one(call.in, Layout::dense, random), many(call.in, Layout::dense, random);
      run(Threads{0})(one.views, StateCotangents<S>{}), run(Threads{3})(many.views, StateCotangents<S>{});
      bool same = true;
      zip_gradients<M>([&](std::string_view, S x, S y) { same = same && same_bits(x, y); }, one.views, many.views);
      CHECK(same);
    }
  }
}

}  // namespace

TEST_CASE("gradients of convolutions", "[property]") {
  check<System, float>(1000), check<BothParts, double>(2000);
#ifdef LCSM_LONG_TESTS
  check<System, double>(3000), check<Mapped, float>(4000);
#endif
}
