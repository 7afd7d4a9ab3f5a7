// SPDX-License-Identifier: MIT
#include <lcsm/filters/hyena.hpp>

#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Hyena;

namespace {
using P = Parameters<Hyena, double>;
struct Sizes { Index length, inputs, width, hidden, heads, features; bool freq = true, deltas = true; };
void fill(P& p, const Sizes& n, bool bias = false) {
  p.in.z = p.add({1, n.length, 1, 1, n.inputs});
  if (n.freq) p.in.freq = p.add(1, 1, n.width);
  if (n.deltas) p.in.t = p.add({1, n.length, 1, 1, 1}), p.in.deltas = p.add(n.heads, 1, n.features);
  p.add_mlp(n.inputs, n.width, n.hidden, n.heads, n.features, bias), p.randomise();
}
}  // namespace

TEST_CASE("Hyena's filter: the formula", "[filters]") {
  for (const bool normalised : {false, true})
    for (const bool full : {false, true})
      for (const Index taps : {0, 1, 2, 35}) {
        INFO(taps << " taps");
        P p(Layout::strided);
        fill(p, {37, 5, 4, 2, 2, 3, full, full});
        const Hyena f{.shift = 0.25, .normalised = normalised};
        Kernel<double> k({taps, 2, 3}, Layout::strided);
        f.taps(p.constant(), k.front.view);
        CHECK(k.front.slack_is_untouched());
        bool right = true;
        for (Index l = 0; l < taps; ++l) {
          Doubles z;
          for (Index e = 0; e < 5; ++e) z.push_back(p.in.z(0, l, 0, e));
          Doubles h = network(p.in.mlp, z, [&](Doubles x) {
            for (std::size_t c = 0; c < x.size(); ++c) x[c] = std::sin((full ? p.in.freq(0, 0, 0, Index(c)) : 1) * x[c]);
            return x;
          });
          double sum = 0;
          for (Index c = 0; c < 6; ++c) {
            if (full) h[to_size(c)] *= std::exp(-p.in.t(0, l, 0, 0) * std::abs(p.in.deltas(0, 0, c / 3, c % 3))) + 0.25;
            sum += std::abs(h[to_size(c)]);
          }
          for (Index c = 0; c < 6; ++c) right = right && std::abs(k.front.view(0, l, c / 3, c % 3) - h[to_size(c)] / (normalised ? sum : 1)) <= 1e-14;
        }
        CHECK(right);
      }
}

