// SPDX-License-Identifier: MIT
#pragma once

#include "tensor.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace lcsm::conformance {

// The gradient by one number of the file: how far ours may be off, how far the file's, and the size of the sum that it is.
struct Bar {
  double x = 0, bound = 0, file = 0, size = 0;
  Index terms = 0;
};

// The gradients of one case, by mode and type. A case may be several problems, each of which adds its part of the loss.
class Ledger {
 public:
  using Gradients = std::map<std::string, std::vector<Bar>>;
  using Column = std::pair<std::string, std::string>;       // mode, type

  // What `bar`, the cotangent of a number with these slopes, is to the numbers of the file.
  void add(const Column& column, const std::vector<Term>& slopes, const Bar& bar) {
    for (const Term& t : slopes) {
      std::vector<Bar>& all = columns[column][*t.of];
      if (Index(all.size()) <= t.at) all.resize(to_size(t.at) + 1);
      Bar& to = all[to_size(t.at)];
      const double slope = std::abs(t.slope);
      to.x += t.slope * bar.x, to.bound += slope * bar.bound, to.file += slope * bar.file + t.error * bar.size, to.size += slope * bar.size, ++to.terms;
    }
  }
  // Whether a weight of the loss is new: it counts once, however often a case compares what it belongs to.
  bool first_use(const std::string& tensor, const std::string& key) { return weights.insert(key), used_.insert(tensor).second; }

  std::map<Column, Gradients> columns;
  std::map<std::string, std::string> absent;                // mode -> why it has no gradients
  std::set<std::string> weights;                            // what the loss was made of, role.name

 private:
  std::set<std::string> used_;
};

}  // namespace lcsm::conformance
