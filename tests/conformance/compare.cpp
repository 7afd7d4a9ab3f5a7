// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <algorithm>
#include <limits>

namespace lcsm::conformance {
namespace {

class Checks {
 public:
  Checks(Case& c, const Problem& p, Subject& subject, const Abilities& m, const test::CallSums& full, const test::CallSums& middle)
      : c_(c), p_(p), subject_(subject), m_(m), full_(full), middle_(middle) {}

  void all(Way way) {
    whole(way);
    if (way == Way::step || way == Way::matrix || p_.whole) return;        // the others are followed by steps; a matrix has no state
    if (p_.prefill > 0) prefill(way);
    if (p_.tokens <= 64) splits(way);
  }

 private:
  using States = std::map<std::string, Comparison>;
  double epsilon() const {
    return subject_.is_double() ? std::numeric_limits<double>::epsilon() : double(std::numeric_limits<float>::epsilon());
  }
  double ceiling() const { return subject_.is_double() ? 1e-11 : 1e-4; }
  const char* dtype() const { return subject_.is_double() ? "double" : "float"; }

  // Tokens that end up in one sum.
  Index block(Way way) const {
    switch (way) {
      case Way::chunkwise: case Way::mix: return std::min<Index>(64, p_.tokens);
      case Way::small_chunks: return std::min<Index>(16, p_.tokens);
      case Way::attend: case Way::matrix: return p_.tokens;
      default: return 1;
    }
  }
  std::vector<double> bounds(Way way, const std::vector<test::ErrorSums>& sums) const {
    test::ErrorCost cost = m_.cost(full_, block(way), false);
    cost.s += p_.coefficient_slack, cost.g += p_.log_slack;
    return times(sums, cost, epsilon());
  }
  // What the file's double run may be off by. It may have been any mode: it is taken for the attention form.
  std::vector<double> golden_bounds(const std::vector<test::ErrorSums>& sums) const {
    test::ErrorCost cost = m_.cost(full_, p_.tokens, true);
    cost.s += p_.golden_coefficient_slack, cost.g += p_.golden_log_slack;
    return times(sums, cost, std::numeric_limits<double>::epsilon());
  }
  static std::vector<double> times(const std::vector<test::ErrorSums>& sums, const test::ErrorCost& cost, double eps) {
    std::vector<double> out;
    for (const test::ErrorSums& x : sums) out.push_back(eps * cost.of(x));
    return out;
  }

  void output(Comparison& to, const Expected& x, Way way) {
    std::vector<double> given = subject_.output(), again = given, bound = bounds(way, full_.y), golden = golden_bounds(full_.y);
    if (p_.post) p_.post(given, bound), p_.post(again, golden);
    to.add(x, given, bound, golden, ceiling());
    c_.compared(x);
  }
  void state(States& to, const std::map<std::string, Expected>& wanted, const test::CallSums& sums, Way way, Index seen) {
    std::set<std::string> left;
    for (const auto& [name, x] : wanted) left.insert(name);
    for (const auto& [name, given] : subject_.state()) {
      if (name == "position")
        for (const double x : given)
          if (Index(x) != p_.position + seen)
            to[name].note("position " + std::to_string(Index(x)) + ", expected " + std::to_string(p_.position + seen));
      const auto found = wanted.find(name);
      if (found == wanted.end()) continue;
      left.erase(name);
      const auto& weights = name[0] == 'z' ? sums.z : sums.m;
      to[name].add(found->second, given, bounds(way, weights), golden_bounds(weights), ceiling());
      c_.compared(found->second);
    }
    for (const std::string& name : left) to[name].note("the mixer's state has no component '" + name + "'");
  }
  void add(const std::string& mode, const States& states, const std::map<std::string, Expected>& wanted) {
    for (const auto& [name, comparison] : states) {
      const auto found = wanted.find(name);
      c_.report().add(comparison.row(mode, dtype(), found == wanted.end() ? name : found->second.tensor));
    }
  }

  void whole(Way way) {
    subject_.restart(), subject_.run(way, 0, p_.tokens);
    for (const Expected& x : p_.outputs) {
      Comparison comparison;
      output(comparison, x, way);
      c_.report().add(comparison.row(name_of(way), dtype(), x.tensor));
    }
    if (way == Way::matrix) return;
    States states;
    state(states, p_.final, full_, way, p_.tokens);
    add(name_of(way), states, p_.final);
  }
  // The recorded point: a prefill in this mode, its state, then single steps.
  void prefill(Way way) {
    subject_.restart(), subject_.run(way, 0, p_.prefill);
    States states;
    state(states, p_.middle, middle_, way, p_.prefill);
    const std::string mode = std::string(name_of(way)) + ", then step";
    add(mode, states, p_.middle);
    subject_.run(Way::step, p_.prefill, p_.tokens - p_.prefill);
    for (const std::vector<Expected>* group : {&p_.chunked, &p_.outputs})
      for (const Expected& x : *group) {
        Comparison comparison;
        output(comparison, x, way);
        c_.report().add(comparison.row(mode, dtype(), x.tensor));
      }
  }
  // Cut at every token, both ends included: the state is all that the second part knows of the first.
  void splits(Way way) {
    std::vector<Comparison> outputs(p_.outputs.size());
    States states;
    for (Index t = 0; t <= p_.tokens; ++t) {
      subject_.restart(), subject_.run(way, 0, t), subject_.run(way, t, p_.tokens - t);
      for (std::size_t n = 0; n < outputs.size(); ++n) output(outputs[n], p_.outputs[n], way);
      state(states, p_.final, full_, way, p_.tokens);
    }
    const std::string mode = std::string(name_of(way)) + ", split";
    for (std::size_t n = 0; n < outputs.size(); ++n) c_.report().add(outputs[n].row(mode, dtype(), p_.outputs[n].tensor));
    add(mode, states, p_.final);
  }

  Case& c_;
  const Problem& p_;
  Subject& subject_;
  const Abilities& m_;
  const test::CallSums &full_, &middle_;
};

}  // namespace

void compare(Case& c, const Problem& p, Subject& wide, Subject& narrow, const Abilities& m, const test::CallSums& full,
             const test::CallSums& middle) {
  Checks in_double(c, p, wide, m, full, middle), in_float(c, p, narrow, m, full, middle);
  const auto without = [&](Way way, Verdict verdict, const std::string& note) { c.report().add({name_of(way), "-", "-", 0, 0, verdict, note}); };
  for (const Way way : ways) {
    const std::string why = m.why_not(way);
    if (!why.empty() && m.owes(way)) without(way, Verdict::fail, "a mixer of this structure has this mode, but: " + why);
    else if (!why.empty()) without(way, Verdict::not_applicable, why);
    else if (way == Way::matrix && (!p.initial.empty() || p.position > 0))
      without(way, Verdict::not_applicable, "the matrix is that of an empty initial state");
    else {
      in_double.all(way);
      if (way != Way::reference) in_float.all(way);         // the reference computes in double whatever it is given
    }
  }
}

}  // namespace lcsm::conformance
