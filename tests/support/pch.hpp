// SPDX-License-Identifier: MIT
#pragma once

// Other people's headers only: a header of ours would hide what a test forgot to include.
#include "catch.hpp"

#include <Eigen/Core>

#ifndef LCSM_NO_XSIMD
#include <xsimd/xsimd.hpp>
#endif
