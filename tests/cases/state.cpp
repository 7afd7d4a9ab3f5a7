// SPDX-License-Identifier: MIT
// The state between calls, masks and documents of Mamba's core, and what must not survive a call.
#include "mixers.hpp"

#include <lcsm/layers/short_convolution.hpp>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// silu(convolution(x)), from the state or from nothing.
template <class T> Buffer<T> front(const Case& file, const View<const T>& x, const ConvolutionOptions<T>& options) {
  const Numbers<T> w(file.in("conv_w"), "hrf"), b(file.in("conv_b"), "hf");
  Buffer<T> u(x.batch(), x.time(), x.head(), x.feature());
  short_convolution<map::Silu>(exec::seq, x, w.view(), w.shape[0] == 1 ? parameter(b.data.data(), 1, b.shape[1]) : b.view(), u.view(), options);
  return u;
}
// Streams and parameters of the scan behind it, A as [H, N, P].
template <class T> struct Core {
  Numbers<T> x, dt, B, C, A;
  explicit Core(const Case& file) : x(file.in("x"), "bthf"), dt(file.in("dt"), "bthf"), B(file.in("B"), "bthf"), C(file.in("C"), "bthf"), A(file.in("A"), "hfr") {}
  Selective::In<const T> in(const View<const T>& u) const { return {.x = u, .delta = dt.view(), .B = B.view(), .C = C.view(), .A = A.view()}; }
  Problem problem() const {
    return {.batch = x.shape[0], .tokens = x.shape[1], .heads = x.shape[2], .keys = A.shape[2], .values = x.shape[3]};
  }
};

}  // namespace

TEMPLATE_TEST_CASE("calls of several tokens continue where the last one ended", "[cases][state_01]", float, double) {
  using T = TestType;
  const Case file(case_path("state_01"));
  const Core<T> core(file);
  const Numbers<T> D(file.in("D"), "hf");
  const Array right = file.out("y");
  const Index B = 2, L = 13, W = 4, P = 3;
  Index states = 0;
  for (const std::vector<Index>& cuts : {std::vector<Index>{L}, {7, 1, 5}, std::vector<Index>(13, 1), {2, 11}, {12, 1}})
    for (const Way& way : ways_of<SelectiveSkip, T>({})) {
      INFO(way.name << ", " << cuts.size() << " calls, the first of " << cuts[0]);
      Buffer<T> window(B, 1, 1, W - 1, P), y(B, L, 1, P);
      State<SelectiveSkip, T> state(B, 1, 2, P);
      Index t = 0;
      for (const Index count : cuts) {
        const Buffer<T> u = front<T>(file, core.x.view().tokens(t, count), {.initial = window, .final = window});
        const auto part = [&](const Numbers<T>& x) { return x.view().tokens(t, count); };
        const SelectiveSkip::In<const T> in{.x = u, .delta = part(core.dt), .B = part(core.B), .C = part(core.C), .A = core.A.view(), .D = D.view()};
        run<SelectiveSkip>(way, Threads{}, in, y.view().tokens(t, count), Options<T>{.initial = state, .final = state});
        t += count;
        if (t != 7 && t != 8 && t != 13) continue;
        ++states;
        agrees(widened<T>(window.view()), arrange(file.out("conv_state_" + std::to_string(t)), "brhf"), 0);
        agrees(widened<T>(state.view().m), arrange(file.out("scan_state_" + std::to_string(t)), "bhfr"), tolerance<T>(file));
        CHECK(state.view().position.at(0, 0, 0, 0, 0) == t);
      }
      agrees(widened<T>(y.view()), arrange(right, "bthf"), tolerance<T>(file));
    }
  CHECK(states == 9 * Index(ways_of<SelectiveSkip, T>({}).size()));
}

