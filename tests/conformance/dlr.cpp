// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/mixers/dlr.hpp>

namespace lcsm::conformance {
namespace {

template <class M> auto modes_of = []<class T>(const Source<T>& x) {
  typename M::template In<const T> in{.x = x("x"), .W = x("W")};
  if constexpr (requires { in.log_neg_re; }) in.log_neg_re = x("log_neg_re");
  if constexpr (requires { in.phase; }) in.phase = x("phase");
  if constexpr (requires { in.W_imag; }) in.W_imag = x("W_imag");
  return in;
};

// A Dlr's parameters, all of them there: what a version lacks is 0.
struct Modes {
  Array decay, phase, w, w_imag;                            // [N], [N], [C,N,H] twice
  Index heads, channels;
  Index size() const { return phase.shape[0]; }
  View<const double> row(const Array& x) const { return parameter(x.values.data(), 1, size()); }
  View<const double> matrix(const Array& x) const { return parameter(x.values.data(), heads, size(), channels); }
};
Modes empty_modes(Index size, Index heads, Index channels) {
  const Array row = constant({size}, 0), matrix = constant({heads, size, channels}, 0);
  return {row, row, matrix, matrix, heads, channels};
}

// Slopes of the modes that dlr_product makes, after the first `first` modes. Channels below `real` have the modes themselves, times i, and none of the products.
void add_slopes(const Modes& from, Index first, Index real, Modes& out) {
  const auto entry = [&](const Modes& of, Index h, Index a, Index c) { return to_size((h * of.size() + a) * from.channels + c); };
  std::vector<Number> decay(to_size(first)), phase(to_size(first)), w(out.w.values.size()), w_imag(w.size());
  for (Index a = 0; a < first; ++a) decay[to_size(a)] = from.decay.number(to_size(a)), phase[to_size(a)] = from.phase.number(to_size(a));
  for (Index a = 0, n = first; a < from.size(); ++a)
    for (Index b = a; b < from.size(); ++b, ++n) {
      const Number x = from.decay.number(to_size(a)), y = from.decay.number(to_size(b));
      const double size = std::hypot(x.x, y.x);
      decay.push_back(size > 0 ? of_parts(x, y, size, x.x / size, y.x / size) : Number()), phase.push_back(from.phase.number(to_size(a)) + from.phase.number(to_size(b)));
      for (Index h = 0; h < from.heads; ++h)
        for (Index c = real; c < from.channels; ++c) {
          const auto re = [&](Index k) { return from.w.number(entry(from, h, k, c)); };
          const auto im = [&](Index k) { return from.w_imag.number(entry(from, h, k, c)); };
          const double part = a == b ? 0.5 : 1;
          w[entry(out, h, n, c)] = (re(a) * re(b) - im(a) * im(b)) * part, w_imag[entry(out, h, n, c)] = (re(a) * im(b) + im(a) * re(b)) * part;
        }
    }
  for (Index h = 0; h < from.heads; ++h)
    for (Index a = 0; a < first; ++a)
      for (Index c = 0; c < real; ++c) w[entry(out, h, a, c)] = -from.w_imag.number(entry(from, h, a, c)), w_imag[entry(out, h, a, c)] = from.w.number(entry(from, h, a, c));
  const auto slopes = [](Array& to, std::vector<Number> numbers) { to.slopes = array_of(to.shape, std::move(numbers)).slopes; };
  slopes(out.decay, decay), slopes(out.phase, phase), slopes(out.w, w), slopes(out.w_imag, w_imag);
}

// Re K Im K as the imaginary part of a kernel; of the channels below `real`, Re K = Im(i K) instead, by the modes themselves.
Modes product(Modes from, Index real) {
  const Index n = from.size(), pairs = n * (n + 1) / 2, first = real > 0 ? n : 0;
  Modes out = empty_modes(first + pairs, from.heads, from.channels);
  const auto row = [&](Array& x) { return parameter(x.values.data(), 1, out.size()).features(first, pairs); };
  const auto matrix = [&](Array& x) { return parameter(x.values.data(), from.heads, out.size(), from.channels); };
  dlr_product(Dlr::In<const double>{.x = {}, .log_neg_re = from.row(from.decay), .phase = from.row(from.phase), .W = from.matrix(from.w), .W_imag = from.matrix(from.w_imag)},
              DlrImag::In<double>{.x = {}, .log_neg_re = row(out.decay), .phase = row(out.phase), .W = matrix(out.w).rows(first, pairs), .W_imag = matrix(out.w_imag).rows(first, pairs)});
  add_slopes(from, first, real, out);
  if (real == 0) return out;
  std::copy_n(from.decay.values.begin(), n, out.decay.values.begin()), std::copy_n(from.phase.values.begin(), n, out.phase.values.begin());
  const View<double> re = matrix(out.w), im = matrix(out.w_imag);
  for (Index h = 0; h < from.heads; ++h)
    for (Index c = 0; c < real; ++c)
      for (Index a = 0; a < out.size(); ++a) {
        const bool itself = a < n;
        re.at(0, 0, h, a, c) = itself ? -from.matrix(from.w_imag).at(0, 0, h, a, c) : 0, im.at(0, 0, h, a, c) = itself ? from.matrix(from.w).at(0, 0, h, a, c) : 0;
      }
  return out;
}

// The file has kernels alone: the answers to an impulse.
void dlr(Case& c) {
  Problem p;
  p.tokens = c.size("L"), p.heads = c.size("C"), p.values = c.size("H");
  const std::string version = c.text("version"), kind = c.text("kernel_to_real");
  Modes modes = empty_modes(c.size("N"), p.heads, p.values);
  if (version != "Lambda_real_W_real") modes.phase = c.par("Lambda_im");
  if (!version.starts_with("Lambda_imag")) modes.decay = c.par("Lambda_log_neg_re");
  const bool real_weight = version.ends_with("W_real");
  modes.w = rearranged(real_weight ? c.par("W") : part(c.par("W"), 0), "CHN", "CNH");
  if (!real_weight) modes.w_imag = rearranged(part(c.par("W"), 1), "CHN", "CNH");
  const bool prod = kind == "prod" || kind == "real-prod";
  if (prod) modes = product(modes, kind == "prod" ? 0 : p.values / 2);
  p.keys = modes.size();
  p.inputs.add("x", impulse(p.tokens, p.values), "LH", "1L11H");
  p.inputs.add("phase", modes.phase, "N", "1111N"), p.inputs.add("log_neg_re", modes.decay, "N", "1111N"), p.inputs.add("W", modes.w, "CNH", "11CNH"),
      p.inputs.add("W_imag", modes.w_imag, "CNH", "11CNH");
  p.no_op = {{"x", 0}}, p.no_op_first = true;
  p.output(c, "kernel", "CHL", "LCH");
  if (prod || kind == "imag") check<DlrImag>(c, p, modes_of<DlrImag>);
  else if (kind == "sum") check<DlrSum>(c, p, modes_of<DlrSum>);
  else if (kind != "real") raise<FormatError>("lcsm_conformance: kernel_to_real '" + kind + "'");
  else if (version.empty()) check<Dlr>(c, p, modes_of<Dlr>);
  else if (version == "Lambda_imag") check<DlrLambdaImag>(c, p, modes_of<DlrLambdaImag>);
  else if (version == "Lambda_imag_W_real") check<DlrLambdaImagWReal>(c, p, modes_of<DlrLambdaImagWReal>);
  else if (version == "Lambda_real_W_real") check<DlrLambdaRealWReal>(c, p, modes_of<DlrLambdaRealWReal>);
  else raise<FormatError>("lcsm_conformance: version '" + version + "'");
}
const bool known = add("dlr", dlr);

}  // namespace
}  // namespace lcsm::conformance
