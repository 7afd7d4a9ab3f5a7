// SPDX-License-Identifier: MIT
// A codebook at work on a text: codebook [TEXT [FOLDER]], by default the novel in data, pictures beside the program. See docs/attention.md.
//
// Keys are what a moving average remembers of the last bytes. As the text goes by, its codebook follows them; attention over the codes, whose values are the bytes that came next,
// predicts the next byte, in memory that does not grow.
#include <lcsm/lcsm.hpp>

#include <lcsm/attention/attend_vq.hpp>
#include <lcsm/layers/norm.hpp>
#include <lcsm/vq/codebook.hpp>
#include <lcsm/vq/usage.hpp>

#include "example.hpp"
#include "support/picture.hpp"

#include <array>
#include <fstream>
#include <iterator>

namespace {

using lcsm::Buffer;
using lcsm::Index;

constexpr Index width = 32, codes = 64, block = 512, window = 16;

// A line of text a row, every byte on the colour of its code.
void colour(const std::filesystem::path& file, const std::string& text, const std::vector<std::int32_t>& code) {
  constexpr Index columns = 96;
  std::ofstream out(file);
  const Index lines = (Index(text.size()) + columns - 1) / columns;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << columns * 9 + 16 << "\" height=\"" << lines * 18 + 32 << "\">\n<title>which bytes share a code</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  for (std::size_t n = 0; n < text.size(); ++n) {
    const Index x = 8 + Index(n) % columns * 9, y = 12 + Index(n) / columns * 18;
    out << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"9\" height=\"17\" fill=\"hsl(" << code[n] * 137 % 360 << ',' << 45 + code[n] % 3 * 15 << "%," << 70 + code[n] % 4 * 6 << "%)\"/>";
    const unsigned char c = static_cast<unsigned char>(text[n]);
    if (c > ' ' && c < 127) out << "<text x=\"" << x + 1 << "\" y=\"" << y + 13 << "\" font-family=\"monospace\" font-size=\"13\">" << (c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, char(c))) << "</text>";
    out << '\n';
  }
  out << "</svg>\n";
}

}  // namespace

