// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <support/error_sums.hpp>

#include <utility>

namespace lcsm::conformance {

// The ways to run a case: every mode, the block sizes that put borders inside the goldens' lengths, and the surrogate matrix times the input.
enum class Way { reference, recurrent, step, scan, chunkwise, small_chunks, attend, matrix, mix };
inline constexpr Way ways[] = {Way::reference,    Way::recurrent, Way::step,   Way::scan, Way::chunkwise,
                               Way::small_chunks, Way::attend,    Way::matrix, Way::mix};
constexpr const char* name_of(Way w) {
  constexpr const char* names[] = {"reference", "recurrent", "step", "scan", "chunkwise", "chunkwise/16", "attend", "matrix", "mix"};
  return names[int(w)];
}

// One mixer in one type on one case, whose types are forgotten: all comparing is compiled once. Positions are those of the timeline: in
// reverse, 0 is the last token.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual void restart() = 0;                               // the initial state, an output of zeros
  virtual void run(Way way, Index first, Index count) = 0;  // from the state, into the state and the output's tokens
  virtual std::vector<double> output() const = 0;
  virtual std::vector<std::pair<std::string, std::vector<double>>> state() const = 0;
  virtual bool is_double() const = 0;
};

// Error sums of a call, and the log scales of the memory at its end (p of the state), which those of m and z are relative to.
struct Sums {
  test::CallSums terms;
  std::vector<double> p;
};

// What check<M> knows of M.
struct Abilities {
  // Why the mixer cannot be run this way ("" if it can), and whether its structure owes it.
  const char* (*why_not)(Way);
  bool (*owes)(Way);
  test::ErrorCost (*cost)(const test::CallSums&, Index summed, bool any_form);
};

void compare(Case& c, const Problem& p, Subject& wide, Subject& narrow, const Abilities& m, const Sums& full, const Sums& middle);

}  // namespace lcsm::conformance
