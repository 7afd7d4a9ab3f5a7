// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <support/gradient_bound.hpp>

#include <algorithm>

namespace lcsm::conformance {
namespace {

// What the loss says of y and of the final state, for the first part, and of the file's numbers directly.
struct Loss {
  std::vector<double> y_bar, y_error;
  States final;
  std::vector<std::pair<Term, double>> direct;              // with the size of the term
  bool any = false;
};

Loss loss_of(Ledger& ledger, const Problem& p, const std::vector<double>& y, const std::vector<double>& error) {
  Loss out{std::vector<double>(y.size()), std::vector<double>(y.size()), {}, {}};
  for (const Expected& x : p.outputs) {
    const std::vector<double>& w = x.values.weight;
    if (w.empty() || !ledger.first_use(x.tensor, x.key)) continue;
    out.any = true;
    std::vector<Number> numbers;
    static const std::string mine;
    for (std::size_t n = 0; n < y.size(); ++n) numbers.push_back({y[n], error[n] + (x.own.size() == y.size() ? x.own[n] : 0), {{&mine, Index(n)}}});
    if (p.layer) p.layer(numbers);
    if (numbers.size() != w.size()) raise<FormatError>("lcsm_conformance: '" + x.tensor + "' has " + std::to_string(w.size()) + " weights for " + std::to_string(numbers.size()));
    for (std::size_t n = 0; n < w.size(); ++n)
      for (const Term& t : numbers[n].terms) {
        const Term by{t.of, t.at, t.slope * w[n], t.error * std::abs(w[n])};
        if (t.of == &mine) out.y_bar[to_size(t.at)] += by.slope, out.y_error[to_size(t.at)] += by.error; else out.direct.emplace_back(by, std::abs(by.slope));
      }
  }
  for (const auto& [component, x] : p.final)
    if (!x.values.weight.empty() && ledger.first_use(x.tensor, x.key)) out.final.emplace_back(component, x.values.weight), out.any = true;
  return out;
}

const std::vector<double>& numbers_of(const States& states, const std::string& component) {
  return std::find_if(states.begin(), states.end(), [&](const auto& x) { return x.first == component; })->second;
}

}  // namespace

void differentiate(Case& c, const std::vector<Part>& parts, Both::Join join, const Abilities& m, const Sums& full) {
  Ledger* ledger = c.ledger();
  if (!ledger) return;
  const Problem& p = parts.front().p;
  const auto weighs = [](const auto& x) { return !x.values.weight.empty(); };
  if (std::none_of(p.outputs.begin(), p.outputs.end(), weighs) && std::none_of(p.final.begin(), p.final.end(), [&](const auto& x) { return weighs(x.second); })) return;

  constexpr double eps[] = {double(std::numeric_limits<float>::epsilon()), std::numeric_limits<double>::epsilon()};
  // Whatever the mode: all tokens in one sum. The file's double run may have been any of them.
  test::ErrorCost ours = m.cost(full.terms, std::max<Index>(p.tokens, 1), false), file = m.cost(full.terms, std::max<Index>(p.tokens, 1), true);
  ours.s += p.coefficient_slack, ours.g += p.log_slack, file.s += p.golden_coefficient_slack, file.g += p.golden_log_slack;
  std::vector<double> y, error;
  for (const Part& part : parts) {
    part.wide.restart(), part.wide.run(Way::reference, 0, p.tokens);
    const std::vector<double> one = part.wide.output();
    if (join == Both::Join::beside || y.empty()) y.insert(y.end(), one.begin(), one.end());
    else
      for (std::size_t n = 0; n < y.size(); ++n) y[n] += one[n];
  }
  for (const test::ErrorSums& x : full.terms.y) error.push_back(eps[1] * (ours.of(x) + file.of(x)));
  file.s += p.golden_slope_slack;
  const Loss loss = loss_of(*ledger, p, y, error);
  if (!loss.any) return;

  struct Columns { Way way; bool wide; };
  std::vector<Columns> columns;
  for (const Way way : ways) {
    if (way == Way::step || way == Way::matrix) continue;
    std::string why = m.why_not(way);
    if (why.empty() && way != Way::reference) why = without_adjoints;
    if (!why.empty()) ledger->absent[name_of(way)] = why;
    else for (const bool wide : {true, false})
      if (wide || way != Way::reference) columns.push_back({way, wide});
  }
  const auto column_of = [](const Columns& x) { return Ledger::Column{name_of(x.way), x.wide ? "double" : "float"}; };

  std::size_t first = 0;
  for (const Part& part : parts) {
    const std::size_t count = join == Both::Join::beside ? y.size() / parts.size() : y.size();
    const auto mine = [&](const std::vector<double>& x) { return std::vector<double>(x.begin() + std::ptrdiff_t(first), x.begin() + std::ptrdiff_t(first + count)); };
    const std::vector<double> y_bar = mine(loss.y_bar), y_error = mine(loss.y_error);
    const States none, &final = &part == &parts.front() ? loss.final : none;
    const AdjointSums sums = part.wide.adjoint_sums(y_bar, y_error, final, ours, file);
    for (const Columns& column : columns) {
      const Pulled given = (column.wide ? part.wide : part.narrow).pulled(column.way, y_bar, final);
      // Subnormal numbers may be flushed: a product in each of K T terms.
      const double flushed = column.wide ? 0 : test::flushed(p.keys, p.tokens, p.values);
      const auto add = [&](const Array& to, const std::vector<double>& x, auto&& of) {
        if (!to.slopes) return;
        const std::vector<double> nothing, &transforms = column.way == Way::fourier && !sums.transforms.inputs.empty() ? of(sums.transforms) : nothing;
        const std::vector<double> &plain = of(sums.plain), &raised = of(sums.raised), &raised_file = of(sums.raised_file), &unsure = of(sums.unsure), &sizes = of(sums.sizes);
        for (std::size_t n = 0; n < x.size(); ++n)
          ledger->add(column_of(column), to.slopes->at(n),
                      {x[n], test::gradient_bound(plain.at(n), raised.at(n), ours, eps[column.wide]) + flushed + (transforms.empty() ? 0 : eps[column.wide] * transforms.at(n)), test::gradient_bound(plain[n], raised_file.at(n), file, eps[1]) + unsure.at(n), sizes.at(n)});
      };
      for (std::size_t n = 0; n < given.inputs.size(); ++n)
        add(*given.inputs[n].first, given.inputs[n].second, [&](const Pulled& x) -> const std::vector<double>& { return x.inputs.at(n).second; });
      for (const auto& [component, to] : part.p.initial)
        for (const auto& [name, x] : given.initial)
          if (name == component) add(to, x, [&, &which = name](const Pulled& from) -> const std::vector<double>& { return numbers_of(from.initial, which); });
    }
    if (join == Both::Join::beside) first += count;
  }
  for (const Columns& column : columns)
    for (const auto& [t, size] : loss.direct) ledger->add(column_of(column), {{t.of, t.at}}, {t.slope, 0, t.error, size});
}

}  // namespace lcsm::conformance
