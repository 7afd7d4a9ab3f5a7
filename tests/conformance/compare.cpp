// SPDX-License-Identifier: MIT
#include "tape.hpp"
#include "variants.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lcsm::conformance {
namespace {

class Checks {
 public:
  Checks(Case& c, const Problem& p, Subject& subject, const Abilities& m, const Sums& full, const Sums& middle)
      : c_(c), p_(p), subject_(subject), m_(m), full_(full), middle_(middle) {
    for (Variant& v : variants_of(p, c.withheld())) {
      std::unique_ptr<Subject> made = subject.with(v.change);
      variants_.push_back({std::move(v), std::move(made)});
    }
    for (const auto& [once, copied] : shared_heads(p, c.withheld())) shared_.emplace_back(subject.with(once), subject.with(copied));
  }

  void all(Way way) {
    whole(way), variants(way), shared(way);
    if (way == Way::step || way == Way::matrix || p_.whole) return;        // the others are followed by steps; a matrix has no state
    if (p_.prefill > 0) prefill(way);
    if (p_.tokens <= 64) splits(way);
  }

 private:
  using Compared = std::map<std::string, Comparison>;
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
    test::ErrorCost cost = m_.cost(full_.terms, block(way), false);
    cost.s += p_.coefficient_slack, cost.g += p_.log_slack;
    return times(sums, cost, epsilon());
  }
  // What the file's double run may be off by. It may have been any mode: it is taken for the attention form.
  std::vector<double> golden_bounds(const std::vector<test::ErrorSums>& sums) const {
    test::ErrorCost cost = m_.cost(full_.terms, p_.tokens, true);
    cost.s += p_.golden_coefficient_slack, cost.g += p_.golden_log_slack;
    return times(sums, cost, std::numeric_limits<double>::epsilon());
  }
  static std::vector<double> times(const std::vector<test::ErrorSums>& sums, const test::ErrorCost& cost, double eps) {
    std::vector<double> out;
    for (const test::ErrorSums& x : sums) out.push_back(eps * cost.of(x));
    return out;
  }

