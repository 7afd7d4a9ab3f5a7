// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/axes.hpp>

#include <array>
#include <string>

// The kinds of the three stages and of what a mixer has beside them, as numbers: nothing here makes a type. The framework is that of Qin et al.
// 2024 (https://arxiv.org/abs/2405.17383), whose question is which combinations of the three stages make a mixer.
namespace lcsm::grid {

enum class Form { real, complex, log, tie, code };
enum class Turn { real, phase, sign };
enum class Coupling { none, after, before };

inline constexpr Axes four_axes[] = {Axes::one, Axes::key, Axes::value, Axes::matrix};

// Expand: axes x {real, complex, log}, a tie to the oscillation, a code.
struct EndKind {
  Form form;
  Axes axes;                           // none: those of the oscillation
};
inline constexpr int expands = 14, shrinks = 9;
constexpr EndKind expand_kind(int n) {
  if (n == 12) return {Form::tie, Axes::none};
  if (n == 13) return {Form::code, Axes::key};
  return {Form(n % 3), four_axes[n / 3]};
}
// Shrink: axes x {real, complex}, a code.
constexpr EndKind shrink_kind(int n) {
  if (n == 8) return {Form::code, Axes::key};
  return {Form(n % 2), four_axes[n / 2]};
}
// Oscillation: structure x {real, phase, sign} x coupling. The identity neither turns nor has a sign; rank one, which is two structures in one,
// comes without coupling.
struct OscillationKind {
  Structure structure;
  Turn turn;
  Coupling coupling;
};
inline constexpr int oscillations = 42;
constexpr OscillationKind oscillation_kind(int n) {
  if (n >= 13 && n < 16) return {Structure::rank_one, Turn(n - 13), Coupling::none};
  const int coupling = n < 16 ? 0 : 1 + (n - 16) / 13, base = n < 16 ? n : (n - 16) % 13;
  if (base == 0) return {Structure::identity, Turn::real, Coupling(coupling)};
  constexpr Structure structures[] = {Structure::scalar, Structure::per_key, Structure::per_value, Structure::elementwise};
  return {structures[(base - 1) / 3], Turn((base - 1) % 3), Coupling(coupling)};
}
inline constexpr int triples = expands * oscillations * shrinks;

// What is assigned to a triple.
enum class Readout { post, previous, bonus };
enum class Normaliser { none, quotient, mean };
enum class Projection { real, twice_real, complex };

struct Choice {
  int expand = 0, oscillation = 0, shrink = 0;
  Source source_e = Source::data, source_o = Source::data, source_s = Source::data;
  Readout readout = Readout::post;
  Normaliser normaliser = Normaliser::none;
  bool running_max = false;
  Projection projection = Projection::real;
  bool skip = false, complex_input = false;
  unsigned detail = 0;                 // which map, gate, tie, guard ... of those that fit
};

constexpr bool is_complex(const Choice& c) {
  return expand_kind(c.expand).form == Form::complex || oscillation_kind(c.oscillation).turn == Turn::phase || shrink_kind(c.shrink).form == Form::complex || c.complex_input ||
         (expand_kind(c.expand).form == Form::tie && oscillation_kind(c.oscillation).turn == Turn::phase);
}
constexpr bool is_coupled(const Choice& c) { return oscillation_kind(c.oscillation).coupling != Coupling::none; }
constexpr bool has_value_log(const Choice& c) {
  const EndKind e = expand_kind(c.expand);
  const Structure o = oscillation_kind(c.oscillation).structure;
  return (e.form == Form::log && overlaps(e.axes, axes::valued)) || o == Structure::per_value || o == Structure::rank_one || o == Structure::elementwise;
}

// What cannot be written down, so that no rule of Mixer is needed; empty if it can.
constexpr const char* why_no_such_type(const Choice& c) {
  const EndKind e = expand_kind(c.expand), s = shrink_kind(c.shrink);
  const OscillationKind o = oscillation_kind(c.oscillation);
  if (e.form == Form::code && c.source_e != Source::data) return "the code that is written is of the token";
  if (s.form == Form::code && c.source_s != Source::data) return "the code that is read is of the token";
  if (o.structure == Structure::identity && o.coupling == Coupling::none && c.source_o != Source::fixed) return "an identity has no source";
  if (e.form == Form::tie && c.source_e != c.source_o) return "a tie has the source of its oscillation";
  return "";
}
// What Mixer refuses: its assertions in their order, each in its words up to the colon that tells the way out; empty where it holds.
inline constexpr int rules = 5;
constexpr const char* refusal(const Choice& c, int rule) {
  const bool log = expand_kind(c.expand).form == Form::log, mean = c.normaliser == Normaliser::mean;
  const bool fits_mean = log && !c.running_max && !has_value_log(c) && c.readout == Readout::post && !is_complex(c);
  switch (rule) {
    case 0: return c.running_max && !log ? "RunningMax stabilises exponential writes, but no expand term is a LogTerm" : "";
    case 1: return c.running_max && c.normaliser == Normaliser::none ? "RunningMax keeps the memory times exp(-p), which only a Quotient takes out again" : "";
    case 2: return mean && !fits_mean ? "Mean divides each real memory entry by its log weights on the key axis" : "";
    case 3: return is_coupled(c) && (c.running_max || mean) ? "a coupling (LowRank) mixes keys of one scale" : "";
    default: return !is_complex(c) && c.projection == Projection::complex ? "project::Complex reads two parts, but the memory is real" : "";
  }
}
constexpr const char* why_illegal(const Choice& c) {
  for (int n = 0; n < rules; ++n)
    if (*refusal(c, n) != 0) return refusal(c, n);
  return "";
}
constexpr bool is_legal(const Choice& c) { return *why_no_such_type(c) == 0 && *why_illegal(c) == 0; }

// The twelve factors of the covering, so that pairs can be counted.
inline constexpr int factors = 12;
inline constexpr std::array<int, factors> levels = {expands, oscillations, shrinks, 3, 3, 3, 3, 3, 2, 3, 2, 2};
inline constexpr const char* factor_names[] = {"expand", "oscillation", "shrink", "source of e", "source of o", "source of s",
                                               "readout", "normaliser", "stabiliser", "projection", "skip", "input"};
inline constexpr Source three_sources[] = {Source::fixed, Source::learned, Source::data};
constexpr int level_of(Source s) { return s == Source::data ? 2 : int(s); }
constexpr std::array<int, factors> levels_of(const Choice& c) {
  return {c.expand, c.oscillation, c.shrink, level_of(c.source_e), level_of(c.source_o), level_of(c.source_s),
          int(c.readout), int(c.normaliser), int(c.running_max), int(c.projection), int(c.skip), int(c.complex_input)};
}
constexpr Choice choice_of(const std::array<int, factors>& x) {
  Choice c;
  c.expand = x[0], c.oscillation = x[1], c.shrink = x[2];
  c.source_e = three_sources[x[3]], c.source_o = three_sources[x[4]], c.source_s = three_sources[x[5]];
  c.readout = Readout(x[6]), c.normaliser = Normaliser(x[7]), c.running_max = x[8] != 0, c.projection = Projection(x[9]), c.skip = x[10] != 0, c.complex_input = x[11] != 0;
  return c;
}

inline std::string end_name(EndKind k) {
  constexpr const char* forms[] = {"real", "complex", "log", "tie", "code"};
  return k.form == Form::tie || k.form == Form::code ? forms[int(k.form)] : std::string(forms[int(k.form)]) + " " + name_of(k.axes);
}
inline std::string oscillation_name(OscillationKind k) {
  constexpr const char *turns[] = {"", ", phase", ", sign"}, *couplings[] = {"", ", coupled after", ", coupled before"};
  return std::string(name_of(k.structure)) + turns[int(k.turn)] + couplings[int(k.coupling)];
}
inline std::string level_name(int factor, int level) {
  constexpr const char *readouts[] = {"post", "previous", "bonus"}, *normalisers[] = {"none", "quotient", "mean"}, *stabilisers[] = {"none", "running max"},
                       *projections[] = {"real", "twice real", "complex"}, *skips[] = {"none", "skip"}, *inputs[] = {"real", "complex"};
  switch (factor) {
    case 0: return end_name(expand_kind(level));
    case 1: return oscillation_name(oscillation_kind(level));
    case 2: return end_name(shrink_kind(level));
    case 6: return readouts[level];
    case 7: return normalisers[level];
    case 8: return stabilisers[level];
    case 9: return projections[level];
    case 10: return skips[level];
    case 11: return inputs[level];
    default: return name_of(three_sources[level]);
  }
}

}  // namespace lcsm::grid