TEMPLATE_TEST_CASE("a constant B is part of the state", "[cases][state_02]", float, double) {
  using T = TestType;
  const Case file(case_path("state_02"));
  const Core<T> core(file);
  const Array right = file.out("y");
  for (const bool constant : {false, true})                 // B as a stream of equal rows, or said to be the same for all tokens
    for (const Way& way : ways_of<Selective, T>({})) {
      INFO(way.name);
      Buffer<T> y(1, 10, 1, 2);
      State<Selective, T> state(1, 1, 3, 2);
      Selective::In<const T> in = core.in(core.x.view());
      if (constant) {
        for (Index t = 0; t < 10; ++t)
          for (Index n = 0; n < 3; ++n) REQUIRE(in.B(0, t, 0, n) == in.B(0, 0, 0, n));
        in.B = in.B.tokens(0, 1), in.B.stride[1] = 0;
      }
      run<Selective>(way, Threads{}, tokens_of<Selective>(in, 0, 6), y.view().tokens(0, 6), Options<T>{.initial = state, .final = state});
      agrees(widened<T>(state.view().m), arrange(file.out("state_6"), "bhfr"), tolerance<T>(file));
      run<Selective>(way, Threads{}, tokens_of<Selective>(in, 6, 4), y.view().tokens(6, 4), Options<T>{.initial = state, .final = state});
      agrees(widened<T>(state.view().m), arrange(file.out("state_10"), "bhfr"), tolerance<T>(file));
      agrees(widened<T>(y.view()), arrange(right, "bthf"), tolerance<T>(file));
    }
}

TEMPLATE_TEST_CASE("carries over many chunks in a batch", "[cases][state_05]", float, double) {
  using T = TestType;
  const Case file(case_path("state_05"));
  const Core<T> core(file);
  const SelectiveScalar::In<const T> in{.x = core.x.view(), .delta = core.dt.view(), .B = core.B.view(), .C = core.C.view(), .A = per_head(core.A)};
  const Array right = file.out("y");
  Problem p = core.problem();
  p.chunks = {1, 3, 4, 5};
  for (const Index length : {4, 8, 12}) {
    INFO("length " << length);
    p.tokens = length;
    const Array state = file.out("final_state_" + std::to_string(length));
    every_way<SelectiveScalar, T>(tokens_of<SelectiveScalar>(in, 0, length), p, [&](const Outcome& x) {
      agrees(x.y, arrange(right, "bthf").tokens(0, length), tolerance<T>(file));
      agrees(x.m, arrange(state, "bhfr"), tolerance<T>(file));
    });
  }
}

TEMPLATE_TEST_CASE("neither window nor scan reaches over the border of a document", "[cases][varlen_01]", float, double) {
  using T = TestType;
  const Case file(case_path("varlen_01"));
  const Core<T> core(file);
  const Array listed = file.in("cu_seqlens");
  Problem p = core.problem();
  p.offsets.assign(listed.values.begin(), listed.values.end());
  Buffer<T> window(4, 1, 2, 3, 2);
  const Buffer<T> u = front<T>(file, core.x.view(), {.final = window, .sequences = p.offsets});
  agrees(widened<T>(window.view()), arrange(file.out("conv_states"), "brhf"), 0);
  every_way<Selective, T>(core.in(u), p, agrees_with<T>(file, "y", "scan_states", "bhfr"));
}

TEMPLATE_TEST_CASE("padding on the left is not there", "[cases][mask_01]", float, double) {
  using T = TestType;
  const Case file(case_path("mask_01"));
  const Core<T> core(file);
  const Array listed = file.in("mask"), right = file.out("y"), states = file.out("scan_states"), windows = file.out("conv_states");
  const std::vector<std::uint8_t> bytes(listed.values.begin(), listed.values.end());
  Problem p = core.problem();
  for (const bool alone : {false, true}) {                  // both rows, or the padded one in a batch of its own
    const Index first = alone ? 1 : 0, count = 2 - first;
    p.batch = count, p.mask = lcsm::view(bytes.data(), 2, 9, 1, 1).batches(first, count);
    Buffer<T> window(count, 1, 1, 3, 2);
    const Buffer<T> u = front<T>(file, core.x.view().batches(first, count), {.final = window, .mask = p.mask});
    agrees(widened<T>(window.view()), arrange(windows, "brhf").batches(first, count), 0);
    Selective::In<const T> in = core.in(u);
    in.delta = in.delta.batches(first, count), in.B = in.B.batches(first, count), in.C = in.C.batches(first, count);
    every_way<Selective, T>(in, p, [&](const Outcome& x) {
      agrees(x.y, arrange(right, "bthf").batches(first, count), tolerance<T>(file));
      agrees(x.m, arrange(states, "bhfr").batches(first, count), tolerance<T>(file));
      for (Index t = 0; t < 4; ++t)
        for (Index d = 0; d < 2; ++d) CHECK(x.y.view()(count - 1, t, 0, d) == 0);
    });
  }
}
