// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/dynamics.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// First principle, the readout: a mixer has a finite state for all keys if and only if phi is linear. Then sum_j h_i^(j) v_j^T is one memory of n x D numbers; else every h_i^(j) is kept
// apart, which is a cache of n + D numbers per token.
struct Readout {
  bool linear = true, finite_state = true;
  const char* phi = "identity";
  Index state_bytes = 0;                                    // per head; without a finite state: of T tokens
  Index cache_bytes = 0;                                    // what keys and values of T tokens take
  Index crossover = 0;                                      // the state is smaller than a cache of more tokens than these; -1: there is no such number
};

// At length T, with numbers of so many bytes.
inline Readout readout(const Dynamics& d, Index T, Index bytes_per_number = 4) {
  Readout r;
  r.linear = d.phi == nullptr, r.finite_state = d.finite_state, r.phi = d.phi_name;
  r.cache_bytes = T * d.cache_numbers * bytes_per_number, r.state_bytes = d.finite_state ? d.state_numbers * bytes_per_number : r.cache_bytes;
  r.crossover = d.finite_state && d.cache_numbers > 0 ? (d.state_numbers + d.cache_numbers - 1) / d.cache_numbers : -1;
  return r;
}
inline std::string line(const Readout& r) {
  return std::string("readout: phi = ") + r.phi + (r.linear ? " (linear), " : " (not linear), ") +
         (r.finite_state ? "finite state of " + bytes_text(r.state_bytes) + ", a cache would hold " + bytes_text(r.cache_bytes) + "; smaller from token " + text(r.crossover) + " on"
                         : "no finite state: a cache of " + bytes_text(r.cache_bytes));
}

}  // namespace lcsm::analysis
