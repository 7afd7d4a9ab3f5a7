// SPDX-License-Identifier: MIT
#pragma once

// Catch2 2.13 and 3 by one name. Approx is not part of it: tolerances are derived, not guessed.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#else
#include <catch2/catch.hpp>
#endif
