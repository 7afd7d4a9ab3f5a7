// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <cstdio>
#include <string>

// Numbers in the lines of a report.
namespace lcsm::analysis {

inline std::string text(double x) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3g", x);
  return out;
}
inline std::string text(Index n) { return std::to_string(n); }
inline std::string percent(double share) { return text(100 * share) + " %"; }
inline std::string bytes_text(Index n) { return n < 10000 ? text(n) + " B" : n < 10000000 ? text(double(n) / 1e3) + " kB" : text(double(n) / 1e6) + " MB"; }

}  // namespace lcsm::analysis
