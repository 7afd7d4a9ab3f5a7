// SPDX-License-Identifier: MIT
// Filters against the published code: kernels, or what they do to a sequence, and the gradients of their parameters through the layer around them.
#include <lcsm/filters/hyena.hpp>
#include <lcsm/filters/sgconv.hpp>
#include <lcsm/filters/tnn.hpp>

#include "support/arrange.hpp"
#include "unit/filters/filters.hpp"

using namespace lcsm;
using namespace lcsm::test;
using filter::Hyena;
using filter::SgConv;
using filter::Tnn;

namespace {

// sum_l over |lag| of y_bar_t x_{t - lag}: the cotangent of a kernel behind y = kernel * x. All [B,L,H,1,D].
void convolution_vjp(const View<const double>& y_bar, const View<const double>& x, const View<double>& kernel_bar, bool back = false) {
  for (Index l = 0; l < kernel_bar.time(); ++l)
    for (Index h = 0; h < kernel_bar.head(); ++h)
      for (Index d = 0; d < kernel_bar.feature(); ++d) {
        double sum = 0;
        for (Index b = 0; b < x.batch(); ++b)
          for (Index t = 0; t < x.time(); ++t)
            if (const Index s = back ? t + l + 1 : t - l; s >= 0 && s < x.time()) sum += y_bar(b, t, h, d) * x(b, s, x.head() == 1 ? 0 : h, d);
        kernel_bar(0, l, h, d) = sum;
      }
}
// A gradient against that of a golden file, which is rounded to float where it has many numbers. Sums of up to 126 products of sums of as many, by Fourier transforms
// there and in order here: 1e-13 is 450 eps.
void check_golden(const std::string& name, const View<const double>& given, const Array& file, const View<const double>& want) {
  const double error = relative_error(given, want), rounded = file.dtype == DType::f32 ? 0x1p-24 : 0;
  INFO(name << ": " << error);
  CHECK(error <= rounded + 1e-13);
}

}  // namespace

TEST_CASE("SGConv: golden kernels and gradients", "[filters]") {
  const Golden file(golden_path("sgconv"));
  REQUIRE(file.cases().size() == 2);
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const Index scales = c.size("n_scales"), L = c.size("L"), H = c.size("H"), C = c.size("C");
    const auto array = [&](const char* role, const std::string& name) { return file.array(c.name, role, name); };
    std::vector<Array> pieces;
    for (Index i = 0; i < scales; ++i) pieces.push_back(array("par", "kernel_list." + std::to_string(i)));
    const Array multiplier = array("par", "multiplier"), norm = array("par", "kernel_norm"), u = array("in", "u"), w = array("w", "out.y"), kernel = array("aux", "kernel");
    SgConv::In<const double> in{.multiplier = arrange(multiplier, "hfr"), .norm = arrange(norm, "hfr")};
    for (const Array& piece : pieces) in.kernels.push_back(arrange(piece, "hft"));
    Kernel<double> k({L, C, H}, Layout::dense), bar({L, C, H}, Layout::dense);
    const SgConv f;
    f.taps(in, k.front.view);
    CHECK(relative_error(k.front.view, arrange(kernel, "hft")) <= 1e-14);
    Kernel<double> own_norm({1, C, H}, Layout::dense);
    f.norm(in, own_norm.front.view);
    CHECK(relative_error(own_norm.front.view, arrange(norm, "hfr")) <= 0x1p-22);   // of a run in float

    View<const double> y_bar = arrange(w, "bft");           // y's channel is c H + h
    y_bar.extent = {u.shape[0], L, C, 1, H}, y_bar.stride[2] = H * L;
    convolution_vjp(y_bar, arrange(u, "bft"), bar.front.view);
    Parameters<SgConv, double> g;
    for (Index i = 0; i < scales; ++i) g.in.kernels.push_back(g.add({1, c.size("kernel_dim"), C, 1, H}));
    f.taps_vjp(in, bar.front.view, g.in);
    for (Index i = 0; i < scales; ++i) {
      const std::string name = "kernel_list." + std::to_string(i);
      const Array want = array("grad", name);
      check_golden(name, g.in.kernels[to_size(i)], want, arrange(want, "hft"));
    }
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

    Parameters<Hyena, double> g;
    g.in.z = g.add({1, c.size("Lmax"), 1, 1, in.z.feature()}), g.in.freq = g.add(1, 1, in.freq.feature());
    g.add_mlp(in.z.feature(), in.freq.feature(), 2, filters, D, false);
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

TEST_CASE("TNN's coefficients: golden outputs and gradients", "[filters]") {
  const Golden file(golden_path("tnn_tno"));
  REQUIRE(file.cases().size() == 4);
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const std::string decay = c.text("decay");
    const Index n = c.size("n"), H = c.size("H"), D = c.size("D"), layers = c.size("layers");
    const bool causal = c.flag("causal");
    const Tnn f{.decay = decay == "none" ? Tnn::Decay::none : decay == "multi" ? Tnn::Decay::learned : Tnn::Decay::fixed,
                .positions = c.size("par_type") == 1 ? Tnn::Positions::index : Tnn::Positions::fraction,
                .lambda = c.number("lam")};
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
    CHECK(relative_error(own.view(), y) <= 1e-14);

    convolution_vjp(w, x, bar.front.view), convolution_vjp(w, x, bar.back.view, true);
    Parameters<Tnn, double> g;
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
