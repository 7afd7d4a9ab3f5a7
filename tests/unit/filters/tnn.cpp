// SPDX-License-Identifier: MIT
#include <lcsm/filters/tnn.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Tnn;

namespace {
using P = Parameters<Tnn, double>;
void fill(P& p, const Tnn& f, Index width, Index hidden, Index heads, Index features) {
  p.add_mlp(1, width, hidden, heads, features);
  if (f.decay != Tnn::Decay::none) p.in.gamma = p.add(heads, 1, features);
  p.randomise();
  if (f.decay == Tnn::Decay::fixed) P::each(p.in.gamma, [](double& x, Index, Index, Index, Index) { x = 0.9 + 0.05 * x; });
}
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
const Tnn kinds[] = {{}, {.decay = Tnn::Decay::learned, .positions = Tnn::Positions::fraction, .lambda = 0.7}, {.decay = Tnn::Decay::none, .positions = Tnn::Positions::fraction, .length = 50, .residual = true},
                     {.residual = true, .silu = true}};
}  // namespace

TEST_CASE("TNN's coefficients: the formula", "[filters]") {
  for (const Tnn& f : kinds)
    for (const auto& [taps, back] : {std::pair<Index, Index>{0, 0}, {1, 0}, {2, 1}, {35, 34}, {3, 5}}) {
      INFO(taps << " and " << back << " taps");
      P p(Layout::strided);
      fill(p, f, 5, 2, 2, 2);
      Kernel<double> k({taps, 2, 2, back}, Layout::strided);
      f.taps(p.constant(), k.front.view, k.back.view);
      CHECK((k.front.slack_is_untouched() && k.back.slack_is_untouched()));
      const Index n = f.length > 0 ? f.length : taps;
      double worst = 0;
      for (Index d = -back; d < taps; ++d) {
        const double position = f.positions == Tnn::Positions::index ? double(d) : double(d) / double(std::max<Index>(n - 1, 1));
        const Doubles h = network(p.in.mlp, {position}, [&](Doubles x) {
          double sum = 0;
          for (const double v : x) sum += v * v;
          for (double& v : x) v /= std::sqrt(sum) / std::sqrt(double(x.size())) + 1e-8, v = f.silu ? v * sigmoid(v) : std::max(v, 0.);
          return x;
        }, f.residual);
        for (Index c = 0; c < 4; ++c) {
          const double gamma = f.decay == Tnn::Decay::none ? 1 : p.in.gamma(0, 0, c / 2, c % 2), base = f.decay == Tnn::Decay::learned ? f.lambda + (1 - f.lambda) * sigmoid(gamma) : gamma;
          const double given = d >= 0 ? k.front.view(0, d, c / 2, c % 2) : k.back.view(0, -d - 1, c / 2, c % 2);
          worst = std::max(worst, std::abs(given - std::pow(base, std::abs(double(d))) * h[to_size(c)]));
        }
      }
      CHECK(worst <= 1e-13);
    }
}

