// SPDX-License-Identifier: MIT
#define LCSM_SLICE 1
#include "published.hpp"
