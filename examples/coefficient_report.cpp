// SPDX-License-Identifier: MIT
// The coefficients alpha_ij of mixers side by side: coefficient_report [--page FILE] [--pictures FOLDER] [--names FILE] [MIXER...], by default of all mixers that are linked in; the page is written
// beside the program. -DLCSM_REPORT_ALL=ON links every mixer of the library; --names FILE says which names at the begin of a table's rows (docs/mixers.md) are missing.
#include <lcsm/analysis/report.hpp>

#include "coefficient_report/page.hpp"

#include <fstream>
#include <set>

namespace {

using namespace report;
using lcsm::analysis::Figures;
using lcsm::analysis::text;

constexpr Index tokens = 64, longer = 640;

// The figures are those of noise; what they follow ten times as long is the state alone.
Shown look(const Entry& entry) {
  const std::vector<Index> order = lcsm::analysis::shuffled_past(tokens, longer);
  const Dynamics noise = entry.row({.tokens = longer}), shuffled = entry.row({.tokens = longer, .order = order});
  return {entry, lcsm::analysis::figures(noise, tokens, shuffled, order), lcsm::analysis::coefficients(entry.row({.noise = false, .tokens = tokens}))};
}
// What must be true of every one of these.
std::string wrong(const Shown& s) {
  const Figures& f = s.figures;
  std::string faults;
  if (f.normalisation.lyapunov > 1e-12) faults += " its transitions grow;";
  if (f.normalisation.eta == lcsm::analysis::Eta::row_sum && std::abs(f.normalisation.row_sum_high - 1) + std::abs(f.normalisation.row_sum_low - 1) > 1e-13) faults += " its rows do not sum to 1;";
  if (f.readout.linear && f.selectivity.keys > f.selectivity.key_rank && f.selectivity.zeroed < f.selectivity.key_rank - 1) faults += " too few keys can be zeroed;";
  if (!(f.normalisation.absolute < 1e6)) faults += " its coefficients are not bounded;";
  return faults;
}

int missing(const std::string& file) {
  std::set<std::string> have;
  for (const Entry& e : entries()) have.insert(e.name);
  std::ifstream in(file);
  int count = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, 3, "| `") != 0) continue;
    const std::string name = line.substr(3, line.find('`', 3) - 3);
    if (have.insert(name).second) std::printf("missing: %s\n", name.c_str()), ++count;
  }
  std::printf("%d mixers of %s are missing\n", count, file.c_str());
  return count > 0 ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::filesystem::path page = std::filesystem::path(arguments[0]).parent_path() / "coefficient_report.html", pictures;
  std::set<std::string> names;
  for (int n = 1; n < count; ++n) {
    const std::string x = arguments[n];
    if (x == "--names" && n + 1 < count) return missing(arguments[n + 1]);
    if (x == "--page" && n + 1 < count) page = arguments[++n];
    else if (x == "--pictures" && n + 1 < count) pictures = arguments[++n];
    else names.insert(x);
  }
  const std::vector<std::string> families{"attention", "linear attention", "fixed decay", "gated", "delta rule", "per channel", "state space", "convolution"};
  std::vector<Shown> all;
  const Own mine = own_mixer();
  bool good = mine.difference < 1e-12;
  // [report]
  const Figures figures = lcsm::analysis::figures(mine.row, mine.row.tokens, mine.shuffled, mine.order);
  std::printf("a mixer of one's own: alpha by impulses and from its row differ by %.1e\n%s\n", mine.difference, lcsm::analysis::report(figures).c_str());
  // [report] end
  const bool some = !names.empty();
  for (const std::string& family : families)
    for (const Entry& e : entries()) {
      if (e.family != family || (some && names.erase(e.name) == 0)) continue;
      all.push_back(look(e));
      const std::string faults = wrong(all.back());
      std::printf("%s (%s)\n%s%s%s\n", e.name.c_str(), e.family.c_str(), lcsm::analysis::report(all.back().figures).c_str(), faults.empty() ? "" : "WRONG:", faults.c_str());
      good = good && faults.empty();
    }
  for (const std::string& name : names) std::fprintf(stderr, "coefficient_report: no mixer %s is linked in\n", name.c_str());
  if (all.empty() || !names.empty()) return 2;

  std::printf("%-24s %-16s %-11s %9s %6s %8s %7s %7s %8s %8s %9s %8s %10s\n", "mixer", "family", "phi", "state B", "zeroed", "shuffled", "radius", "neg/cx", "var q.h", "growth", "sum|a|", "Lyapunov", "half-life");
  for (const Shown& s : all) {
    const Figures& f = s.figures;
    std::printf("%-24s %-16s %-11s %9s %6s %8s %7s %7s %8s %8s %9s %8s %10s\n", s.entry.name.c_str(), s.entry.family.c_str(), f.readout.phi, f.readout.finite_state ? text(f.readout.state_bytes).c_str() : "cache",
                (text(f.selectivity.zeroed) + "/" + text(f.selectivity.keys)).c_str(), text(f.position.permutation).c_str(), text(f.transition.radius).c_str(),
                (text(100 * f.transition.negative_share) + "/" + text(100 * f.transition.complex_share)).c_str(), text(f.scaling.logit).c_str(), text(f.scaling.growth).c_str(), text(f.normalisation.absolute).c_str(),
                text(f.normalisation.lyapunov).c_str(), text(f.retention.median).c_str());
  }
  if (!write_page(page, all, tokens, longer) || (!pictures.empty() && !write_pictures(pictures, all))) {
    std::fprintf(stderr, "coefficient_report: could not write\n");
    return 1;
  }
  std::printf("wrote %s: %d mixers\n", page.string().c_str(), int(all.size()));
  return good ? 0 : 1;
}
