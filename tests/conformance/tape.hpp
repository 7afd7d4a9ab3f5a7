// SPDX-License-Identifier: MIT
#pragma once

#include "subject.hpp"

namespace lcsm::conformance {

// All that the subjects of a case gave, in order: the test of the program itself compares it again with other expectations, and nothing is computed
// twice. The calls of a case are the same each time.
class Tape {
 public:
  struct Posted { std::vector<double> y, bound, file; };    // an output after the layer's part, and what it may be off by
  bool playing() const { return playing_; }
  void rewind() { playing_ = true, output_at_ = state_at_ = stray_at_ = posted_at_ = 0; }
  Ledger ledger;                         // of the case that was recorded
  template <class F> std::vector<double> output(F&& made) { return next(outputs_, output_at_, made); }
  template <class F> States state(F&& made) { return next(states_, state_at_, made); }
  template <class F> std::string stray(F&& made) { return next(strays_, stray_at_, made); }
  template <class F> Posted posted(F&& made) { return next(posted_, posted_at_, made); }

 private:
  template <class X, class F> X next(std::vector<X>& all, std::size_t& at, F&& made) {
    if (!playing_) all.push_back(made());
    return all.at(at++);
  }
  bool playing_ = false;
  std::vector<std::vector<double>> outputs_;
  std::vector<States> states_;
  std::vector<std::string> strays_;
  std::vector<Posted> posted_;
  std::size_t output_at_ = 0, state_at_ = 0, stray_at_ = 0, posted_at_ = 0;
};

// A subject that records, or plays and computes nothing.
class Taped : public Subject {
 public:
  Taped(std::shared_ptr<Subject> subject, Tape& tape, bool in_double) : subject_(std::move(subject)), tape_(tape), in_double_(in_double) {}
  void restart() override { if (!tape_.playing()) subject_->restart(); }
  void run(Way way, Index first, Index count) override { if (!tape_.playing()) subject_->run(way, first, count); }
  Index tokens() const override { return tape_.playing() ? 0 : subject_->tokens(); }
  std::vector<double> output() const override { return tape_.output([&] { return subject_->output(); }); }
  States state() const override { return tape_.state([&] { return subject_->state(); }); }
  bool is_double() const override { return in_double_; }
  std::unique_ptr<Subject> with(const Change& change) const override {
    return std::make_unique<Taped>(tape_.playing() ? nullptr : subject_->with(change), tape_, in_double_);
  }
  std::string stray() const override { return tape_.stray([&] { return subject_->stray(); }); }
  Pulled pulled(Way, const std::vector<double>&, const States&) const override { return {}; }   // the ledger is on the tape
  AdjointSums adjoint_sums(const std::vector<double>&, const std::vector<double>&, const States&, const test::ErrorCost&, const test::ErrorCost&) const override { return {}; }

 private:
  std::shared_ptr<Subject> subject_;
  Tape& tape_;
  bool in_double_;
};

}  // namespace lcsm::conformance