TEST_CASE("Hyena's filter: golden kernels and gradients", "[filters]") {
  const Golden file(golden_path("hyena"));
  REQUIRE(file.cases().size() == 2);
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const Index B = c.size("B"), L = c.size("L"), D = c.size("D"), order = c.size("order"), filters = order - 1;
    std::deque<Array> arrays;
    const auto array = [&](const char* role, const std::string& name) -> const Array& { return arrays.emplace_back(file.array(c.name, role, name)); };
    const std::string net = "filter_fn.implicit_filter.";
    const auto split = [&](View<const double> v, std::size_t axis) { // the channels o D + d, as D of each head o
      v.stride[2] = D * v.stride[axis], v.extent[2] = filters, v.extent[axis] = D;
      return v;
    };
    const Hyena::In<const double> in{.z = arrange(array("par", "filter_fn.pos_emb.z"), "btf"), .t = arrange(array("par", "t"), "btf"), .freq = arrange(array("par", net + "1.freq"), "rf"),
                                     .deltas = split(arrange(array("par", "deltas"), "btf"), 4),
                                     .mlp = {.input = {.weight = arrange(array("par", net + "0.weight"), "rf"), .bias = arrange(array("par", net + "0.bias"), "f")},
                                             .hidden = {{.weight = arrange(array("par", net + "2.weight"), "rf"), .bias = arrange(array("par", net + "2.bias"), "f")},
                                                        {.weight = arrange(array("par", net + "4.weight"), "rf"), .bias = arrange(array("par", net + "4.bias"), "f")}},
                                             .output = {.weight = split(arrange(array("par", net + "6.weight"), "rf"), 3)}}};
    Kernel<double> kernel({L, filters, D}, Layout::dense), bar({L, filters, D}, Layout::dense);
    const Hyena f;
    f.taps(in, kernel.front.view);
    const View<const double> k = kernel.front.view;
    CHECK(relative_error(k, split(arrange(array("chunk", "kernel"), "tf"), 4)) <= 1e-14);

    // The operator around it: gates x_0 ... x_{N-1} and v, and what it tells the filters.
    const auto at = [](const Array& a, std::initializer_list<Index> n) {
      Index offset = 0;
      std::size_t axis = 0;
      for (const Index i : n) offset = offset * a.shape[axis++] + i;
      return a[to_size(offset)];
    };
    const Array &x = array("in", "x"), &w_in = array("par", "in_proj.weight"), &b_in = array("par", "in_proj.bias"), &w_out = array("par", "out_proj.weight"), &b_out = array("par", "out_proj.bias"),
                &short_w = array("par", "short_filter.weight"), &short_b = array("par", "short_filter.bias"), &skip = array("par", "filter_fn.bias"), &y = array("out", "y"), &w = array("w", "out.y");
    bar.each([](double& v) { v = 0; });
    double worst = 0;
    for (Index b = 0; b < B; ++b) {
      const auto channel = [&](Index i) {
        Doubles projected, out;
        for (Index t = 0; t < L; ++t) {
          double sum = b_in[to_size(i)];
          for (Index d = 0; d < D; ++d) sum += at(w_in, {i, d}) * at(x, {b, t, d});
          projected.push_back(sum), sum = short_b[to_size(i)];
          for (Index j = 0; j < 3; ++j)
            if (t - 2 + j >= 0) sum += at(short_w, {i, 0, j}) * projected[to_size(t - 2 + j)];
          out.push_back(sum);
        }
        return out;
      };
      std::vector<Doubles> gates, gated(to_size(D));            // gates: [(order + 1) D][L]
      for (Index i = 0; i < (order + 1) * D; ++i) gates.push_back(channel(i));
      std::vector<std::vector<Doubles>> convolved(to_size(D));  // the input of each filter, for each channel
      for (Index d = 0; d < D; ++d) {
        Doubles v = gates[to_size(order * D + d)];
        for (Index o = 0; o < filters; ++o) {
          Doubles s, next;
          for (Index t = 0; t < L; ++t) s.push_back(v[to_size(t)] * gates[to_size((order - 1 - o) * D + d)][to_size(t)]);
          for (Index t = 0; t < L; ++t) {
            double sum = skip[to_size(o * D + d)] * s[to_size(t)];
            for (Index l = 0; l <= t; ++l) sum += k(0, l, o, d) * s[to_size(t - l)];
            next.push_back(sum);
          }
          convolved[to_size(d)].push_back(s), v = next;
        }
        for (Index t = 0; t < L; ++t) gated[to_size(d)].push_back(v[to_size(t)] * gates[to_size(d)][to_size(t)]);
      }
      for (Index t = 0; t < L; ++t)
        for (Index i = 0; i < D; ++i) {
          double sum = b_out[to_size(i)];
          for (Index d = 0; d < D; ++d) sum += at(w_out, {i, d}) * gated[to_size(d)][to_size(t)];
          worst = std::max(worst, std::abs(sum - at(y, {b, t, i})));
        }
      for (Index d = 0; d < D; ++d) {
        Doubles v_bar;
        for (Index t = 0; t < L; ++t) {
          double sum = 0;
          for (Index i = 0; i < D; ++i) sum += at(w_out, {i, d}) * at(w, {b, t, i});
          v_bar.push_back(sum * gates[to_size(d)][to_size(t)]);
        }
        for (Index o = filters - 1; o >= 0; --o) {
          const Doubles& s = convolved[to_size(d)][to_size(o)];
          Doubles s_bar;
          for (Index t = 0; t < L; ++t) {
            double sum = skip[to_size(o * D + d)] * v_bar[to_size(t)];
            for (Index l = 0; l < L; ++l) {
              if (t + l < L) sum += k(0, l, o, d) * v_bar[to_size(t + l)];
              if (l <= t) bar.front.view(0, l, o, d) += v_bar[to_size(t)] * s[to_size(t - l)];
            }
            s_bar.push_back(sum * gates[to_size((order - 1 - o) * D + d)][to_size(t)]);
          }
          v_bar = s_bar;
        }
      }
    }
    CHECK(worst <= 1e-14);

    P g;
    fill(g, {c.size("Lmax"), in.z.feature(), in.freq.feature(), 2, filters, D});
    f.taps_vjp(in, bar.front.view, g.in);
    const auto check = [&](const std::string& name, const View<double>& given, const char* axes, std::size_t channels = 0) {
      const Array& want = array("grad", name);
      check_golden(name, given, want, channels ? split(arrange(want, axes), channels) : arrange(want, axes));
    };
    check("filter_fn.pos_emb.z", g.in.z, "btf"), check(net + "1.freq", g.in.freq, "rf"), check(net + "6.weight", g.in.mlp.output.weight, "rf", 3);
    check(net + "0.weight", g.in.mlp.input.weight, "rf"), check(net + "0.bias", g.in.mlp.input.bias, "f");
    for (std::size_t n = 0; n < 2; ++n) {
      const std::string layer = net + std::to_string(2 * n + 2);
      check(layer + ".weight", g.in.mlp.hidden[n].weight, "rf"), check(layer + ".bias", g.in.mlp.hidden[n].bias, "f");
    }

    // The tables: t and deltas are buffers of a run in float, z was moved as a parameter.
    Parameters<Hyena, double> own;
    own.in.t = own.add({1, c.size("Lmax"), 1, 1, 1}), own.in.deltas = own.add(filters, 1, D);
    filter::hyena_times(own.in.t), filter::hyena_deltas(own.in.deltas);
    CHECK((relative_error(own.in.t, in.t) <= 0x1p-23 && relative_error(own.in.deltas, in.deltas) <= 0x1p-23));
  }
}

