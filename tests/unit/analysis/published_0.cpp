// SPDX-License-Identifier: MIT
#define LCSM_SLICE 0
#include "published.hpp"
