// SPDX-License-Identifier: MIT
#define LCSM_SLICE 6
#include "published_gradients.hpp"
