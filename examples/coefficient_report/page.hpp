// SPDX-License-Identifier: MIT
#pragma once

#include "draw.hpp"
#include "entry.hpp"
#include "page_style.hpp"

#include <filesystem>
#include <fstream>

namespace report {

// What is shown of a mixer: its figures on noise, its coefficients on the song.
struct Shown {
  Entry entry;
  lcsm::analysis::Figures figures;
  lcsm::analysis::Coefficients song;
};

using lcsm::analysis::Figures;
using lcsm::analysis::text;
using lcsm::analysis::percent;

// In the order of the page.
inline constexpr std::pair<const char*, const char*> families[] = {{"attention", "#c2255c"}, {"linear attention", "#e8590c"}, {"fixed decay", "#f08c00"}, {"gated", "#2f9e44"},
                                                            {"delta rule", "#1971c2"}, {"per channel", "#0c8599"}, {"state space", "#6741d9"}, {"convolution", "#868e96"}};
inline std::string colour_of(const Shown& s) {
  for (const auto& [family, colour] : families)
    if (s.entry.family == family) return colour;
  return "#868e96";
}

inline std::string escaped(const std::string& x) {
  std::string out;
  for (const char c : x) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}
// A name that may break between its words.
inline std::string breakable(const std::string& name) {
  std::string out;
  for (std::size_t n = 0; n < name.size(); ++n) out += (n > 0 && name[n] >= 'A' && name[n] <= 'Z' ? "<wbr>" : "") + std::string(1, name[n]);
  return out;
}

// |alpha_ij| from four sources on, and on average over the noise by lag.
inline constexpr Index sources[4] = {0, 12, 24, 40};
inline constexpr const char* source_colours[4] = {"#6741d9", "#1971c2", "#0c8599", "#e8590c"};
inline std::string responses(const Shown& s, double x, double y, double width, double height) {
  double top = 1e-300;
  for (const Index j : sources)
    for (Index i = j; i < s.song.tokens; ++i) top = std::max(top, std::abs(s.song.at(i, j)));
  Curves curves(x, y, width, height, top, 4);
  for (std::size_t n = 0; n < 4; ++n)
    curves.add(sources[n], s.song.tokens, s.song.tokens, [&](Index i) { return std::abs(s.song.at(i, sources[n])); }, std::string("stroke='") + source_colours[n] + "' stroke-width='1.4'");
  return curves.text();
}
inline std::string by_lag(const Shown& s, double x, double y, double width, double height) {
  const std::vector<double>& r = s.figures.position.response;
  Curves curves(x, y, width, height, *std::max_element(r.begin(), r.end()), 4);
  curves.add(0, Index(r.size()), Index(r.size()), [&](Index l) { return r[std::size_t(l)]; }, "stroke='#1d1d29' stroke-width='2'");
  return curves.text();
}
inline std::string state_growth(const Shown& s, double x, double y, double width, double height, Index trained) {
  const std::vector<double>& n = s.figures.normalisation.state;
  if (n.empty()) return "<text x='" + number(x + 8) + "' y='" + number(y + height / 2) + "' class='note'>no state: a cache that grows</text>";
  const double top = *std::max_element(n.begin(), n.end()) * 1.3, mark = x + width * double(trained) / double(n.size());
  Curves curves(x, y, width, height, top, 3);
  const Index points = std::min<Index>(Index(n.size()), 128);
  curves.add(0, points, points, [&](Index t) { return n[std::size_t(t * (Index(n.size()) - 1) / std::max<Index>(points - 1, 1))]; }, "stroke='#c2255c' stroke-width='1.6'");
  return curves.text() + "<line x1='" + number(mark) + "' x2='" + number(mark) + "' y1='" + number(y) + "' y2='" + number(y + height) + "' class='mark'/>";
}
inline std::string label(double x, double y, const std::string& what) { return "<text x='" + number(x) + "' y='" + number(y) + "' class='label'>" + what + "</text>"; }
inline std::string map_of(const std::string& href, double x, double y, double size) {
  return "<image href='" + href + "' x='" + number(x) + "' y='" + number(y) + "' width='" + number(size) + "' height='" + number(size) + "' style='image-rendering:pixelated' preserveAspectRatio='none'/>";
}
inline const char* const svg_style = ".frame{fill:none;stroke:#c9c9d4}.grid{stroke:#e6e6ee}.mark{stroke:#c2255c;stroke-dasharray:3 3}.dot{stroke:#6741d9;stroke-opacity:.55;stroke-width:4;stroke-linecap:round}.label{font:11px system-ui,sans-serif;fill:#5c5c70}.note{font:11px system-ui,sans-serif;fill:#9a9aae}";

inline std::vector<std::string> badges(const Shown& s) {
  const Figures& f = s.figures;
  std::vector<std::string> out;
  out.push_back(f.readout.finite_state ? "state " + lcsm::analysis::bytes_text(f.readout.state_bytes) : "a cache, no state");
  out.push_back(f.position.sees_order ? "sees order" : "blind to order");
  if (f.position.variation < 1e-9) out.push_back("Toeplitz");
  if (f.transition.coupled) out.push_back("coupled keys");
  if (f.transition.negative_share > 0) out.push_back("negative eigenvalues");
  if (f.transition.complex_share > 0) out.push_back("turns");
  if (f.selectivity.zero_share > 0.01) out.push_back("zeros " + percent(f.selectivity.zero_share));
  if (f.selectivity.negative_share == 0) out.push_back("never negative");
  if (std::abs(f.normalisation.row_sum_high - 1) + std::abs(f.normalisation.row_sum_low - 1) < 1e-9) out.push_back("rows sum to 1");
  if (f.normalisation.growth > 1.5) out.push_back("state grows");
  if (f.retention.beyond_share > 0) out.push_back("integrators " + percent(f.retention.beyond_share));
  return out;
}

struct Column {
  const char *head, *hint;
  double (*value)(const Figures&);
};
inline const Column columns[] = {
    {"state", "bytes of a head's state in float, 16 keys and 8 channels; a cache of 64 tokens for attention", [](const Figures& f) { return double(f.readout.state_bytes); }},
    {"zeroed", "keys that the best query leaves out exactly, of 64", [](const Figures& f) { return double(f.selectivity.zeroed); }},
    {"negative", "share of negative coefficients", [](const Figures& f) { return f.selectivity.negative_share; }},
    {"passes", "effective rank of what passes from the first 32 tokens to the others", [](const Figures& f) { return f.selectivity.block_effective_rank; }},
    {"shuffled", "relative change of the last output when all before it is shuffled", [](const Figures& f) { return f.position.permutation; }},
    {"radius", "largest |eigenvalue| of A", [](const Figures& f) { return f.transition.radius; }},
    {"&lambda; &lt; 0", "share of negative eigenvalues", [](const Figures& f) { return f.transition.negative_share; }},
    {"complex", "share of complex eigenvalues", [](const Figures& f) { return f.transition.complex_share; }},
    {"commutator", "|AB - BA| / |A||B| of neighbours, at most", [](const Figures& f) { return f.transition.commutator; }},
    {"var q.h", "variance of q.h on white noise", [](const Figures& f) { return f.scaling.logit; }},
    {"var y growth", "variance of the output, last quarter over second", [](const Figures& f) { return f.scaling.growth; }},
    {"&Sigma;|&alpha;|", "largest row sum of |alpha|", [](const Figures& f) { return f.normalisation.absolute; }},
    {"Lyapunov", "largest exponent per token", [](const Figures& f) { return f.normalisation.lyapunov; }},
    {"state x10", "state at ten times the length over that at the length", [](const Figures& f) { return f.normalisation.growth; }},
    {"half-life", "median of all modes, tokens", [](const Figures& f) { return f.retention.median; }}};

// How long against how many: median half-life, and effective rank from past to future, both logarithmic.
inline std::string scatter(const std::vector<Shown>& all) {
  const double width = 1080, height = 420;
  std::string out = "<svg viewBox='0 0 1080 450' class='scatter'>";
  const auto at_x = [&](double x) { return 60 + (width - 100) * std::clamp((std::log10(x) + 0.5) / 4.5, 0.0, 1.0); };
  const auto at_y = [&](double y) { return height - 20 - (height - 50) * std::clamp(std::log10(y) / 1.5, 0.0, 1.0); };
  for (const Index t : {1, 10, 100, 1000})
    out += "<line x1='" + number(at_x(double(t))) + "' x2='" + number(at_x(double(t))) + "' y1='20' y2='" + number(height - 10) + "' class='grid'/><text x='" + number(at_x(double(t))) + "' y='" + number(height + 8) + "' class='label' text-anchor='middle'>" + text(t) + "</text>";
  for (const double r : {1.0, 2.0, 5.0, 10.0, 20.0})
    out += "<line x1='60' x2='" + number(width - 30) + "' y1='" + number(at_y(r)) + "' y2='" + number(at_y(r)) + "' class='grid'/><text x='52' y='" + number(at_y(r) + 4) + "' class='label' text-anchor='end'>" + text(r) + "</text>";
  out += label(width / 2 - 120, height + 26, "median half-life of its modes, in tokens (right edge: does not forget)") + label(8, 14, "effective rank of &#945; from the first half of the tokens to the second, on noise");
  const std::string named[] = {"SoftmaxAttention", "SigmoidAttention", "LinearAttention", "RetNet", "Gla", "Mlstm", "Hgrn2", "DeltaNet", "GatedDeltaNet", "RgLru", "Rwkv4", "Mamba", "S4d", "S5", "Dlr", "LongConvolution"};
  std::map<std::pair<int, int>, int> taken;
  for (const Shown& s : all) {
    const double x = at_x(s.figures.retention.median), y = at_y(std::max(s.figures.selectivity.block_effective_rank, 1.0));
    const int same = taken[{int(x / 5), int(y / 5)}]++;
    out += "<a href='#" + s.entry.name + "'><circle cx='" + number(x - (x > width - 60 ? 1 : -1) * same * 6) + "' cy='" + number(y) + "' r='5.5' fill='" + colour_of(s) + "' fill-opacity='.75'><title>" + s.entry.name + ": half-life " + text(s.figures.retention.median) +
           ", rank " + text(s.figures.selectivity.block_effective_rank) + "</title></circle></a>";
    if (same == 0 && std::find(std::begin(named), std::end(named), s.entry.name) != std::end(named))
      out += "<text x='" + number(x > width - 60 ? x - 10 : x + 9) + "' y='" + number(y - 7) + "' class='label' text-anchor='" + (x > width - 60 ? "end" : "start") + "'>" + s.entry.name + "</text>";
  }
  return out + "</svg>";
}

inline std::string card(const Shown& s, Index tokens, Index longer) {
  const Figures& f = s.figures;
  std::string out = "<article id='" + s.entry.name + "' data-family='" + s.entry.family + "' data-name='" + s.entry.name + "'><h3><i style='background:" + colour_of(s) + "'></i>" + s.entry.name + "<small>" + s.entry.family + "</small></h3><p class='row'>";
  for (const auto& [head, what] : {std::pair{"A<sub>t</sub>", &s.entry.A}, {"b k", &s.entry.write}, {"q", &s.entry.read}, {"&eta;", &s.entry.eta}}) out += std::string("<span><b>") + head + "</b> " + escaped(*what) + "</span>";
  out += std::string("<span><b>&phi;</b> ") + f.readout.phi + "</span></p><p class='badges'>";
  for (const std::string& b : badges(s)) out += "<span>" + b + "</span>";
  out += "</p><svg viewBox='0 0 900 236'>";
  out += label(0, 12, "&#945;: rows look at columns") + "<use href='#map-" + s.entry.name + "' x='0' y='20' width='208' height='208'/>";
  out += label(232, 12, "|&#945;| after impulses at 0, 12, 24, 40") + responses(s, 232, 20, 200, 92) + label(232, 128, "mean |&#945;| against lag, noise") + by_lag(s, 232, 136, 200, 92);
  out += label(462, 12, f.transition.shifts ? "eigenvalues of A: all 0 (a shift)" : "eigenvalues of A") + spectrum(f.transition.eigenvalues, 564, 124, 98);
  out += label(690, 12, "state on white noise to token " + text(longer)) + state_growth(s, 690, 20, 204, 92, tokens);
  const auto fact = [&](int n, const std::string& what) { out += label(690, 136 + 18 * n, what); };
  fact(0, "half-lives " + text(f.retention.low) + " / " + text(f.retention.median) + " / " + text(f.retention.high));
  fact(1, "Lyapunov exponent " + text(f.normalisation.lyapunov)), fact(2, "variance of q.h " + text(f.scaling.logit) + ", y grows " + text(f.scaling.growth));
  fact(3, "row sums " + text(f.normalisation.row_sum_low) + " to " + text(f.normalisation.row_sum_high)), fact(4, "gates " + text(f.selectivity.gate_low) + " to " + text(f.selectivity.gate_high));
  fact(5, "past to future: rank " + text(f.selectivity.block_rank) + ", effective " + text(f.selectivity.block_effective_rank));
  return out + "</svg><details><summary>the report</summary><pre>" + escaped(lcsm::analysis::report(f)) + "</pre></details></article>\n";
}


// One page that needs nothing else: a wall of all heat maps, the principles side by side, and a card for each.
inline bool write_page(const std::filesystem::path& file, const std::vector<Shown>& all, Index tokens, Index longer) {
  std::ofstream out(file);
  out << "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>How sequence mixers look at the past</title><style>" << style << svg_style << "</style>\n"
      << "<header><h1>How " << all.size() << " sequence mixers look at the past</h1><p>Attention, state-space models, gated and delta-rule networks are one family: every output is a sum over the past, and every coefficient "
      << "is what is left of an impulse in a linear system.</p><code>y<sub>i</sub> = &Sigma;<sub>j</sub> &alpha;<sub>ij</sub> v<sub>j</sub> &nbsp;&nbsp; &alpha;<sub>ij</sub> = &phi;( q<sub>i</sub><sup>T</sup> A<sub>i</sub> &hellip; A<sub>j+1</sub> b<sub>j</sub> k<sub>j</sub> ) / &eta;<sub>i</sub></code>"
      << "<p>All maps show the same " << tokens << " tokens: sixteen symbols, sung four times. At token " << shut << " every gate that listens to the token is told to close. Who finds the symbol again? Who forgets? Who cannot tell?</p>"
      << "<p>Parameters start as published. Figures are those of white noise, in double, at " << tokens << " tokens, " << keys << " keys and " << values << " value channels; states are followed to " << longer << ".</p></header><nav>";
  for (const auto& [family, colour] : families)
    if (std::any_of(all.begin(), all.end(), [f = family](const Shown& s) { return s.entry.family == f; })) out << "<button data-of='" << family << "'><i style='background:" << colour << "'></i>" << family << "</button>";
  out << "<input placeholder='find a mixer'></nav>\n<svg width='0' height='0' style='position:absolute'><defs>";
  for (const Shown& s : all) out << "<symbol id='map-" << s.entry.name << "' viewBox='0 0 64 64'>" << map_of(heat_map(s.song), 0, 0, 64) << "</symbol>";
  out << "</defs></svg>\n<main><h2>The wall</h2><p>Row i is what token i takes of every token before it. A diagonal stripe is the same symbol, sixteen tokens ago; a step at the middle is a gate that closed.</p>"
      << "<div class='legend'>takes away <b></b> adds</div><div class='wall'>";
  for (const Shown& s : all)
    out << "<a href='#" << s.entry.name << "' data-family='" << s.entry.family << "' data-name='" << s.entry.name << "'><svg style='border-color:" << colour_of(s) << "'><use href='#map-" << s.entry.name << "'/></svg>" << breakable(s.entry.name) << "</a>";
  out << "</div>\n<h2>Six principles and a memory</h2><p>After Sieber, Orvieto, Zeilinger and Amo Alonso, Design Principles for Sequence Models via Coefficient Dynamics, 2025 (arXiv 2510.09389).</p><div class='principles'>"
      << "<div><b>1 Readout</b>A linear &phi; has a finite state; any other keeps every key and value.</div><div><b>2 Selectivity</b>A linear &phi; zeroes at most n - 1 keys for a query, exp none, ReLU half of them.</div>"
      << "<div><b>3 Position</b>With A = 1 the order of the past is not seen.</div><div><b>4 Structure of A</b>Positive eigenvalues forget, negative ones alternate, complex ones turn, couplings erase.</div>"
      << "<div><b>5 Scaling</b>b = n<sup>-1/2</sup> keeps the variance of q.h at 1; &radic;(1 - a&sup2;) keeps what a decay piles up.</div><div><b>6 Normalisation</b>&eta; bounds &Sigma;|&alpha;| where A does not contract.</div>"
      << "<div><b>and retention</b>A mode of multiplier x halves every -ln 2 / ln |x| tokens.</div></div>\n<h2>How long, and how much apart</h2><p>The median half-life of the modes against the number of directions in which the first half of the tokens reaches the second. Points are mixers; click one.</p>" << scatter(all)
      << "\n<h2>Side by side</h2><p>Click a head to sort; darker is larger.</p><div class='scroll'><table><thead><tr><th>mixer</th>";
  for (const Column& c : columns) out << "<th title='" << escaped(c.hint) << "'>" << c.head << "</th>";
  out << "</tr></thead><tbody>\n";
  for (const Shown& s : all) {
    out << "<tr data-family='" << s.entry.family << "' data-name='" << s.entry.name << "'><td><i style='background:" << colour_of(s) << "'></i><a href='#" << s.entry.name << "'>" << s.entry.name << "</a></td>";
    for (const Column& c : columns) {
      const double x = c.value(s.figures);
      out << "<td data-v='" << (x > 1e300 ? 1e300 : x < -1e300 ? -1e300 : x) << "'>" << (x > 1e300 ? "&infin;" : x < -1e300 ? "-&infin;" : std::abs(x) >= 1000 && x == std::floor(x) ? text(Index(x)) : text(std::abs(x) < 1e-9 ? 0.0 : x)) << "</td>";
    }
    out << "</tr>\n";
  }
  out << "</tbody></table></div>\n<h2>One by one</h2><p>The row (A, b k, q, &phi;, &eta;) of each, its coefficients, impulse responses, spectrum, and its state beyond the length (dashed: token " << tokens << ").</p><div class='cards'>";
  for (const Shown& s : all) out << card(s, tokens, longer);
  out << "</div></main><script>" << script << "</script></html>\n";
  return bool(out);
}

// Some of the same as SVG files: coefficient_wall, coefficient_responses, coefficient_spectra.
inline bool write_pictures(const std::filesystem::path& folder, const std::vector<Shown>& some) {
  const auto open = [](double width, double height, const std::string& title) {
    return "<svg xmlns='http://www.w3.org/2000/svg' width='" + number(width) + "' height='" + number(height) + "'><title>" + title + "</title><style>" + svg_style + ".name{font:bold 12px system-ui,sans-serif;fill:#1d1d29}</style><rect width='100%' height='100%' fill='white'/>";
  };
  const Index columns_of = 6, rows = (Index(some.size()) + columns_of - 1) / columns_of;
  std::string wall = open(6 * 140 + 10, double(rows) * 160 + 10, "coefficients of the same 64 tokens"), curves = open(6 * 140 + 10, double(rows) * 126 + 10, "impulse responses"), spectra = open(6 * 140 + 10, double(rows) * 160 + 10, "eigenvalues of A");
  for (std::size_t n = 0; n < some.size(); ++n) {
    const double x = double(n % 6) * 140 + 10, row = double(n / 6);
    const std::string name = "<text x='" + number(x) + "' y='", text = "' class='name'>" + some[n].entry.name + "</text>";
    wall += name + number(row * 160 + 18) + text + map_of(heat_map(some[n].song), x, row * 160 + 24, 130);
    curves += name + number(row * 126 + 18) + text + responses(some[n], x, row * 126 + 24, 130, 92);
    spectra += name + number(row * 160 + 18) + text + spectrum(some[n].figures.transition.eigenvalues, x + 65, row * 160 + 92, 58, 120);
  }
  bool good = true;
  for (const auto& [file, content] : {std::pair{"coefficient_wall.svg", &wall}, {"coefficient_responses.svg", &curves}, {"coefficient_spectra.svg", &spectra}}) {
    std::ofstream out(folder / file);
    out << *content << "</svg>\n";
    good = good && out;
  }
  return good;
}

}  // namespace report
