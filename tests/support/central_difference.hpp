// SPDX-License-Identifier: MIT
#pragma once

namespace lcsm::test {

// dL/dx by a central difference. Its error is h^2 / 6 of a third derivative and eps / h of the loss: with h = 2^-17 both are near 1e-10 of what is
// summed for losses whose derivatives are of their own size. 1e-7 leaves room for derivatives 10 times larger at each order.
inline constexpr double step_size = 0x1p-17, difference_tolerance = 1e-7;
template <class F> double central_difference(double& x, F&& loss) {
  const double at = x;
  x = at + step_size;
  const double high = loss();
  x = at - step_size;
  const double low = loss();
  x = at;
  return (high - low) / (2 * step_size);
}

}  // namespace lcsm::test
