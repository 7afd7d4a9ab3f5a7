// SPDX-License-Identifier: MIT
// Widths that are no multiple of a vector, and groups of heads.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

// Every buffer lies between NaNs (every_way.hpp).
TEMPLATE_TEST_CASE("key and value widths unlike each other and unlike a vector", "[cases][dims_01]", float, double) {
  const Case file(case_path("dims_01"));
  for (const std::string widths : {"K1_V1_", "K5_V3_", "K3_V17_", "K9_V16_", "K7_V31_"}) {
    INFO(widths);
    const GatedInputs<TestType> inputs(file, widths);
    every_way<GatedAttention, TestType>(inputs.in(), inputs.problem(), agrees_with<TestType>(file, widths + "o", widths + "final_state"));
  }
}

// The kind: every pair of widths up to 9, and some around a vector, of slices of the widest case.
TEMPLATE_TEST_CASE("any pair of widths", "[cases][dims_01]", float, double) {
  using T = TestType;
  const Case file(case_path("dims_01"));
  const GatedInputs<T> narrow(file, "K9_V16_"), broad(file, "K7_V31_");
  const GatedInputs<double> narrow_wide(file, "K9_V16_"), broad_wide(file, "K7_V31_");
  const auto slice = [](const auto& k, const auto& v, Index keys, Index values) {
    auto in = k.in();
    in.q = in.q.features(0, keys), in.k = in.k.features(0, keys), in.g = in.g.features(0, keys), in.v = v.in().v.features(1, values);
    return in;
  };
  for (Index keys = 1; keys <= 9; ++keys)
    for (const Index values : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 25, 30}) {
      Buffer<double> right(2, 6, 2, values), y(2, 6, 2, values);
      reference(GatedAttention{}, slice(narrow_wide, broad_wide, keys, values), right.view());
      for (const Way& way : ways_of<GatedAttention, T>({4})) {
        INFO(way.name << ", " << keys << " x " << values);
        Guarded<T> out(2 * 6 * 2 * values, std::numeric_limits<T>::quiet_NaN());
        const View<T> view = lcsm::view(out.data(), 2, 6, 2, values);
        run<GatedAttention>(way, Threads{}, slice(narrow, broad, keys, values), view, Options<T>{});
        CHECK(out.intact());
        agrees(widened<T>(view), right, tolerance<T>(file));
      }
    }
}

TEMPLATE_TEST_CASE("heads of one group are neighbours", "[cases][dims_02]", float, double) {
  using T = TestType;
  const Case file(case_path("dims_02"));
  const Numbers<T> x(file.in("x"), "bthf"), dt(file.in("dt"), "bthf"), A(file.in("A"), "hfr");
  for (const std::string groups : {"G1", "G2", "G4"}) {
    INFO(groups);
    const Numbers<T> B(file.in("B_" + groups), "bthf"), C(file.in("C_" + groups), "bthf");
    const SelectiveScalar::In<const T> in{.x = x.view(), .delta = dt.view(), .B = B.view(), .C = C.view(), .A = per_head(A)};
    const Problem p{.batch = 1, .tokens = 5, .heads = 4, .keys = 3, .values = 2, .chunks = {2, 4, 64}};
    every_way<SelectiveScalar, T>(in, p, agrees_with<T>(file, "y_" + groups, "final_state_" + groups, "bhfr"));
  }
}
