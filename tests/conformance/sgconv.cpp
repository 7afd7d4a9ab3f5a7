// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"
#include "taps.hpp"

#include <lcsm/filters/sgconv.hpp>
#include <lcsm/mixers/long_convolution.hpp>

namespace lcsm::conformance {
namespace {

auto bind = []<class T>(const Source<T>& x) { return LongConvolution::In<const T>{.x = x("x"), .kernel = x("kernel"), .D = x("D")}; };

struct Kernel {
  Index copies, channels, numbers, taps;
  std::vector<Array> pieces;
  Array multiplier, norm;

  explicit Kernel(Case& c) : copies(c.size("C")), channels(c.size("H")), numbers(c.size("kernel_dim")), taps(c.size("L")), multiplier(c.par("multiplier")), norm(c.par("kernel_norm")) {
    for (Index i = 0; i < c.size("n_scales"); ++i) pieces.push_back(c.par("kernel_list." + std::to_string(i)));
  }
  // Every piece but the first begins at its own length, so a lag says which it is of; [taps, copies, channels].
  std::vector<Number> operator()() const {
    std::vector<Number> out;
    for (Index l = 0; l < taps; ++l) {
      Index piece = l < numbers ? 0 : 1, stretch = 1;
      while (piece > 0 && l >= 2 * stretch * numbers) stretch *= 2, ++piece;
      const double at = std::clamp((double(piece > 0 ? l - stretch * numbers : l) + 0.5) / double(stretch) - 0.5, 0.0, double(numbers - 1));
      const Index low = Index(at), high = std::min(low + 1, numbers - 1);
      for (Index c = 0; c < copies * channels; ++c) {
        if (piece >= Index(pieces.size())) {
          out.emplace_back();
          continue;
        }
        const Array& of = pieces[to_size(piece)];
        const Number between = of.number(to_size(c * numbers + low)) * (1 - at + double(low)) + of.number(to_size(c * numbers + high)) * (at - double(low));
        const double scale = std::pow(multiplier[to_size(c % channels)], double(pieces.size()) - 1 - double(piece));
        out.push_back(between * scale * (1 / norm[to_size(c)]));
      }
    }
    return out;
  }
  // The same by the library.
  std::vector<double> filtered() const {
    const auto parameter_of = [&](const Array& x, Index count, Index heads) {
      return View<const double>(x.values.data(), {1, count, heads, 1, channels}, {0, 1, channels * count, 0, count});
    };
    filter::SgConv::In<const double> in{.multiplier = parameter_of(multiplier, 1, 1), .norm = parameter_of(norm, 1, copies)};
    for (const Array& x : pieces) in.kernels.push_back(parameter_of(x, numbers, copies));
    Buffer<double> kernel(1, taps, copies, channels);
    filter::SgConv{}.taps(in, kernel.view());
    return {kernel.begin(), kernel.end()};
  }
};

void sgconv(Case& c) {
  const Kernel kernel(c);
  const std::vector<Number> taps = kernel();
  compare_filter(c, c.expected("aux", "kernel", "CHK", "KCH"), kernel.filtered(), taps);

  // The copies of a kernel are heads, which read one input.
  Problem p;
  p.batch = c.size("B"), p.tokens = p.keys = c.size("L"), p.heads = kernel.copies, p.values = kernel.channels;
  p.no_op = {{"x", 0}}, p.no_op_first = true;
  p.inputs.add("D", c.par("D"), "CH", "11C1H"), p.output(c, "y", "BXL", "BLX");
  const std::vector<Number> u = numbers_of(rearranged(c.in("u"), "BHL", "BLH"));
  std::vector<Number> copied;
  for (Index row = 0; row < p.batch * p.tokens; ++row)
    for (Index n = 0; n < p.heads * p.values; ++n) copied.push_back(u[to_size(row * p.values + n % p.values)]);
  const Convolution reference{p.batch, p.tokens, p.heads * p.values};
  p.outputs[0].own = reference.outputs(taps, copied);
  Errors by_taps, by_inputs;
  if (const std::vector<double>& w = p.outputs[0].values.weight; !w.empty()) {
    by_taps = reference.by_taps(taps, copied, w);
    const Errors apart = reference.by_inputs(taps, w);
    by_inputs = {std::vector<double>(u.size()), std::vector<double>(u.size())};
    for (std::size_t n = 0; n < w.size(); ++n) {
      const std::size_t channels = to_size(p.values), of = n / (to_size(p.heads) * channels) * channels + n % channels;
      by_inputs.error[of] += apart.error[n], by_inputs.size[of] += apart.size[n];
    }
  }
  p.inputs.add("kernel", array_of({p.keys, p.heads, p.values}, unsure(taps, by_taps)), "KCH", "11CKH");
  p.inputs.add("x", array_of({p.batch, p.tokens, p.values}, unsure(u, by_inputs)), "BLH", "BL11H");
  check<LongConvolution>(c, p, bind);
}
const bool known = add("sgconv", sgconv);

}  // namespace
}  // namespace lcsm::conformance
