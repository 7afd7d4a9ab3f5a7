// SPDX-License-Identifier: MIT
#pragma once

// The one place that holds the version; CMake and the packaging files read it from here.
#define LCSM_VERSION_MAJOR 0
#define LCSM_VERSION_MINOR 1
#define LCSM_VERSION_PATCH 0
// One number to compare: 10000 * major + 100 * minor + patch.
#define LCSM_VERSION (LCSM_VERSION_MAJOR * 10000 + LCSM_VERSION_MINOR * 100 + LCSM_VERSION_PATCH)
