// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lcsm::conformance {

enum class Verdict { pass, fail, skip, not_applicable };

struct Row {
  std::string mode, dtype, tensor;
  double error = 0, bound = 0;
  Verdict verdict = Verdict::pass;
  std::string note;
};

// The rows of one case.
class Report {
 public:
  void add(Row row) { rows_.push_back(std::move(row)); }
  void fail(const std::string& tensor, const std::string& note) { add({"-", "-", tensor, 0, 0, Verdict::fail, note}); }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

}  // namespace lcsm::conformance
