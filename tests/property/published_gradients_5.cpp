// SPDX-License-Identifier: MIT
#define LCSM_SLICE 5
#include "published_gradients.hpp"
