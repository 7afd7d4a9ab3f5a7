// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <support/error_sums.hpp>

#include <memory>
#include <utility>

namespace lcsm::conformance {

// The ways to run a case: every mode, the block sizes that put borders inside the goldens' lengths, and the surrogate matrix times the input.
enum class Way { reference, recurrent, step, scan, chunkwise, small_chunks, attend, matrix, mix, convolve, fourier };
inline constexpr Way ways[] = {Way::reference,    Way::recurrent, Way::step,   Way::scan, Way::chunkwise,
                               Way::small_chunks, Way::attend,    Way::matrix, Way::mix,  Way::convolve,
                               Way::fourier};
constexpr const char* name_of(Way w) {
  constexpr const char* names[] = {"reference", "recurrent", "step", "scan", "chunkwise", "chunkwise/16", "attend", "matrix", "mix", "convolve", "convolve, Fourier"};
  return names[int(w)];
}

// One mixer in one type on one case, whose types are forgotten: all comparing is compiled once. Positions are those of the timeline: in
// reverse, 0 is the last token.
using Change = std::function<Problem(const Problem&)>;
using States = std::vector<std::pair<std::string, std::vector<double>>>;
// Cotangents of the inputs, each with the array it belongs to, and of the initial state.
struct Pulled {
  std::vector<std::pair<const Array*, std::vector<double>>> inputs;
  States initial;
};
// The sums that bound a gradient (support/gradient_bound.hpp): of the sizes of its terms, the same raised by what we and by what the file's reference may
// lose, what follows from errors of y_bar, the sizes of all that a sum of logs' gradients takes in, and what transforms lose (transform_bound.hpp; empty: none are made).
struct AdjointSums { Pulled plain, raised, raised_file, unsure, sizes, transforms; };
class Subject {
 public:
  virtual ~Subject() = default;
  virtual void restart() = 0;                               // the initial state, an output of NaN
  virtual void run(Way way, Index first, Index count) = 0;  // from the state, into the state and the output's tokens
  virtual Index tokens() const = 0;
  virtual std::vector<double> output() const = 0;
  virtual States state() const = 0;
  virtual bool is_double() const = 0;
  virtual std::unique_ptr<Subject> with(const Change& change) const = 0;   // the same mixer and type on another problem
  virtual std::string stray() const = 0;                    // what was written where nothing may be, if anything
  // The adjoint of a mode for all tokens: of y_bar, in the order of the output, and cotangents of the final state.
  virtual Pulled pulled(Way, const std::vector<double>& y_bar, const States& final) const = 0;
  virtual AdjointSums adjoint_sums(const std::vector<double>& y_bar, const std::vector<double>& y_error, const States& final, const test::ErrorCost& ours, const test::ErrorCost& file) const = 0;
};

// The rows of x that are the case's, in its order. Nothing listed: all of them; -1: zeros.
std::vector<double> rows_of(const std::vector<double>& x, const std::vector<Index>& rows, std::size_t width);
// Whether f(first, last) is true for the numbers of every row that is none of the case's.
bool each_other(const std::vector<Index>& rows, std::size_t size, std::size_t width, const std::function<bool(std::size_t, std::size_t)>& f);

// Two mixers over the same tokens, which have no state: the two directions of a layer. Their sum, or their numbers one after the other.
class Both : public Subject {
 public:
  enum class Join { sum, beside };
  Both(std::unique_ptr<Subject> first, std::unique_ptr<Subject> second, Join join) : first_(std::move(first)), second_(std::move(second)), join_(join) {}
  void restart() override { first_->restart(), second_->restart(); }
  void run(Way way, Index first, Index count) override { first_->run(way, first, count), second_->run(way, first, count); }
  bool is_double() const override { return first_->is_double(); }
  Index tokens() const override { return first_->tokens(); }
  States state() const override { return {}; }
  std::vector<double> output() const override;
  std::unique_ptr<Subject> with(const Change& change) const override {
    return std::make_unique<Both>(first_->with(change), second_->with(change), join_);
  }
  std::string stray() const override { return first_->stray() + second_->stray(); }
  Pulled pulled(Way, const std::vector<double>&, const States&) const override { return {}; }   // each of the two has its own
  AdjointSums adjoint_sums(const std::vector<double>&, const std::vector<double>&, const States&, const test::ErrorCost&, const test::ErrorCost&) const override { return {}; }

 private:
  std::unique_ptr<Subject> first_, second_;
  Join join_;
};

// Error sums of a call, and the log scales of the memory at its end (p of the state), which those of m and z are relative to.
struct Sums {
  test::CallSums terms;
  std::vector<double> p;
};

Sums join_sums(Sums first, const Sums& second, Both::Join join);

// What check<M> knows of M.
struct Abilities {
  // Why the mixer cannot be run this way ("" if it can), and whether its structure owes it.
  const char* (*why_not)(Way);
  bool (*owes)(Way);
  test::ErrorCost (*cost)(const test::CallSums&, Index summed, bool any_form);
  bool mix_transforms;                                      // it may take transforms, which err by norms
};

// The adjoints that this build has beside that of the definition, and why not.
#ifdef LCSM_LONG_TESTS
inline constexpr const char* without_adjoints = "";
#else
inline constexpr const char* without_adjoints = "not built: tests/run --conformance --gradients";
#endif
// One of the mixers that make a case, in double and in float, with the outputs of the definition.
struct Part {
  const Problem& p;
  Subject &wide, &narrow;
};
// Adds the gradients of the loss by all that the parts are made of to the case's ledger. full: sums of the parts together.
void differentiate(Case& c, const std::vector<Part>& parts, Both::Join join, const Abilities& m, const Sums& full);

void compare(Case& c, const Problem& p, Subject& wide, Subject& narrow, const Abilities& m, const Sums& full, const Sums& middle);

}  // namespace lcsm::conformance
