// SPDX-License-Identifier: MIT
#include <lcsm/error.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>

namespace {
template <class E> std::string text_of() {
  try {
    lcsm::raise<E>("scan", "k", "16 time steps", "15");
  } catch (const E& error) {
    return error.what();
  }
}
}  // namespace

TEST_CASE("an error names the function, the argument, what was expected and what was given", "[error]") {
  const std::string expected = "lcsm::scan: argument 'k': expected 16 time steps, given 15";
  CHECK(text_of<lcsm::ShapeError>() == expected);
  CHECK(text_of<lcsm::SequenceError>() == expected);
  CHECK(text_of<lcsm::OptionError>() == expected);
  CHECK(text_of<lcsm::WorkspaceError>() == expected);
  CHECK(text_of<lcsm::FormatError>() == expected);
}

TEST_CASE("every error is an lcsm::Error and a std::runtime_error, and none is another", "[error]") {
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, lcsm::Error>);
  STATIC_REQUIRE(std::is_base_of_v<lcsm::Error, lcsm::ShapeError>);
  STATIC_REQUIRE(std::is_base_of_v<lcsm::Error, lcsm::FormatError>);
  STATIC_REQUIRE_FALSE(std::is_base_of_v<lcsm::ShapeError, lcsm::SequenceError>);
  CHECK_THROWS_AS(lcsm::raise<lcsm::ShapeError>("text"), lcsm::Error);
}
