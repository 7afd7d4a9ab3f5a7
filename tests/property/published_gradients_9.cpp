// SPDX-License-Identifier: MIT
#define LCSM_SLICE 9
#include "published_gradients.hpp"
