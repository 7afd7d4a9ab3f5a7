// SPDX-License-Identifier: MIT
// A mixer that nobody has published: a gate of one's own, a learned rotation, a write tied to the gate. It has every mode.
#include <lcsm/lcsm.hpp>

#include "example.hpp"

// [gate]
// Never forgets more than 90 percent at once: the multiplier is 0.1 + 0.9 sigmoid(x). V is a float, a double or a SIMD batch of them.
struct FloorGate {
  static constexpr const char* name = "log floor gate";
  template <class V> static V number(double x) { return lcsm::map::constant<V>(x); }
  template <class V> static V multiplier(V x) { return number<V>(0.1) + number<V>(0.9) * lcsm::math::sigmoid(x); }
  template <class V> static V apply(V x) { return lcsm::math::log1p(-number<V>(0.9) * lcsm::math::sigmoid(-x)); }   // its log, exact near 1
};
// [gate] end

// [mixer]
// m[a] <- o[a] m[a] + (1 - |o[a]|) k[a] v,   o = FloorGate(g) exp(i phase),   y = Re sum_a q[a] m[a] / sqrt K
using lcsm::Axes;
namespace in = lcsm::in;
using Write = lcsm::Stage<lcsm::Tied<lcsm::tie::Complement>, lcsm::FactorTerm<lcsm::Data<in::k, Axes::key, lcsm::map::L2Norm>>>;
using Evolve = lcsm::Stage<lcsm::LogTerm<lcsm::Data<in::g, Axes::key, FloorGate>>, lcsm::PhaseTerm<lcsm::Learned<in::phase, Axes::key>>>;
struct Carousel : lcsm::Mixer<Write, Evolve, lcsm::shrink::Data<lcsm::map::RsqrtKeys>> {
  template <class T> struct In { lcsm::View<T> q{}, k{}, v{}, g{}, phase{}; };
};
// [mixer] end

int main() {
  std::mt19937 rng(2);
  const lcsm::Index batch = 1, tokens = 700, heads = 2, keys = 24, values = 40;
  auto q = example::random(rng, batch, tokens, heads, keys), k = example::random(rng, batch, tokens, heads, keys);
  auto v = example::random(rng, batch, tokens, heads, values), g = example::random(rng, batch, tokens, heads, keys, 3, 3);
  auto phase = example::random(rng, 1, 1, heads, keys, 0.3f);
  Carousel::In<const float> in{.q = q, .k = k, .v = v, .g = g, .phase = lcsm::parameter<const float>(phase.data(), heads, keys)};

  std::printf("%s\n", lcsm::describe<Carousel>().c_str());
  static_assert(Carousel::structure == lcsm::Structure::per_key && Carousel::complex && lcsm::Chunkable<Carousel>);

  lcsm::Buffer<double> expected(batch, tokens, heads, values);
  lcsm::Buffer<float> y(batch, tokens, heads, values);
  lcsm::reference(Carousel{}, in, expected.view());
  std::printf("largest difference from the float64 definition, relative to the largest output:\n");
  bool good = true;
  const auto check = [&](const char* mode) { good = example::agree(mode, y.view(), expected.view()) && good; };
  lcsm::recurrent(lcsm::exec::seq, Carousel{}, in, y.view()), check("recurrent");
  lcsm::scan(lcsm::exec::par, Carousel{}, in, y.view()), check("scan");
  lcsm::chunkwise(lcsm::exec::par, Carousel{}, in, y.view()), check("chunkwise");
  lcsm::attend(lcsm::exec::par, Carousel{}, in, y.view()), check("attend");
  lcsm::mix(lcsm::exec::par, Carousel{}, in, y.view()), check("mix");

  lcsm::State<Carousel, float> state(batch, heads, keys, values);
  for (lcsm::Index t = 0; t < tokens; ++t) {
    const Carousel::In<const float> token{in.q.tokens(t, 1), in.k.tokens(t, 1), in.v.tokens(t, 1), in.g.tokens(t, 1), in.phase};
    lcsm::step(Carousel{}, token, y.view().tokens(t, 1), state);
  }
  check("step, token by token");
  return good ? 0 : 1;
}
