// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/config.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lcsm {

// What is thrown at the door of every call, before anything is written. The text names the function, the argument, what was expected and
// what was given. Numbers never throw: a NaN goes where it belongs.
struct Error : std::runtime_error { using std::runtime_error::runtime_error; };
struct ShapeError : Error { using Error::Error; };        // extents, strides, null data, states of other sizes
struct SequenceError : Error { using Error::Error; };     // offsets, masks, both at once
struct OptionError : Error { using Error::Error; };       // tuning, a mode that a mixer lacks, a state where none applies
struct WorkspaceError : Error { using Error::Error; };    // a workspace given by the caller that is too small
struct FormatError : Error { using Error::Error; };       // files

// With LCSM_NO_EXCEPTIONS the handler is called instead; it must not return. Replace it before the first call.
using ErrorHandler = void (*)(const char* message);
namespace detail {
[[noreturn]] inline void abort_with(const char* message) { std::fprintf(stderr, "%s\n", message); std::abort(); }
inline ErrorHandler& error_handler() { static ErrorHandler handler = &abort_with; return handler; }
}
inline void set_error_handler(ErrorHandler handler) { detail::error_handler() = handler ? handler : &detail::abort_with; }

template <class E> [[noreturn]] inline void raise(const std::string& message) {
#if defined(LCSM_NO_EXCEPTIONS)
  detail::error_handler()(message.c_str());
  detail::abort_with("lcsm: the error handler returned");
#else
  throw E(message);
#endif
}

// "lcsm::scan: argument 'k': expected 16 time steps, given 15"
template <class E>
[[noreturn]] inline void raise(std::string_view function, std::string_view argument, std::string_view expected, std::string_view given) {
  std::string message("lcsm::");
  message.append(function).append(": argument '").append(argument).append("': expected ").append(expected).append(", given ").append(given);
  raise<E>(message);
}

}  // namespace lcsm