TEST_CASE("Hyena's filter: gradients of every parameter", "[filters]") {
  for (const bool normalised : {false, true})
    for (const Index taps : {0, 1, 2, 35}) {
      INFO(taps << " taps, normalised " << normalised);
      P p(Layout::strided);
      fill(p, {36, 3, 4, taps == 2 ? 0 : 2, 2, 2}, true);
      check_differences(Hyena{.shift = 0.5, .normalised = normalised}, p, {taps, 2, 2});
    }
}

TEST_CASE("Hyena's filter: storage, shared parameters, wrong arguments", "[filters]") {
  P p;
  fill(p, {40, 3, 5, 2, 2, 3}, true);
  const Hyena f{.normalised = true};
  const KernelShape n{37, 2, 3};
  check_storage<float, float>(f, p, n), check_storage<Bfloat16, Float16>(f, p, n);
  check_sharing(f, p, n, "freq", 4), check_sharing(f, p, n, "deltas", 2), check_sharing(f, p, n, "mlp.output.weight", 2), check_sharing(f, p, n, "mlp.hidden[1].weight", 3);
  check_wrong_shapes(f, p, n);
  Kernel<double> longer({41, 2, 3}, Layout::dense), bar(n, Layout::dense);
  expect_error<ShapeError>("z", [&] { f.taps(p.constant(), longer.front.view); });
  Hyena::In<const double> in = p.constant();
  in.t = in.t.tokens(0, 30);
  expect_error<ShapeError>("t", [&] { f.taps_vjp(in, bar.front.view, Hyena::In<double>{}); });
  in = p.constant(), in.deltas = {};
  P g;
  g.take_places(p);
  expect_error<ShapeError>("gradient of deltas and t", [&] { f.taps_vjp(in, bar.front.view, g.in); });
  g.in.mlp.hidden.resize(1);
  expect_error<ShapeError>("gradient of mlp.hidden", [&] { f.taps_vjp(p.constant(), bar.front.view, g.in); });
  g.in.mlp.hidden.clear(), g.in.mlp.input.gain = g.add(1, 1, 5);
  expect_error<ShapeError>("gradient of mlp.input.gain", [&] { f.taps_vjp(p.constant(), bar.front.view, g.in); });
  CHECK(g.is_untouched());
}

TEST_CASE("Hyena's filter: initialisation", "[filters]") {
  P p;
  fill(p, {9, 7, 16, 2, 1, 4}, true);
  init::Generator rng(1);
  initialise(Hyena{}, p.in, rng, 10);
  CHECK((p.in.freq(0, 0, 0, 3) == 10 && p.in.t(0, 8, 0, 0) == 1 && p.in.z(0, 4, 0, 0) == 0.5));
  // Three bands: 1e-4, 1.00005 and 2, of a period of 9 positions.
  const double angle = 2 * std::numbers::pi * 5 / 9 * 2;
  CHECK((std::abs(p.in.z(0, 5, 0, 3) - std::cos(angle)) <= 1e-15 && std::abs(p.in.z(0, 5, 0, 6) + std::sin(angle)) <= 1e-15));
  CHECK((std::abs(p.in.deltas(0, 0, 0, 0) - std::log(0.01) / 1.5) <= 1e-14 && std::abs(p.in.deltas(0, 0, 0, 3) - std::log(0.01) / 0.3) <= 1e-14));
  double largest = 0;
  P::each(p.in.mlp.hidden[0].weight, [&](double& x, Index, Index, Index, Index) { largest = std::max(largest, std::abs(x)); });
  CHECK((largest <= 0.25 && largest >= 0.2));               // 1/sqrt(16), of 256 numbers
  expect_error<ShapeError>("z", [&] { filter::hyena_positions(p.in.z.features(0, 4)); });
}
