// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/describe.hpp>

#include <map>
#include <string>
#include <vector>

namespace lcsm::docs {

// A row of docs/mixers.md: what is told, and what is computed from the type.
struct Row {
  std::string name, golden, source, elsewhere;      // golden: names of files in tests/golden, one blank between; none: the row says spec
  std::string arguments, e, o, s, parts, structure, domain, modes;
};

// Markdown of a table cell.
inline std::string cell(const std::string& text) {
  std::string out;
  for (const char x : text) (out += x == '|' ? "\\|" : "") += x == '|' ? "" : std::string(1, x);
  return out;
}
inline std::string code(const std::string& text) { return "`" + cell(text) + "`"; }

// The members of In in their order; parameters are bold.
template <class M> std::string arguments() {
  const typename M::template In<const float> in{};
  std::map<const void*, std::string, std::less<>> members;
  M::visit([&]<class Leaf>() { members[&Leaf::view(in)] = Leaf::streams ? Leaf::name : "**" + std::string(Leaf::name) + "**"; });
  std::string text;
  for (const auto& [where, name] : members) text += (text.empty() ? "" : ", ") + name;
  return text;
}

template <class M> std::string parts() {
  using N = typename M::normaliser;
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  std::string input = words::bare(words::LeafOf<typename M::input::leaf>::of(true));
  if constexpr (M::input::domain == Domain::complex) input = words::complex(input, words::LeafOf<typename M::input::imag>::of(true));
  if (input != "v[c]") add(code("i = " + input));
  if constexpr (M::readout::bonus) add("bonus " + code(words::formula<typename M::weight>()));
  else if constexpr (M::readout::previous) add("previous");
  if constexpr (N::quotient) add("quotient " + code(words::bare(words::GuardOf<typename N::guard>::of())));
  if constexpr (N::mean) add("mean");
  if constexpr (M::stabiliser::scaled) add(std::string("running maximum from ") + (M::stabiliser::start == 0 ? "0" : "nothing"));
  if constexpr (M::complex) add(M::projection::parts == 2 ? "Re, Im" : M::projection::scale == 2 ? "2 Re" : "Re");
  if constexpr (M::skip::present) add("skip " + code(words::LeafOf<typename M::skip::leaf>::of(true)));
  return text;
}

template <class M> Row row(std::string name, std::string golden, std::string source, std::string elsewhere) {
  Row r;
  r.name = std::move(name), r.golden = std::move(golden), r.source = std::move(source), r.elsewhere = std::move(elsewhere);
  r.arguments = arguments<M>();
  r.e = code(words::formula<typename M::expand>()), r.o = code(words::formula<typename M::oscillation>());
  r.s = code(words::formula<typename M::shrink>()), r.parts = parts<M>();
  r.structure = name_of(M::structure) + std::string(M::coupled ? ", coupled" : ""), r.domain = name_of(M::domain);
  r.modes = has_mode<M>(Mode::scan) ? "S" : "";
  if (has_mode<M>(Mode::chunkwise)) r.modes += " C";
  if (has_mode<M>(Mode::attention)) r.modes += M::per_channel ? " A*" : " A";
  if (has_mode<M>(Mode::convolution)) r.modes += " V";
  return r;
}
// Others who want every published mixer define the macro before they include the two halves.
#ifndef LCSM_ROW
#define LCSM_ROW(Mixer, golden, source, elsewhere) row<Mixer>(#Mixer, golden, source, elsewhere)
#endif

inline std::string paper(const std::string& id) { return "[" + id + "](https://arxiv.org/abs/" + id + ")"; }

// The registry: linear attention and its relatives; gates per channel and state space models.
std::vector<Row> recurrences();
std::vector<Row> systems();

// What the registry says against the headers, the conformance adapters and the golden files of a checkout: one line for each contradiction.
// header: name of a mixer -> the header that defines it.
std::vector<std::string> contradictions(const std::vector<Row>& rows, const std::map<std::string, std::string>& header, const std::string& root);
std::map<std::string, std::string> headers_of_mixers(const std::string& root);

}  // namespace lcsm::docs
