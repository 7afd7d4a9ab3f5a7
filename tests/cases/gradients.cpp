// SPDX-License-Identifier: MIT
// Adjoints: right values of files, and the inputs on which forward passes have failed, backwards.
#include "every_gradient.hpp"
#include "mixers.hpp"

#include <lcsm/mixers/mamba.hpp>

using namespace lcsm;
using namespace lcsm::test;

// Each type and mixer costs compile time: both types, and the mixers of Mamba's form, are long.
#if defined(LCSM_LONG_TESTS)
#define LCSM_TYPES float, double
#else
#define LCSM_TYPES float
#endif

namespace {

// From a file's names to those of the weights.
Weights weights_of(const Case& file, const std::string& y, const std::string& m, const std::string& memory) {
  Weights w;
  const Array y_bar = file.in(y), m_bar = file.in(m);
  w.y = widened<double>(arrange(y_bar, "bthf")), w.m = widened<double>(arrange(m_bar, memory));
  return w;
}

}  // namespace

TEMPLATE_TEST_CASE("a step with a bias, in a ragged last chunk", "[cases][grad_01]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("grad_01"));
  const Numbers<T> x(file.in("x"), "bthf"), dt(file.in("raw_dt"), "bthf"), B(file.in("B"), "bthf"), C(file.in("C"), "bthf"), A(file.in("A"), "hfr"), D(file.in("D"), "hf"), bias(file.in("dt_bias"), "hf");
  const Mamba::In<const T> in{.x = x.view(), .delta = dt.view(), .B = B.view(), .C = C.view(), .A = A.view(), .D = D.view(), .delta_bias = bias.view()};
  const Problem p{.batch = 2, .tokens = 5, .heads = 1, .keys = 2, .values = 2, .chunks = {4, 8}};
  const std::pair<const char*, std::string> names[] = {{"x", "bthf"}, {"raw_dt", "bthf"}, {"B", "bthf"}, {"C", "bthf"}, {"A", "hfr"}, {"D", "hf"}, {"dt_bias", "hf"}};
  every_adjoint<Mamba, T>(in, p, weights_of(file, "dy", "dfinal_state", "bhfr"), [&](const auto& given, const View<const T>&) {
    const View<T> members[] = {given.x, given.delta, given.B, given.C, given.A, given.D, given.delta_bias};
    for (std::size_t n = 0; n < 7; ++n) {
      INFO("gradient of " << names[n].first);
      const Array right = file.out(std::string("d") + names[n].first);
      agrees(widened<T>(members[n]).view(), arrange(right, names[n].second), tolerance<T>(file));
    }
  });
}

TEMPLATE_TEST_CASE("cotangents of the final and of the initial state", "[cases][grad_02]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("grad_02"));
  const double scale = std::stod(file.metadata("scale"));
  GatedInputs<T> inputs(file);
  for (Index n = 0; n < inputs.q.data.size(); ++n) inputs.q.data.data()[n] *= T(scale);
  const Array h0 = file.in("h0");
  Problem p = inputs.problem();
  p.initial = arrange(h0, "bhrf"), p.chunks = {4, 16};
  const auto check = [&](const auto& given, const View<const T>& initial, Index first, Index count, const char* start) {
    const std::pair<const char*, View<T>> members[] = {{"dq", given.q}, {"dk", given.k}, {"dv", given.v}, {"dg", given.g}};
    for (const auto& [name, member] : members) {
      INFO("gradient " << name);
      Buffer<double> mine = widened<T>(member);
      if (std::string_view(name) == "dq") for (double& x : mine) x *= scale;
      const Array right = file.out(name);
      agrees(mine.view(), arrange(right, "bthf").tokens(first, count), tolerance<T>(file));
    }
    const Array right = file.out(start);
    agrees(widened<T>(initial).view(), arrange(right, "bhrf"), tolerance<T>(file));
  };
  const Weights whole = weights_of(file, "do", "dht", "bhrf");
  every_adjoint<GatedAttention, T>(inputs.in(), p, whole, [&](const auto& given, const View<const T>& initial) { check(given, initial, 0, 10, "dh0"); });

  // The same in two segments, through the state and its cotangent.
  const Array middle = file.out("state_6"), middle_bar = file.out("dstate_6");
  const auto part = [&](Index first, Index count, const Array& from, const Buffer<double>& m_bar, const char* start) {
    Problem q = p;
    q.tokens = count, q.initial = arrange(from, "bhrf");
    const View<const double> y = whole.y.view().tokens(first, count);
    Weights w;
    w.y = widened<double>(y), w.m = m_bar;
    every_adjoint<GatedAttention, T>(tokens_of<GatedAttention>(inputs.in(), first, count), q, w, [&](const auto& given, const View<const T>& initial) { check(given, initial, first, count, start); });
  };
  part(6, 4, middle, whole.m, "dstate_6");
  part(0, 6, h0, widened<double>(arrange(middle_bar, "bhrf")), "dh0");
}

