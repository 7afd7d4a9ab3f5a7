// SPDX-License-Identifier: MIT
#define LCSM_SLICE 3
#include "published.hpp"