TEST_CASE("TNN's coefficients: golden outputs and gradients", "[filters]") {
  const Golden file(golden_path("tnn_tno"));
  REQUIRE(file.cases().size() == 4);
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const std::string decay = c.attributes.at("decay");
    const Index n = c.size("n"), H = c.size("H"), D = c.size("D"), layers = c.size("layers");
    const bool causal = c.flag("causal");
    const Tnn f{.decay = decay == "none" ? Tnn::Decay::none : decay == "multi" ? Tnn::Decay::learned : Tnn::Decay::fixed,
                .positions = c.size("par_type") == 1 ? Tnn::Positions::index : Tnn::Positions::fraction,
                .lambda = c.attributes.at("lam")};
    std::deque<Array> arrays;
    const auto array = [&](const char* role, const std::string& name) -> const Array& { return arrays.emplace_back(file.array(c.name, role, name)); };
    const auto split = [&](View<const double> v, std::size_t axis) { // the channels h D + d
      v.stride[2] = D * v.stride[axis], v.extent[2] = H, v.extent[axis] = D;
      return v;
    };
    const auto layer = [&](const char* role, const std::string& name) {
      return filter::Linear<const double>{.weight = arrange(array(role, "rpe." + name + ".weight"), "rf"), .bias = arrange(array(role, "rpe." + name + ".bias"), "f")};
    };
    const auto out = [&](const char* role) {
      const filter::Linear<const double> l = layer(role, "out.2");
      return filter::Linear<const double>{.weight = split(l.weight, 3), .bias = split(l.bias, 4)};
    };
    Tnn::In<const double> in{.mlp = {.input = layer("par", "pos_proj"), .output = out("par")}};
    for (Index k = 0; k < layers; ++k) in.mlp.hidden.push_back(layer("par", "layers." + std::to_string(k) + ".2"));
    if (f.decay != Tnn::Decay::none) in.gamma = arrange(array("par", "gamma"), "hrf");

    Kernel<double> k({n, H, D, causal ? 0 : n - 1}, Layout::dense), bar({n, H, D, causal ? 0 : n - 1}, Layout::dense);
    f.taps(in, k.front.view, k.back.view);
    const View<const double> x = arrange(array("in", "x"), "bhtf"), y = arrange(array("out", "y"), "bhtf"), w = arrange(array("w", "out.y"), "bhtf");
    Buffer<double> own(x.batch(), n, H, D);
    for (Index b = 0; b < x.batch(); ++b)
      for (Index t = 0; t < n; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index d = 0; d < D; ++d)
            for (Index s = 0; s < n; ++s)
              if (s <= t || !causal) own.view()(b, t, h, d) += (s <= t ? k.front.view(0, t - s, h, d) : k.back.view(0, s - t - 1, h, d)) * x(b, s, h, d);
    CHECK(relative_error(own, y) <= 1e-14);

    convolution_vjp(w, x, bar.front.view), convolution_vjp(w, x, bar.back.view, true);
    P g;
    g.add_mlp(1, in.mlp.input.weight.row(), layers, H, D);
    if (decay == "multi") g.in.gamma = g.add(H, 1, D);
    f.taps_vjp(in, bar.front.view, bar.back.view, g.in);
    const auto check = [&](const std::string& name, const View<double>& given, const View<const double>& want) { check_golden(name, given, arrays.back(), want); };
    const auto check_layer = [&](const std::string& name, const filter::Linear<double>& given, bool heads) {
      const auto axes = [&](const char* of, const char* letters, std::size_t axis) {
        const View<const double> v = arrange(array("grad", "rpe." + name + of), letters);
        return heads ? split(v, axis) : v;
      };
      const View<const double> weight = axes(".weight", "rf", 3);
      check(name + ".weight", given.weight, weight);
      const View<const double> bias = axes(".bias", "f", 4);
      check(name + ".bias", given.bias, bias);
    };
    check_layer("pos_proj", g.in.mlp.input, false), check_layer("out.2", g.in.mlp.output, true);
    for (Index l = 0; l < layers; ++l) check_layer("layers." + std::to_string(l) + ".2", g.in.mlp.hidden[to_size(l)], false);
    if (decay == "multi") {
      const View<const double> gamma = arrange(array("grad", "gamma"), "hrf");
      check("gamma", g.in.gamma, gamma);
    }
  }
}

TEST_CASE("TNN's coefficients: gradients of every parameter", "[filters]") {
  for (const Tnn& f : kinds)
    for (const auto& [taps, back] : {std::pair<Index, Index>{0, 0}, {1, 0}, {2, 1}, {9, 8}}) {
      INFO(taps << " and " << back << " taps");
      P p(Layout::strided);
      fill(p, f, 4, 2, 2, 2);
      check_differences(f, p, {taps, 2, 2, back});
    }
}

TEST_CASE("TNN's coefficients: storage, shared parameters, wrong arguments", "[filters]") {
  const Tnn& f = kinds[1];
  P p;
  fill(p, f, 6, 2, 2, 3);
  const KernelShape n{37, 2, 3, 36};
  check_storage<float, float>(f, p, n), check_storage<Bfloat16, Float16>(f, p, n);
  check_sharing(f, p, n, "gamma", 4), check_sharing(f, p, n, "gamma", 2), check_sharing(f, p, n, "mlp.output.weight", 3);
  check_wrong_shapes(f, p, n);
  Kernel<double> k(n, Layout::dense), other({37, 2, 2, 36}, Layout::dense);
  expect_error<ShapeError>("back", [&] { f.taps(p.constant(), k.front.view, other.back.view); });
  expect_error<ShapeError>("back_bar", [&] { f.taps_vjp(p.constant(), k.front.view, other.back.view, Tnn::In<double>{}); });
  expect_error<OptionError>("length", [&] { Tnn{.length = -1}.taps(p.constant(), k.front.view); });
  P g;
  g.take_places(p);
  expect_error<ShapeError>("gradient of gamma", [&] { Tnn{.decay = Tnn::Decay::none}.taps_vjp(p.constant(), k.front.view, g.in); });
  Tnn::In<const double> in = p.constant();
  in.gamma = {};
  expect_error<ShapeError>("gamma", [&] { f.taps(in, k.front.view); });
}

TEST_CASE("TNN's coefficients: a row of zeros, and initialisation", "[filters]") {
  // The norm of nothing has slope 0.
  P p, g;
  p.add_mlp(1, 4, 1, 1, 2), p.randomise(), g.take_places(p);
  P::each(p.in.mlp.input.bias, [](double& x, Index, Index, Index, Index) { x = 0; });
  Kernel<double> bar({3, 1, 2}, Layout::dense);
  bar.randomise();
  Tnn{.decay = Tnn::Decay::none}.taps_vjp(p.constant(), bar.front.view, g.in);
  for (auto& [name, view] : list<double>(g.in)) P::each(*view, [](double& x, Index, Index, Index, Index) { CHECK(std::isfinite(x)); });
  P fresh;
  fill(fresh, Tnn{}, 16, 1, 1, 3);
  init::Generator rng(1);
  initialise(Tnn{}, fresh.in, rng, 0.99);
  CHECK(fresh.in.gamma(0, 0, 0, 2) == 0.99);
}
