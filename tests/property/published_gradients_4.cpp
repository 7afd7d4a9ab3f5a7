// SPDX-License-Identifier: MIT
#define LCSM_SLICE 4
#include "published_gradients.hpp"
