// SPDX-License-Identifier: MIT
#define LCSM_SLICE 2
#include "published.hpp"
