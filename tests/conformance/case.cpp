// SPDX-License-Identifier: MIT
#include "tape.hpp"

#include <support/golden.hpp>

#include <cmath>
#include <limits>

namespace lcsm::conformance {

Index Case::size(const std::string& key) const { return about_.size(key); }
Index Case::size_or(const std::string& key, Index otherwise) const { return about_.size(key, otherwise); }
bool Case::flag(const std::string& key) const { return about_.flag(key); }
std::string Case::text(const std::string& key) const { return about_.text(key, ""); }
double Case::number(const std::string& key) const { return about_.number(key); }
bool Case::has(const std::string& role, const std::string& name) const { return golden_.has(about_.name, role, name); }
Array Case::array(const std::string& role, const std::string& name) const {
  test::Array x = golden_.array(about_.name, role, name);
  Array out{std::move(x.shape), std::move(x.values), x.dtype == DType::f32};
  if (replays()) return out;
  if (golden_.has(about_.name, "w", role + "." + name)) out.weight = golden_.array(about_.name, "w", role + "." + name).values;
  return role == "in" || role == "par" || role == "s0" ? named(std::move(out), name) : out;
}
bool Case::replays() const { return tape_ && tape_->playing(); }

Expected Case::expected(const std::string& role, const std::string& name, std::string_view from, std::string_view to, std::optional<int> which,
                        double unit) {
  const std::string key = role + "." + name;
  Array x = array(role, name);
  if (which) x = part(x, *which);
  x = rearranged(x, from, to);
  alter(key, x, unit);
  return {which ? key + (*which ? "[im]" : "[re]") : key, key, std::move(x), {}};
}
Expected Case::own(const std::string& name, std::vector<double> values) {
  Array x{{Index(values.size())}, std::move(values)};
  alter("own." + name, x, 0);
  return {"own." + name, "own." + name, std::move(x), {}};
}
void Case::alter(const std::string& key, Array& x, double unit) const {
  if (fault_.tensor != key) return;
  if (fault_.kind == Fault::Kind::missing) raise<FormatError>("lcsm_conformance: case '" + about_.name + "': no tensor '" + key + "'");
  double largest = unit;
  for (const double v : x.values) largest = std::max(largest, std::abs(v));
  double& v = x.values[x.values.size() / 2];
  v = fault_.kind == Fault::Kind::number ? v + (largest > 0 ? 1e-3 * largest : 1e-3) : std::numeric_limits<double>::quiet_NaN();
}

void Case::finish() {
  for (const char* role : {"out", "s1", "chunk", "aux"})
    for (const std::string& name : golden_.names(about_.name, role)) {
      const std::string key = std::string(role) + "." + name;
      if (!compared_.contains(key)) report_.fail(key, "not compared");
    }
  if (!withheld()) gradients();
}

void Case::gradients() {
  if (replays()) ledger_ = tape_->ledger; else if (tape_) tape_->ledger = ledger_;
  const std::vector<std::string> names = golden_.names(about_.name, "grad");
  for (const auto& [mode, why] : ledger_.absent) report_.add({mode, "-", "grad", 0, 0, Verdict::not_applicable, why});
  for (const std::string& name : about_.list("omitted_grads"))
    report_.add({"-", "-", "grad." + name, 0, 0, Verdict::not_applicable, "not in the file: what the reference computes is not the slope of its output"});
  for (const std::string& name : names) {
    // A gradient may vanish: what it is wrong against, and what ours may be off by, is a part of the largest sum of its terms' sizes.
    Array numbers = array("grad", name);
    double largest = 0;
    for (const auto& [column, all] : ledger_.columns)
      if (const auto found = all.find(name); found != all.end())
        for (const Bar& b : found->second) largest = std::max(largest, b.size);
    alter("grad." + name, numbers, largest);
    const Expected x{"grad." + name, "grad." + name, std::move(numbers), {}};
    bool any = false;
    for (const auto& [column, all] : ledger_.columns) {
      const auto found = all.find(name);
      if (found == all.end()) continue;
      any = true;
      std::vector<Bar> bars = found->second;
      bars.resize(std::max(bars.size(), x.values.values.size()));
      std::vector<double> given, bound, file;
      for (const Bar& b : bars) {
        given.push_back(b.x), bound.push_back(std::min(b.bound, (column.second == "double" ? 1e-11 : 1e-4) * largest));
        file.push_back(b.file + (b.terms > 1 ? rounding * double(b.terms) * b.size : 0));   // the sum over slopes, ours and theirs
      }
      Comparison comparison;
      comparison.add(x, given, bound, file, std::numeric_limits<double>::infinity());
      report_.add(comparison.row(column.first, column.second, x.tensor));
    }
    if (!any) report_.fail(x.tensor, "not compared");
  }
  if (names.empty()) return;
  for (const std::string& name : golden_.names(about_.name, "w"))
    if (!ledger_.weights.contains(name)) report_.fail("w." + name, "not a part of the loss");
}

void Problem::state(Case& c, const std::string& name, const std::string& component, std::string_view from0, std::string_view from1,
                    std::string_view to) {
  if (c.has("s0", name)) initial.insert_or_assign(component, rearranged(c.s0(name), from0, to));
  const double unit = component == "p" ? 1 : 0;
  if (c.has("s1", name)) final.insert_or_assign(component, c.expected("s1", name, from1, to, {}, unit));
  if (prefill > 0) middle.insert_or_assign(component, c.expected("chunk", name + "_mid", from1, to, {}, unit));
}

void Problem::output(Case& c, const std::string& name, std::string_view from, std::string_view to) {
  outputs.push_back(c.expected("out", name, from, to));
  if (prefill > 0) chunked.push_back(c.expected("chunk", name, from, to));
}

void Comparison::add(const Expected& x, const std::vector<double>& given, const std::vector<double>& bound,
                     const std::vector<double>& golden, double ceiling) {
  const std::vector<double>& wanted = x.values.values;
  if (wanted.size() != given.size() || bound.size() != given.size() || golden.size() != given.size() ||
      (!x.own.empty() && x.own.size() != given.size()) || given.empty()) {
    note("expected " + std::to_string(wanted.size()) + " numbers, given " + std::to_string(given.size()));
    return;
  }
  any_ = true;
  double largest = 0;
  for (const double v : wanted) largest = std::max(largest, std::abs(v));
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    const double stored = x.values.f32 ? 0x1p-24 * std::abs(wanted[n]) : 0;
    const double limit = std::min(bound[n] + golden[n] + (x.own.empty() ? 0 : x.own[n]), ceiling * largest);
    const double off = std::abs(wanted[n] - given[n]), error = off <= stored ? 0 : off - stored;
    const bool within = error <= limit;                     // false for NaN
    ok_ = ok_ && within;
    double worse = error / limit;
    if (limit == 0 || std::isnan(worse)) worse = within ? 0 : std::numeric_limits<double>::infinity();
    if (worse > worst_) worst_ = worse, error_ = error, bound_ = limit;
  }
}

Row Comparison::row(const std::string& mode, const std::string& dtype, const std::string& tensor) const {
  const std::string note = any_ || !note_.empty() ? note_ : "nothing was compared";
  return {mode, dtype, tensor, error_, bound_, ok_ && any_ ? Verdict::pass : Verdict::fail, note};
}

}  // namespace lcsm::conformance
