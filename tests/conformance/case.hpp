// SPDX-License-Identifier: MIT
#pragma once

#include "report.hpp"
#include "tensor.hpp"

#include <lcsm/call/tuning.hpp>

#include <functional>
#include <optional>
#include <set>

namespace lcsm::test {
class Golden;
struct GoldenCase;
}

namespace lcsm::conformance {

// What a mode must give: the numbers of one tensor of the file, in the order in which they are compared.
struct Expected {
  std::string tensor;                    // its name in the report
  std::string key;                       // its role and name in the file
  Array values;
  std::vector<double> own;               // the reference's error where the generic bound does not see it (FFT, cancellation); empty: none
};

// A change to the file that must turn rows red: for the program's test of itself.
struct Fault {
  enum class Kind { none, number, not_a_number, missing } kind = Kind::none;
  std::string tensor;                    // role.name
};

// One case of a golden file. It remembers what was compared: what is left over at the end fails.
class Case {
 public:
  Case(const test::Golden& golden, const test::GoldenCase& about, Report& report, Fault fault = {})
      : golden_(golden), about_(about), report_(report), fault_(std::move(fault)) {}

  Report& report() const { return report_; }
  Index size(const std::string& key) const;
  Index size_or(const std::string& key, Index otherwise) const;
  bool flag(const std::string& key) const;
  std::string text(const std::string& key) const;
  bool has(const std::string& role, const std::string& name) const;

  Array in(const std::string& name) const { return array("in", name); }
  Array par(const std::string& name) const { return array("par", name); }
  Array s0(const std::string& name) const { return array("s0", name); }
  Array aux(const std::string& name) const { return array("aux", name); }

  // Numbers to compare with. `which`: part of a complex tensor; then both parts are wanted. unit: what a number is wrong against, at least
  // (1 for logs, which mean something next to 0, too).
  Expected expected(const std::string& role, const std::string& name, std::string_view from, std::string_view to, std::optional<int> which = {},
                    double unit = 0);
  void compared(const Expected& x) { compared_.insert(x.key); }

  // Every output, state, chunk and intermediate must have been compared; gradients come with the adjoints.
  void finish();

 private:
  Array array(const std::string& role, const std::string& name) const;
  const test::Golden& golden_;
  const test::GoldenCase& about_;
  Report& report_;
  Fault fault_;
  std::set<std::string> compared_;
};

// The layer's part after the mixer, in double: the output [B, T, H, 1, parts * D] and its bounds become what the file holds.
using Post = std::function<void(std::vector<double>& y, std::vector<double>& bound)>;

// A case in the library's terms.
struct Problem {
  Inputs inputs;
  Index batch = 1, tokens = 0, heads = 1, values = 1, keys = 1;
  Direction direction = Direction::forward;
  std::map<std::string, Array> initial;                    // state component -> [N, 1, H, K, D]; none: start from nothing
  Index position = 0;                                            // tokens seen before
  std::vector<Expected> outputs;                                 // each of them is y
  std::map<std::string, Expected> final;                         // state component -> numbers
  Index prefill = 0;                                             // tokens before the recorded state
  std::map<std::string, Expected> middle;
  std::vector<Expected> chunked;                                 // y of prefill, then single steps
  Post post;
  // What the adapter computes before the mixer and rounds to the input type, beside the one rounding of an input: relative to a coefficient
  // or the input, and to a log.
  double coefficient_slack = 0, log_slack = 0;
  // The same for what the reference does in double (a gate that it subtracts from 1, say).
  double golden_coefficient_slack = 0, golden_log_slack = 0;
  bool whole = false;                                            // no cuts: a window, or two directions

  // The usual names: s0.<name>, s1.<name>, chunk.<name>_mid are one component of the state.
  void state(Case& c, const std::string& name, const std::string& component, std::string_view from0, std::string_view from1, std::string_view to);
  void output(Case& c, const std::string& name, std::string_view from, std::string_view to);
};

// The largest error against its bound, and whether all bounds hold.
class Comparison {
 public:
  // extra: bounds of the mode; the contract's ceiling holds for them, before the errors of the file itself are added.
  void add(const Expected& x, const std::vector<double>& given, const std::vector<double>& bound, const std::vector<double>& golden, double ceiling);
  void note(const std::string& text) { note_ = text, ok_ = false; }
  Row row(const std::string& mode, const std::string& dtype, const std::string& tensor) const;

 private:
  double error_ = 0, bound_ = 0, worst_ = -1;
  bool ok_ = true, any_ = false;
  std::string note_;
};

}  // namespace lcsm::conformance
