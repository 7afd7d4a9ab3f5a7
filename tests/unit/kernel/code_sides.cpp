// SPDX-License-Identifier: MIT
#include "unit/kernel/code_mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("codes with a channel side, learned decays and gates that close", "[code]") {
  check_shapes<Sided, double>();
  check_shapes<Learning, double>();
  check_shapes<Resetting, double>();
}
TEST_CASE("a code at one end", "[code]") {
  check_shapes<Codebook, float>();
  check_shapes<Written, double>();
  check_shapes<WrittenFading, double>();
  check_shapes<Read, double>();
}
TEST_CASE("a decay per value channel goes to the generic kernels", "[code]") { check_shapes<PerChannel, double>(); }
