// SPDX-License-Identifier: MIT
#pragma once

#include "ledger.hpp"
#include "report.hpp"
#include "tensor.hpp"

#include <lcsm/call/tuning.hpp>

#include <functional>
#include <limits>
#include <optional>
#include <set>

namespace lcsm::test {
class Golden;
class GoldenCase;
}

namespace lcsm::conformance {

// What a mode must give: the numbers of one tensor of the file, in the order in which they are compared.
struct Expected {
  std::string tensor;                    // its name in the report
  std::string key;                       // its role and name in the file
  Array values;
  std::vector<double> own;               // the reference's error where the generic bound does not see it (FFT, cancellation); empty: none
};

// What must turn rows red, for the program's test of itself: a change to the file, or (option) every variant of a case run without what makes it one.
struct Fault {
  enum class Kind { none, number, not_a_number, missing, option } kind = Kind::none;
  std::string tensor;                    // role.name
};

class Tape;

// One case of a golden file. It remembers what was compared: what is left over at the end fails.
class Case {
 public:
  Case(const test::Golden& golden, const test::GoldenCase& about, Report& report, Fault fault = {}, Tape* tape = nullptr)
      : golden_(golden), about_(about), report_(report), fault_(std::move(fault)), tape_(tape) {}

  Report& report() const { return report_; }
  Tape* tape() const { return tape_; }
  // Where gradients are added up; null: they are on the tape, or of no interest.
  Ledger* ledger() { return replays() || withheld() ? nullptr : &ledger_; }
  Index size(const std::string& key) const;
  Index size_or(const std::string& key, Index otherwise) const;
  bool flag(const std::string& key) const;
  std::string text(const std::string& key) const;
  double number(const std::string& key) const;
  bool has(const std::string& role, const std::string& name) const;

  Array in(const std::string& name) const { return array("in", name); }
  Array par(const std::string& name) const { return array("par", name); }
  Array s0(const std::string& name) const { return array("s0", name); }
  Array aux(const std::string& name) const { return array("aux", name); }

  // Numbers to compare with. `which`: part of a complex tensor; then both parts are wanted. unit: what a number is wrong against, at least
  // (1 for logs, which mean something next to 0, too).
  Expected expected(const std::string& role, const std::string& name, std::string_view from, std::string_view to, std::optional<int> which = {},
                    double unit = 0);
  // Numbers that the program has from itself, under the same faults.
  Expected own(const std::string& name, std::vector<double> values);
  void compared(const Expected& x) { compared_.insert(x.key); }
  bool withheld() const { return fault_.kind == Fault::Kind::option; }

  // Compares the gradients. Every output, state, chunk and intermediate must have been compared, and every weight of the loss used.
  void finish();

 private:
  bool replays() const;
  void gradients();
  Array array(const std::string& role, const std::string& name) const;
  void alter(const std::string& key, Array& x, double unit) const;
  const test::Golden& golden_;
  const test::GoldenCase& about_;
  Report& report_;
  Fault fault_;
  Tape* tape_;
  Ledger ledger_;
  std::set<std::string> compared_;
};

// The layer's part after the mixer, in double: the output [B, T, H, 1, parts * D] and its bounds become what the file holds.
using Post = std::function<void(std::vector<double>& y, std::vector<double>& bound)>;
// The same with slopes (both are Problem::after).
using Layer = std::function<void(std::vector<Number>& y)>;

inline constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

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
  Layer layer;
  // What the adapter computes before the mixer and rounds to the input type, beside the one rounding of an input: relative to a coefficient
  // or the input, and to a log.
  double coefficient_slack = 0, log_slack = 0;
  // The same for what the reference does in double (a gate that it subtracts from 1, say).
  double golden_coefficient_slack = 0, golden_log_slack = 0;
  // And for the slopes that it takes.
  double golden_slope_slack = 0;
  bool whole = false;                                            // no cuts: a window, or two directions
  bool by_head = false;                                          // a rule asks for the number of the head: heads cannot be doubled
  // What makes a token leave the state as it is without a mask: these inputs at these numbers, anywhere, or only before the first token of an
  // empty memory. None: there is no such token.
  std::map<std::string, double> no_op;
  bool no_op_first = false;

  // How the call is made: set by variants.cpp, never by an adapter.
  std::vector<std::int32_t> offsets;                             // of packed sequences
  std::vector<std::uint8_t> mask;                                // [batch, tokens]
  std::vector<Index> rows;                                       // the row (batch, token, head) of y that is each of the case's, -1: none; empty: as they come
  std::vector<Index> slots;                                      // the same for (sequence, head) of the state
  bool others_silent = false;                                    // rows of y that are none of the case's are 0, slots are what they were
  Index sequences() const { return offsets.empty() ? batch : Index(offsets.size()) - 1; }

  // The usual names: s0.<name>, s1.<name>, chunk.<name>_mid are one component of the state.
  void state(Case& c, const std::string& name, const std::string& component, std::string_view from0, std::string_view from1, std::string_view to);
  void output(Case& c, const std::string& name, std::string_view from, std::string_view to);
  // What the layer does after the mixer: f changes a vector of Number or of Plain.
  template <class F> void after(F f) {
    layer = [f](std::vector<Number>& y) { f(y); };
    post = [f](std::vector<double>& y, std::vector<double>& bound) {
      std::vector<Plain> numbers;
      for (std::size_t n = 0; n < y.size(); ++n) numbers.push_back({y[n], bound[n]});
      f(numbers), y.clear(), bound.clear();
      for (const Plain& v : numbers) y.push_back(v.x), bound.push_back(v.error);
    };
  }
};

// The largest error against its bound, and whether all bounds hold.
class Comparison {
 public:
  // No bound exceeds the ceiling times the largest number.
  void add(const Expected& x, const std::vector<double>& given, const std::vector<double>& bound, const std::vector<double>& golden, double ceiling);
  void note(const std::string& text) { note_ = text, ok_ = false; }
  Row row(const std::string& mode, const std::string& dtype, const std::string& tensor) const;

 private:
  double error_ = 0, bound_ = 0, worst_ = -1;
  bool ok_ = true, any_ = false;
  std::string note_;
};

}  // namespace lcsm::conformance
