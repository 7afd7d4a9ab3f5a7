// SPDX-License-Identifier: MIT
#include "unit/kernel/code_mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

static_assert(is_code_kernel<Counts> && is_code_kernel<Fading> && is_code_kernel<Learning> && is_code_kernel<Retaining> && is_code_kernel<Resetting>);
static_assert(is_code_kernel<Sided> && is_code_kernel<Averages> && is_lazy<Averages> && !is_lazy<Counts>);
static_assert(is_code_write<Codebook> && is_code_write<Written> && !is_code_kernel<Codebook>);
static_assert(!is_code_kernel<Read> && !is_code_write<Read> && !is_code_write<WrittenFading> && !is_code_kernel<PerChannel> && !is_lazy<PerChannel>);

TEMPLATE_TEST_CASE("codes at both ends, every mode against the definition", "[code]", float, double) {
  check_shapes<Counts, TestType>();
  check_shapes<Fading, TestType>();
  check_shapes<Retaining, TestType>();
  check_shapes<Averages, TestType>();
}
