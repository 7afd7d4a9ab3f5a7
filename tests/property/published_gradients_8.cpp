// SPDX-License-Identifier: MIT
#define LCSM_SLICE 8
#include "published_gradients.hpp"