int main(int count, char** arguments) {
  const std::filesystem::path source = count > 1 ? arguments[1] : "data/prideprejudice.txt", folder = count > 2 ? std::filesystem::path(arguments[2]) : std::filesystem::path(arguments[0]).parent_path();
  std::ifstream file(source, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) {
    std::fprintf(stderr, "codebook: no text in %s\n", source.string().c_str());
    return 1;
  }
  text.resize((std::min)(text.size(), std::size_t(200 * block)));
  const Index tokens = Index(text.size());

  // Each byte is a fixed random row; the moving average of the rows is the structured memory.
  lcsm::init::Generator rng(1);
  Buffer<float> rows(1, 256, 1, width), x(1, block, 1, width), memory(1, block, 1, width), keys(1, block, 1, width), gain(1, 1, 1, width);
  for (float& v : rows) v = float(lcsm::init::normal(rng));
  std::array<Buffer<double>, 5> drawn{Buffer<double>(1, 1, 1, 2, width), Buffer<double>(1, 1, 1, 2, width), Buffer<double>(1, 1, 1, 2, width), Buffer<double>(1, 1, 1, 2, width), Buffer<double>(1, 1, 1, 1, width)};
  const lcsm::MegaEma::In<double> parameters{.delta = drawn[0], .alpha = drawn[1], .beta = drawn[2], .gamma = drawn[3], .omega = drawn[4]};
  lcsm::initialise(lcsm::MegaEma{}, parameters, rng);
  std::vector<Buffer<float>> rounded;
  for (const Buffer<double>& p : drawn) {
    rounded.emplace_back(1, 1, 1, p.view().row(), width);
    for (Index n = 0; n < p.size(); ++n) rounded.back()[n] = float(p[n]);
  }
  gain.fill(float(std::pow(double(width), -0.25)));
  lcsm::State<lcsm::MegaEma, float> state(1, 1, 2, width);

  lcsm::Codebook<float> book(1, codes, width);
  lcsm::VqState<float> seen(1, 1, codes, 256, window);
  Buffer<float> before(1, block, 1, width), query(before), next(1, block, 1, 256), prediction(next);
  Buffer<std::int32_t> code(1, block, 1, 1), code_before(code);
  std::vector<double> perplexity, error, cost;
  std::vector<std::int32_t> all_codes;
  Buffer<float> last(1, 1, 1, width);
  last.fill(0);
  double bits = 0, alone = 0;
  std::array<double, 256> seen_bytes{};
  for (Index first = 0; first < tokens; first += block) {
    const Index length = (std::min)(block, tokens - first);
    const auto part = [&](Buffer<float>& b) { return b.view().tokens(0, length); };
    for (Index j = 0; j < length; ++j)
      std::copy_n(rows.data() + static_cast<unsigned char>(text[std::size_t(first + j)]) * width, width, x.data() + j * width);
    lcsm::mix(lcsm::exec::par, lcsm::MegaEma{},
              lcsm::MegaEma::In<const float>{.x = part(x), .delta = rounded[0], .alpha = rounded[1], .beta = rounded[2], .gamma = rounded[3], .omega = rounded[4]}, part(memory), {.initial = state, .final = state});
    lcsm::norm(lcsm::exec::par, lcsm::Norm<const float>{lcsm::NormKind::rms, gain.view(), {}, 1e-6}, part(memory), part(keys));

    // Token t: the key before its byte, the byte as its value, the key after it as the query of the next byte.
    if (first == 0) book.initialise(rng, part(keys));
    for (Index j = 0; j < length; ++j)
      std::copy_n(j == 0 ? last.data() : keys.data() + (j - 1) * width, width, before.data() + j * width);
    std::copy_n(keys.data() + (length - 1) * width, width, last.data());
    lcsm::nearest_codes(lcsm::exec::par, part(before), book.codes(), code_before.view().tokens(0, length));
    next.fill(0);
    for (Index j = 0; j < length; ++j) next.view()(0, j, 0, static_cast<unsigned char>(text[std::size_t(first + j)])) = 1;
    for (Index n = 0; n < length * width; ++n) query[n] = 8 * keys[n];     // sharper than a trained layer starts
    lcsm::attend_vq(lcsm::exec::par, lcsm::VqInputs<const float>{part(query), book.codes(), part(next), {}, code_before.view().tokens(0, length)}, part(prediction),
                    {.scale = 1, .window = window, .initial = &seen, .final = &seen});
    double spent = 0;
    for (Index j = 0; j + 1 < length; ++j) {
      const int byte = static_cast<unsigned char>(text[std::size_t(first + j + 1)]);
      spent -= std::log2(0.95 * double(prediction.view()(0, j, 0, byte)) + 0.05 * (seen_bytes[std::size_t(byte)] + 0.5) / (double(first + j + 1) + 128));
      alone -= std::log2((seen_bytes[std::size_t(byte)] + 0.5) / (double(first + j + 1) + 128));
      ++seen_bytes[std::size_t(byte)];
    }
    bits += spent, cost.push_back(spent / double((std::max)(length - 1, Index(1))));

    // What the codebook makes of these keys, before it learns from them.
    lcsm::nearest_codes(lcsm::exec::par, part(keys), book.codes(), code.view().tokens(0, length));
    lcsm::CodeStatistics batch(1, codes, width);
    batch.add(lcsm::exec::par, part(keys), code.view().tokens(0, length));
    perplexity.push_back(lcsm::code_usage(batch.counts()).perplexity), error.push_back(lcsm::quantisation_error(lcsm::exec::par, part(keys), book.codes(), code.view().tokens(0, length))[0]);
    for (Index j = 0; j < length; ++j) all_codes.push_back(code[j]);
    book.update(batch, 0.9);
    if (first / block % 8 == 7) book.revive(rng, part(keys), 0.1);
  }
  const lcsm::CodeUsage usage = lcsm::code_usage(book.counts());
  std::printf("%lld bytes, %lld codes: perplexity of use %.1f in the first block, %.1f in the last; %lld dead at the end; a key is %.0f %% of its length away from its code, then %.0f %%\n", static_cast<long long>(tokens),
              static_cast<long long>(codes), perplexity.front(), perplexity.back(), static_cast<long long>(usage.dead), 100 * error.front(), 100 * error.back());
  std::printf("next byte by attention over the codes: %.2f bits; by the bytes' own frequencies: %.2f bits; state: %lld numbers, whatever the length\n", bits / double(tokens), alone / double(tokens),
              static_cast<long long>(codes * 257 + window * 257));

  Picture curves(folder / "codebook_usage.svg", "per block of 512 bytes: codes in use (perplexity, black), error of a key x 64 (red), bits per byte x 8 (blue)");
  for (double& e : error) e *= 64;
  for (double& c : cost) c *= 8;
  curves.add(perplexity, "black"), curves.add(error, "red"), curves.add(cost, "blue");
  const Index end = tokens, begin = (std::max)(end - 96 * 6, Index(0));
  colour(folder / "codebook_text.svg", text.substr(std::size_t(begin)), {all_codes.begin() + begin, all_codes.end()});
  if (!curves.finish()) {
    std::fprintf(stderr, "codebook: could not write to %s\n", folder.string().c_str());
    return 1;
  }
  std::printf("wrote codebook_usage.svg, codebook_text.svg in %s\n", folder.string().c_str());
  // The codebook must be in use, and attention over it must know more than the frequencies.
  return perplexity.back() > double(codes) / 8 && bits < alone ? 0 : 1;
}
