// SPDX-License-Identifier: MIT
// A second translation unit: whatever is not inline in the library is defined twice here.
#include <lcsm/tensor/buffer.hpp>

#if __has_include(<lcsm/lcsm.hpp>)
#include <lcsm/lcsm.hpp>
#endif

lcsm::Index elements_elsewhere();
lcsm::Index elements_elsewhere() { return lcsm::Buffer<float>(2, 3, 5, 7).size(); }
