// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/mamba.hpp>

namespace lcsm::conformance {
namespace {

// Time is the last axis; a group of channels is a head.
struct Channels {
  Case& c;
  Problem& p;
  Index groups, width, states;
  Array split(Array x) const {
    std::vector<Index> shape = x.shape;
    shape.erase(shape.begin() + 1), shape.insert(shape.begin() + 1, {groups, width});
    return reshaped(std::move(x), std::move(shape));
  }
  void stream(const char* name, const Array& x) const { p.inputs.add(name, split(x), "BGPL", "BLG1P"); }
  // Per channel, or per channel and state.
  void per_channel(const char* name, const Array& x) const { p.inputs.add(name, reshaped(x, {groups, width}), "GP", "11G1P"); }
  void per_state(const char* name, const Array& x) const { p.inputs.add(name, reshaped(x, {groups, width, states}), "GPN", "11GNP"); }
};
Channels sizes(Case& c, Problem& p) {
  const Index groups = std::max<Index>(1, c.size_or("groups", 0));
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = groups, p.keys = c.size("N"), p.values = c.size("D") / groups;
  const Channels channels{c, p, groups, p.values, p.keys};
  channels.stream("x", c.in("u"));
  p.output(c, "o", "BDL", "BLD");
  if (c.has("in", "z")) p.after(gated(rearranged(c.in("z"), "BDL", "BLD")));
  return channels;
}

void selective_scan(Case& c) {
  Problem p;
  const Channels channels = sizes(c, p);
  channels.per_state("A", c.par("A"));
  Expected last = c.expected("s1", "x", "BDN", "BDN");
  last.values = rearranged(channels.split(last.values), "BGPN", "B1GNP"), p.final.insert_or_assign("m", last);
  const bool constant_bc = c.flag("const_BC"), softplus_of_step = c.flag("softplus");
  Array delta = c.in("delta");
  if (constant_bc) {
    delta = mapped(delta, [&](const Number& x) { return softplus_of_step ? softplus(x) : x; });
    if (c.has("par", "delta_bias") || c.has("par", "D"))
      raise<FormatError>("lcsm_conformance: constant B and C come without delta_bias and D here");
    p.no_op = {{"delta", 0}};
    channels.per_state("B", c.par("B")), channels.per_state("C", c.par("C")), channels.stream("delta", delta);
    check<MambaConstant>(c, p, []<class T>(const Source<T>& x) {
      return MambaConstant::In<const T>{.x = x("x"), .delta = x("delta"), .B = x("B"), .C = x("C"), .A = x("A")};
    });
    return;
  }
  const bool grouped = c.in("B").shape.size() == 4;
  for (const char* name : {"B", "C"}) p.inputs.add(name, c.in(name), grouped ? "BGNL" : "BNL", grouped ? "BLG1N" : "BL11N");
  channels.stream("delta", delta);
  p.no_op = {{"delta", softplus_of_step ? -1e4 : 0}};
  if (!softplus_of_step) {
    if (c.has("par", "delta_bias") || c.has("par", "D"))
      raise<FormatError>("lcsm_conformance: a step without softplus comes without delta_bias and D here");
    check<MambaStep>(c, p, []<class T>(const Source<T>& x) {
      return MambaStep::In<const T>{.x = x("x"), .delta = x("delta"), .B = x("B"), .C = x("C"), .A = x("A")};
    });
    return;
  }
  for (const char* name : {"D", "delta_bias"}) channels.per_channel(name, c.has("par", name) ? c.par(name) : constant({c.size("D")}, 0));
  check<Mamba>(c, p, []<class T>(const Source<T>& x) {
    return Mamba::In<const T>{
        .x = x("x"), .delta = x("delta"), .B = x("B"), .C = x("C"), .A = x("A"), .D = x("D"), .delta_bias = x("delta_bias")};
  });
}

void complex_scan(Case& c) {
  Problem p;
  const Channels channels = sizes(c, p);
  if (c.flag("softplus") || c.has("par", "delta_bias")) raise<FormatError>("lcsm_conformance: the complex scan comes with plain steps here");
  p.no_op = {{"delta", 0}};
  channels.stream("delta", c.in("delta")), channels.per_channel("D", c.par("D"));
  for (const std::string name : {"A", "B", "C"})
    channels.per_state(name.c_str(), part(c.par(name), 0)), channels.per_state((name + "_imag").c_str(), part(c.par(name), 1));
  p.final.insert_or_assign("m", c.expected("s1", "x", "BDN", "B11ND", 0)),
      p.final.insert_or_assign("m_imag", c.expected("s1", "x", "BDN", "B11ND", 1));
  check<MambaComplex>(c, p, []<class T>(const Source<T>& x) {
    return MambaComplex::In<const T>{.x = x("x"),
                                     .delta = x("delta"),
                                     .B = x("B"),
                                     .B_imag = x("B_imag"),
                                     .C = x("C"),
                                     .C_imag = x("C_imag"),
                                     .A = x("A"),
                                     .A_imag = x("A_imag"),
                                     .D = x("D")};
  });
}
const bool known = add("mamba_selective_scan", selective_scan) && add("mamba_selective_scan_complex", complex_scan);

}  // namespace
}  // namespace lcsm::conformance
