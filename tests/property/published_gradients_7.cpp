// SPDX-License-Identifier: MIT
#define LCSM_SLICE 7
#include "published_gradients.hpp"
