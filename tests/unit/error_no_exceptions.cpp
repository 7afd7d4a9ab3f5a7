// SPDX-License-Identifier: MIT
// The library's own switch; the test program still has exceptions, and uses one to leave the handler, which must not return.
#define LCSM_NO_EXCEPTIONS
#include <lcsm/error.hpp>
#include <lcsm/tensor/view.hpp>

#include "support/catch.hpp"

#include <string>

namespace {
struct Called {
  std::string message;
};
[[noreturn]] void leave(const char* message) { throw Called{message}; }
}  // namespace

TEST_CASE("without exceptions an error calls the handler with the same text", "[error]") {
  lcsm::set_error_handler(&leave);
  std::string message;
  try {
    (void)lcsm::view<float>(nullptr, 1, -2, 1, 1);
  } catch (const Called& called) {
    message = called.message;
  }
  CHECK(message == "lcsm::view: argument 'time': expected no negative extent, given -2");
  CHECK(lcsm::detail::error_handler() == &leave);
  lcsm::set_error_handler(nullptr);  // back to printing and aborting
  CHECK(lcsm::detail::error_handler() == &lcsm::detail::abort_with);
}