// The largest gradient of a gate that hardly lets anything through is small: it must not be a difference of large numbers.
TEMPLATE_TEST_CASE("the gradient of a strong decay, by its own size", "[cases][grad_04]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("grad_04"));
  const GatedInputs<T> inputs(file);
  Problem p = inputs.problem();
  p.chunks = {16, 64};
  Weights w = Weights::random<GatedAttention>(p);
  const Array y_bar = file.in("do");
  w.y = widened<double>(arrange(y_bar, "bthf")), w.m.fill(0);
  const double limit = std::is_same_v<T, float> ? 5e-5 : 5e-5 * 0x1p-29;
  every_adjoint<GatedAttention, T>(inputs.in(), p, w, [&](const auto& given, const View<const T>&) {
    const std::pair<const char*, View<T>> members[] = {{"dq", given.q}, {"dk", given.k}, {"dv", given.v}, {"dg", given.g}};
    for (const auto& [name, member] : members) {
      const Array right = file.out(name);
      for (Index f = 0; f < 2; ++f) {
        INFO("gradient " << name << ", feature " << f);
        const Buffer<double> mine = widened<T>(View<const T>(member).features(f, 1)), theirs = widened<double>(arrange(right, "bthf").features(f, 1));
        agrees(mine.view(), theirs.view(), limit);
      }
    }
  });
}

TEMPLATE_TEST_CASE("strong and closed gates, backwards", "[cases][decay_01][decay_02][decay_04]", LCSM_TYPES) {
  for (const char* name : {"decay_01", "decay_02", "decay_04"}) {
    INFO(name);
    const Case file(case_path(name));
    const GatedInputs<TestType> inputs(file);
    Problem p = inputs.problem();
    p.chunks = {5, 16, 64};
    every_gradient<GatedAttention, TestType>(inputs.in(), p);
  }
}

TEMPLATE_TEST_CASE("any widths, and groups of heads, backwards", "[cases][dims_01][dims_02]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("dims_01")), grouped(case_path("dims_02"));
  for (const std::string widths : {"K1_V1_", "K5_V3_", "K3_V17_", "K9_V16_", "K7_V31_"}) {
    INFO(widths);
    const GatedInputs<T> inputs(file, widths);
    every_gradient<GatedAttention, T>(inputs.in(), inputs.problem());
  }
#if defined(LCSM_LONG_TESTS)
  const Numbers<T> x(grouped.in("x"), "bthf"), dt(grouped.in("dt"), "bthf"), A(grouped.in("A"), "hfr");
  for (const std::string groups : {"G1", "G2", "G4"}) {
    INFO(groups);
    const Numbers<T> B(grouped.in("B_" + groups), "bthf"), C(grouped.in("C_" + groups), "bthf");
    const SelectiveScalar::In<const T> in{.x = x.view(), .delta = dt.view(), .B = B.view(), .C = C.view(), .A = per_head(A)};
    every_gradient<SelectiveScalar, T>(in, {.batch = 1, .tokens = 5, .heads = 4, .keys = 3, .values = 2, .chunks = {2, 4, 64}});
  }
#endif
}