  void output(Comparison& to, const Expected& x, Way way) { output(to, x, way, subject_.output()); }
  void output(Comparison& to, const Expected& x, Way way, std::vector<double> given) {
    std::vector<double> bound = bounds(way, full_.terms.y);
    if (way == Way::fourier || (way == Way::mix && m_.mix_transforms))
      for (std::size_t n = 0; n < bound.size(); ++n) bound[n] += epsilon() * test::fourier_cost(p_.tokens) * full_.terms.fourier.at(n);
    std::vector<double> golden = golden_bounds(full_.terms.y);
    if (p_.post) {
      const auto after = [&] {
        std::vector<double> again = given;
        p_.post(given, bound), p_.post(again, golden);
        return Tape::Posted{given, bound, golden};
      };
      const Tape::Posted posted = c_.tape() ? c_.tape()->posted(after) : after();
      given = posted.y, bound = posted.bound, golden = posted.file;
    }
    to.add(x, given, bound, golden, ceiling());
    c_.compared(x);
  }
  // A memory that is stored times exp(-p) means exp(p) m, and p is everybody's own choice: ours is compared times exp(p - theirs), on the scale
  // of the file (0 if it keeps none). The row of p itself is all of these comparisons together.
  void state(Compared& to, const std::map<std::string, Expected>& wanted, const Sums& sums, Way way, Index seen) {
    state(to, wanted, sums, way, seen, subject_.state());
  }
  void state(Compared& to, const std::map<std::string, Expected>& wanted, const Sums& sums, Way way, std::optional<Index> seen, const States& given) {
    std::set<std::string> left;
    for (const auto& [name, x] : wanted) left.insert(name);
    const auto scale = std::find_if(given.begin(), given.end(), [](const auto& x) { return x.first == "p"; });
    const auto their_scale = wanted.find("p");
    const bool scaled = scale != given.end();
    const std::vector<double> theirs = their_scale != wanted.end() ? their_scale->second.values.values
                                                                   : std::vector<double>(scaled ? scale->second.size() : 0);
    if (scaled && theirs.size() != scale->second.size()) {
      to["p"].note("expected " + std::to_string(theirs.size()) + " scales, given " + std::to_string(scale->second.size()));
      return;
    }
    for (const auto& [name, numbers] : given) {
      if (name == "position" && seen)
        for (const double x : numbers)
          if (Index(x) != p_.position + *seen)
            to[name].note("position " + std::to_string(Index(x)) + ", expected " + std::to_string(p_.position + *seen));
      const auto found = wanted.find(name);
      if (found == wanted.end()) continue;
      left.erase(name), c_.compared(found->second);
      if (scaled && name == "p") continue;
      const auto& terms = name[0] == 'z' ? sums.terms.z : sums.terms.m;
      std::vector<double> ours = numbers, bound = bounds(way, terms), golden = golden_bounds(terms);
      if (scaled) rescale(ours, scale->second, theirs), rescale(bound, sums.p, theirs), rescale(golden, sums.p, theirs);
      to[name].add(found->second, ours, bound, golden, ceiling());
      if (scaled && their_scale != wanted.end()) to["p"].add(found->second, ours, bound, golden, ceiling());
    }
    for (const std::string& name : left) to[name].note("the mixer's state has no component '" + name + "'");
  }
  // x exp(p - theirs) for a component [N, 1, H, ...]; p has one number per head, or one for each channel of the last axis. 0 is 0 at any scale.
  void rescale(std::vector<double>& x, const std::vector<double>& p, const std::vector<double>& theirs) const {
    const std::size_t heads = to_size(p_.batch * p_.heads), scales = p.size() / heads, each = x.size() / heads;
    for (std::size_t n = 0; n < x.size(); ++n) {
      const std::size_t at = n / each * scales + n % scales;
      if (x[n] != 0) x[n] *= std::exp(p.at(at) - theirs.at(at));
    }
  }
  void add(const std::string& mode, const Compared& states, const std::map<std::string, Expected>& wanted) {
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
    Compared states;
    state(states, p_.final, full_, way, p_.tokens);
    add(name_of(way), states, p_.final);
  }
  // The case in calls that are made differently. A name's variants have one row together.
  void variants(Way way) {
    for (std::size_t n = 0; n < variants_.size();) {
      const std::string name = variants_[n].what.name;
      std::vector<Comparison> outputs(p_.outputs.size());
      Compared states;
      bool any = false;
      for (; n < variants_.size() && variants_[n].what.name == name; ++n) {
        const Variant& v = variants_[n].what;
        if ((way == Way::step && !v.steps) || (way == Way::matrix && v.rest)) continue;
        any = true;
        Subject* last = variants_[n].made.get();
        last->restart(), run_all(*last, way);
        std::vector<double> y = last->output();
        std::string stray = last->stray();
        std::unique_ptr<Subject> second;
        if (v.rest) {
          const States carried = last->state();
          second = subject_.with([&](const Problem& x) {
            Problem q = v.rest(x);
            for (const auto& [component, numbers] : carried) {
              Array to{{}, numbers};
              if (component == "position")                  // one for all heads of a sequence
                for (std::size_t at = to.values.size(); at-- > 0;)
                  if (at % to_size(x.heads) != 0) to.values.erase(to.values.begin() + std::ptrdiff_t(at));
              q.initial.insert_or_assign(component, std::move(to));
            }
            return q;
          });
          last = second.get();
          last->restart(), run_all(*last, way), stray += last->stray();
          const std::vector<double> later = last->output();
          for (std::size_t i = 0; i < y.size(); ++i) y[i] += later[i];
        }
        for (std::size_t i = 0; i < outputs.size(); ++i) {
          output(outputs[i], p_.outputs[i], way, y);
          if (!stray.empty()) outputs[i].note(stray);
        }
        if (way != Way::matrix) state(states, p_.final, full_, way, v.counts ? std::optional(p_.tokens) : std::nullopt, last->state());
      }
      if (!any) continue;
      const std::string mode = std::string(name_of(way)) + ", " + name;
      for (std::size_t i = 0; i < outputs.size(); ++i) c_.report().add(outputs[i].row(mode, dtype(), p_.outputs[i].tensor));
      add(mode, states, p_.final);
    }
  }
  static void run_all(Subject& subject, Way way) { subject.run(way, 0, subject.tokens()); }
  void shared(Way way) {
    if (shared_.empty()) return;
    Comparison comparison;
    for (const auto& [once, copied] : shared_) {
      std::vector<double> numbers[2];
      for (const bool first : {true, false}) {
        Subject& subject = first ? *once : *copied;
        subject.restart(), run_all(subject, way);
        numbers[first] = subject.output();
        if (way != Way::matrix)
          for (const auto& [name, x] : subject.state()) numbers[first].insert(numbers[first].end(), x.begin(), x.end());
      }
      const std::vector<double> exact(numbers[0].size());
      comparison.add(c_.own("copied_heads", numbers[0]), numbers[1], exact, exact, 0);
    }
    c_.report().add(comparison.row(std::string(name_of(way)) + ", grouped", dtype(), "own.copied_heads"));
  }
  // The recorded point: a prefill in this mode, its state, then single steps.
  void prefill(Way way) {
    subject_.restart(), subject_.run(way, 0, p_.prefill);
    Compared states;
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
    Compared states;
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
  const Sums &full_, &middle_;
  struct Made {
    Variant what;
    std::unique_ptr<Subject> made;
  };
  std::vector<Made> variants_;
  std::vector<std::pair<std::unique_ptr<Subject>, std::unique_ptr<Subject>>> shared_;
};

}  // namespace

void compare(Case& c, const Problem& p, Subject& wide, Subject& narrow, const Abilities& m, const Sums& full, const Sums& middle) {
  if (c.tape() && !dynamic_cast<Taped*>(&wide)) {
    const auto taped = [&](Subject& x) { return Taped(std::shared_ptr<Subject>(std::shared_ptr<void>(), &x), *c.tape(), x.is_double()); };
    Taped wide_taped = taped(wide), narrow_taped = taped(narrow);
    return compare(c, p, wide_taped, narrow_taped, m, full, middle);
  }
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
