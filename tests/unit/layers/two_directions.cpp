// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/longvq.hpp>
#include <lcsm/layers/two_directions.hpp>
#include <lcsm/mode/reference.hpp>

#include "support/catch.hpp"
#include "unit/layers/mega.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

using Both = TwoDirections<MegaEma>;

// A layer and a second set of parameters for the memory in reverse.
struct Layer {
  Random random;
  MegaLayer ahead, behind;
  explicit Layer(std::uint64_t seed) : random(seed), ahead(random, 9), behind(random, 9) {
    while (behind.D != ahead.D) behind = MegaLayer(random, 9);
  }
  Both::In<const double> memory() const { return {ahead.p.memory, behind.p.memory}; }
  Both::In<double> grads() const { return {ahead.grads.memory, behind.grads.memory}; }
};

}  // namespace

TEST_CASE("two directions are a mixer and its mirror image, added", "[layers]") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Layer layer(seed);
    const Index B = layer.ahead.batch, L = layer.ahead.time, D = layer.ahead.D;
    Buffer<double> y(B, L, 1, D), one(y), other(y), again(y);
    Both::In<const double> in = layer.memory();
    in.ahead.x = in.behind.x = layer.ahead.x.view();
    mix(exec::seq, Both{}, in, y.view()), mix(exec::Par{2}, Both{}, in, again.view());
    CHECK(std::equal(y.begin(), y.end(), again.begin()));
    reference(MegaEma{}, in.ahead, one.view()), reference(MegaEma{}, in.behind, other.view(), {.direction = Direction::reverse});
    for (Index n = 0; n < one.size(); ++n) one[n] += other[n];
    CHECK(largest_difference(y, one) <= 1e-13);
  }
}

TEST_CASE("Mega and LongVQ remember in two directions, and so do their gradients", "[layers][vq]") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Layer layer(20 + seed);
    MegaLayer& a = layer.ahead;
    INFO("seed " << seed << ", tokens " << a.time);
    Buffer<double> y(a.batch, a.time, 1, a.D), x_bar(y), alone(y);
    const MegaOptions o{.causal = false};
    const auto run = [&] { mega(exec::seq, SoftmaxAttention{}, Both{}, layer.memory(), a.p.maps, std::as_const(a.x).view(), y.view(), o); };
    const auto loss = [&] {
      run();
      double sum = 0;
      for (Index n = 0; n < y.size(); ++n) sum += y[n] * a.y_bar[n];
      return sum;
    };
    mega_vjp(exec::Par{2}, SoftmaxAttention{}, Both{}, layer.memory(), a.p.maps, std::as_const(a.x).view(), a.y_bar.view(), layer.grads(), a.grads.maps, x_bar.view(), o);
    constexpr double tolerance = 10 * difference_tolerance;  // a norm of one or two features is steep
    check_slopes("x", a.x.data(), x_bar.data(), x_bar.size(), tolerance, loss);
    check_parameter_slopes(layer.ahead, tolerance, loss), check_parameter_slopes(layer.behind, tolerance, loss, 5);   // the maps are those of the first
    // Without anything behind it is the layer with one direction; LongVQ with a code for every key is that with attention.
    for (View<double>* none : {&layer.behind.own.memory.gamma, &layer.behind.own.memory.omega})
      for (Index r = 0; r < none->row(); ++r)
        for (Index c = 0; c < none->feature(); ++c) none->at(0, 0, 0, r, c) = 0;
    run(), mega(exec::seq, SoftmaxAttention{}, MegaEma{}, a.p.memory, a.p.maps, std::as_const(a.x).view(), alone.view(), o);
    CHECK(largest_difference(y, alone) <= 1e-13);
    Buffer<double> codes(1, 1, 1, 3, a.Z);
    for (double& c : codes) c = layer.random.uniform(-1, 1);
    longvq(exec::seq, LongVq<Both>{}, layer.memory(), a.p.maps, codes.view(), std::as_const(a.x).view(), y.view(), {.window = 2, .causal = false});
    longvq(exec::seq, LongVq<>{}, a.p.memory, a.p.maps, codes.view(), std::as_const(a.x).view(), alone.view(), {.window = 2, .causal = false});
    CHECK(largest_difference(y, alone) <= 1e-13);
  }
}

TEST_CASE("two directions have no state", "[layers]") {
  const Layer layer(3);
  Buffer<double> y(1, 2, 1, layer.ahead.D), x(y);
  State<MegaEma, double> state(1, 1, layer.ahead.N, layer.ahead.D);
  Both::In<const double> in = layer.memory();
  in.ahead.x = in.behind.x = x.view();
  CHECK_THROWS_AS(mix(exec::seq, Both{}, in, y.view(), Options<double>{.final = state}), OptionError);
}