TEMPLATE_TEST_CASE("packed documents, in both directions, backwards", "[cases][varlen_02]", LCSM_TYPES) {
  const Case file(case_path("varlen_02"));
  const GatedInputs<TestType> inputs(file);
  const Array h0 = file.in("h0"), listed = file.in("cu_seqlens");
  Problem p = inputs.problem();
  p.chunks = {8, 16}, p.initial = arrange(h0, "bhrf");
  for (const Direction direction : {Direction::forward, Direction::reverse}) {
    p.direction = direction, p.offsets.assign(listed.values.begin(), listed.values.end());
    every_gradient<GatedAttention, TestType>(inputs.in(), p);
    p.offsets = {0, 0, 41, 41, 41};
    every_gradient<GatedAttention, TestType>(inputs.in(), p);
  }
}

TEMPLATE_TEST_CASE("lengths around a chunk from a state, backwards", "[cases][length_01][state_05]", LCSM_TYPES) {
  const Case file(case_path("length_01"));
  const GatedInputs<TestType> inputs(file);
  const Array h0 = file.in("h0");
  Problem p = inputs.problem();
  p.chunks = {16, 64}, p.initial = arrange(h0, "bhrf");
  for (const Index length : {0, 1, 2, 63, 64, 65, 97}) {
    INFO("length " << length);
    p.tokens = length;
    every_gradient<GatedAttention, TestType>(tokens_of<GatedAttention>(inputs.in(), 0, length), p);
  }
}

TEMPLATE_TEST_CASE("transposed views and slices of one projection, backwards", "[cases][layout_01][layout_02][layout_04]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("layout_01")), slices(case_path("layout_02")), states(case_path("layout_04"));
  const Numbers<T> q(file.in("q_base"), "hbtf"), v(file.in("v_base"), "bhft"), k(file.in("k"), "bthf"), g(file.in("g"), "bthf");
  every_gradient<GatedAttention, T>(GatedAttention::In<const T>{.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view()}, {.batch = 3, .tokens = 5, .heads = 2, .keys = 2, .values = 3, .chunks = {2, 4, 64}});
#if defined(LCSM_LONG_TESTS)
  const Array stored = slices.in("zx");
  const Numbers<T> A(slices.in("A"), "hfr");
  const Index B = 2, L = 4, W = 19, H = 3, P = 2, N = 4;
  Buffer<T> zx(1 + B * L * W);
  for (Index n = 0; n < B * L * W; ++n) zx[1 + n] = static_cast<T>(stored[to_size(n)]);
  const T* row = zx.data() + 1;
  const auto columns = [&](Index first, Index heads, Index features) { return View<const T>(row + first, {B, L, heads, 1, features}, {L * W, W, features, 0, 1}); };
  every_gradient<SelectiveScalar, T>(SelectiveScalar::In<const T>{.x = columns(1, H, P), .delta = columns(15, H, 1), .B = columns(7, 1, N), .C = columns(11, 1, N), .A = per_head(A)},
                                     {.batch = B, .tokens = L, .heads = H, .keys = N, .values = P, .chunks = {2, 4, 64}});
#endif
  const GatedInputs<T> inputs(states);
  const Array h0 = states.in("h0");
  Problem p = inputs.problem();
  p.initial = arrange(h0, "bhrf");
  every_gradient<GatedAttention, T>(inputs.in(), p);
}

#if defined(LCSM_LONG_TESTS)
TEMPLATE_TEST_CASE("carries over many chunks, and what masks hide, backwards", "[cases][state_05][mask_01]", LCSM_TYPES) {
  using T = TestType;
  const Case file(case_path("state_05"));
  const Numbers<T> x(file.in("x"), "bthf"), dt(file.in("dt"), "bthf"), B(file.in("B"), "bthf"), C(file.in("C"), "bthf"), A(file.in("A"), "hfr");
  const SelectiveScalar::In<const T> in{.x = x.view(), .delta = dt.view(), .B = B.view(), .C = C.view(), .A = per_head(A)};
  Problem p{.batch = x.shape[0], .tokens = x.shape[1], .heads = x.shape[2], .keys = A.shape[2], .values = x.shape[3], .chunks = {1, 3, 4, 5}};
  every_gradient<SelectiveScalar, T>(in, p);
  std::vector<std::uint8_t> mask(to_size(p.batch * p.tokens), 1);
  for (std::size_t n = 0; n < mask.size(); n += 3) mask[n] = 0;
  p.mask = lcsm::view(std::as_const(mask).data(), p.batch, p.tokens, 1, 1);
  every_gradient<SelectiveScalar, T>(in, p);
}
#endif
