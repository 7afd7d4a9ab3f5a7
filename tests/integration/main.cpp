// SPDX-License-Identifier: MIT
// A user's program: two files that include the library, with every header the targets promise.
#include <lcsm/tensor/buffer.hpp>
#include <lcsm/version.hpp>

#if __has_include(<lcsm/lcsm.hpp>)
#include <lcsm/lcsm.hpp>
#endif

#include <Eigen/Core>

#ifndef LCSM_NO_XSIMD
#include <xsimd/xsimd.hpp>
#endif

#include <cstdio>

lcsm::Index elements_elsewhere();

int main() {
  const lcsm::Buffer<float> buffer(2, 3, 5, 7);
  std::printf("lcsm %d.%d.%d\n", LCSM_VERSION_MAJOR, LCSM_VERSION_MINOR, LCSM_VERSION_PATCH);
  return buffer.size() == elements_elsewhere() ? 0 : 1;
}
