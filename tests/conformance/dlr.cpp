// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/dlr.hpp>

#include <complex>

namespace lcsm::conformance {
namespace {

template <class M> auto modes_of = []<class T>(const Source<T>& x) {
  return typename M::template In<const T>{.x = x("x"), .log_neg_re = x("log_neg_re"), .phase = x("phase"), .W = x("W"), .W_imag = x("W_imag")};
};

// The file has kernels alone: the answers to an impulse.
void dlr(Case& c) {
  Problem p;
  p.tokens = c.size("L"), p.heads = c.size("C"), p.values = c.size("H");
  Index modes = c.size("N");
  const std::string version = c.text("version"), kind = c.text("kernel_to_real");
  const bool real_weight = version == "Lambda_imag_W_real" || version == "Lambda_real_W_real";
  Array phase = version == "Lambda_real_W_real" ? constant({modes}, 0) : c.par("Lambda_im"),
        decay = version.starts_with("Lambda_imag") ? constant({modes}, 0) : c.par("Lambda_log_neg_re");
  Array w = real_weight ? c.par("W") : part(c.par("W"), 0), w_imag = real_weight ? mapped(w, [](double) { return 0.0; }) : part(c.par("W"), 1);
  if (kind == "prod") {
    // Re z Im z = Im(z^2) / 2: the modes are sums of two, the weights products.
    const Index all = modes * (modes + 1) / 2, rows = p.heads * p.values;
    Array phases = constant({all}, 0), decays = phases, re = constant({p.heads, p.values, all}, 0), im = re;
    std::size_t n = 0;
    for (std::size_t a = 0; a < to_size(modes); ++a)
      for (std::size_t b = a; b < to_size(modes); ++b, ++n) {
        phases.values[n] = phase[a] + phase[b], decays.values[n] = std::hypot(decay[a], decay[b]);
        for (std::size_t r = 0; r < to_size(rows); ++r) {
          const std::size_t row = r * to_size(modes);
          const std::complex<double> z =
              std::complex(w[row + a], w_imag[row + a]) * std::complex(w[row + b], w_imag[row + b]) * (a == b ? 0.5 : 1.0);
          re.values[r * to_size(all) + n] = z.real(), im.values[r * to_size(all) + n] = z.imag();
        }
      }
    modes = all, phase = phases, decay = decays, w = re, w_imag = im;
  }
  p.keys = modes;
  p.inputs.add("x", impulse(p.tokens, p.values), "LH", "1L11H");
  p.inputs.add("phase", phase, "N", "1111N"), p.inputs.add("log_neg_re", decay, "N", "1111N"), p.inputs.add("W", w, "CHN", "11CNH"),
      p.inputs.add("W_imag", w_imag, "CHN", "11CNH");
  p.output(c, "kernel", "CHL", "LCH");
  if (kind == "prod") check<DlrImag>(c, p, modes_of<DlrImag>);
  else if (kind == "sum") check<DlrSum>(c, p, modes_of<DlrSum>);
  else if (kind == "imag") check<DlrImag>(c, p, modes_of<DlrImag>);
  else if (kind != "real") raise<FormatError>("lcsm_conformance: kernel_to_real '" + kind + "'");
  else if (version.empty() || version == "Lambda_imag") check<Dlr>(c, p, modes_of<Dlr>);
  else if (version == "Lambda_imag_W_real")
    check<DlrLambdaImagWReal>(
        c, p, []<class T>(const Source<T>& x) { return DlrLambdaImagWReal::In<const T>{.x = x("x"), .phase = x("phase"), .W = x("W")}; });
  else if (version == "Lambda_real_W_real")
    check<DlrLambdaRealWReal>(c, p, []<class T>(const Source<T>& x) {
      return DlrLambdaRealWReal::In<const T>{.x = x("x"), .log_neg_re = x("log_neg_re"), .W = x("W")};
    });
  else raise<FormatError>("lcsm_conformance: version '" + version + "'");
}
const bool known = add("dlr", dlr);

}  // namespace
}  // namespace lcsm::conformance
