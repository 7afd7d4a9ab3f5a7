// SPDX-License-Identifier: MIT
// A byte-level predictor of real text that learns as it reads, whose memory is a sequence mixer: each head counts which byte follows which context.
//
//     Expand       one-hot code of the hashed context before this byte     (2^18 codes per head)
//     input        the byte, one-hot                                       (256 channels)
//     Oscillation  a slow decay, one per head
//     Shrink       one-hot code of the context that ends with this byte
//
// Heads are the contexts: the last 0, 1, ... 5 bytes, and the word so far with the one before. Token t writes under the context before it and
// reads the counts of the context after it, so y_t predicts byte t + 1 from bytes <= t. The heads' counts are blended by support/byte_mixer.hpp,
// the same for all modes. The figure is the sum of -log2 of the probability that each byte had before it was seen: the length of an
// arithmetic code, up to a few bytes. The step mode is what a decoder would run.
#include <lcsm/exec/par.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include "support/byte_mixer.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <string>

namespace {

using lcsm::Index;

// [use]
struct ContextCounts : lcsm::Mixer<lcsm::expand::Code<>, lcsm::oscillation::Learned<lcsm::map::Identity, lcsm::in::a, lcsm::Axes::one>,
                                   lcsm::shrink::Code<>> {
  template <class T> struct In {
    lcsm::View<const std::int32_t> code, read_code;         // [1, T, H, 1]: the contexts before and after each byte
    lcsm::View<T> v;                                        // [1, T, 1, 256]: the byte, for all heads
    lcsm::View<T> a;                                        // [H, 1]: log decays
    Index codes;
  };
};
using State = lcsm::State<ContextCounts, float>;
// [use] end

constexpr int orders = 6, heads = 7;
constexpr Index codes = 1 << 18, block = 2048, prefix = 4096;
using Text = std::vector<std::uint8_t>;

// The codes of all contexts, one byte at a time.
class Contexts {
 public:
  const std::array<std::int32_t, heads>& now() const { return code_; }
  void append(int byte) {
    recent_ = recent_ << 8 | std::uint64_t(byte);
    const int letter = byte | 32;
    if (letter >= 'a' && letter <= 'z') word_ = mix(word_ + std::uint64_t(letter));
    else if (word_) before_ = word_, word_ = 0;
    for (int order = 0; order < orders; ++order) {
      const std::uint64_t bytes = recent_ & ((std::uint64_t(1) << 8 * order) - 1);
      code_[std::size_t(order)] = order <= 2 ? std::int32_t(bytes) : hashed(bytes);
    }
    code_[orders] = hashed(word_ + 31 * before_ + 1);
  }

 private:
  static std::uint64_t mix(std::uint64_t x) { x *= 0x9E3779B97F4A7C15u; return x ^ x >> 29; }
  static std::int32_t hashed(std::uint64_t x) { return std::int32_t(mix(mix(x)) % std::uint64_t(codes)); }
  std::uint64_t recent_ = 0, word_ = 0, before_ = 0;
  std::array<std::int32_t, heads> code_{};
};

// A stretch of text as the mixer sees it.
struct Block {
  lcsm::Buffer<std::int32_t> code, read_code;
  lcsm::Buffer<float> v, y, a;
  Index count = 0;
  explicit Block(Index size)
      : code(1, size, heads, 1), read_code(1, size, heads, 1), v(1, size, 1, 256), y(1, size, heads, 256), a(1, 1, heads, 1) {
    a.fill(-2e-6f);
  }

  void fill(const Text& text, Index first, Index size, Contexts& contexts) {
    count = size;
    v.fill(0);
    for (Index j = 0; j < count; ++j) {
      const int byte = text[std::size_t(first + j)];
      std::copy_n(contexts.now().data(), heads, code.data() + j * heads);
      contexts.append(byte);
      std::copy_n(contexts.now().data(), heads, read_code.data() + j * heads);
      v[j * 256 + byte] = 1;
    }
  }
  ContextCounts::In<const float> in(Index first, Index size) const {
    return {.code = code.view().tokens(first, size), .read_code = read_code.view().tokens(first, size), .v = v.view().tokens(first, size),
            .a = lcsm::parameter(a.data(), heads, 1), .codes = codes};
  }
  lcsm::View<float> out(Index first, Index size) { return y.view().tokens(first, size); }
};

struct Result { double bits = 0, prefix_bits = 0, memory_seconds = 0, seconds = 0; };
double since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

// The whole text through one mode, block by block; the memory of a block is computed while the one before is blended and scored.
template <class Mode> Result score(const char* name, const Text& text, Index size, Index step, Mode&& mode) {
  const Index length = Index(text.size());
  Block blocks[2] = {Block(step), Block(step)};
  Contexts contexts;
  example::ByteMixer mixer(heads, orders);
  const std::vector<float> nothing(heads * 256);
  Result result;
  const auto start = std::chrono::steady_clock::now();
  const auto blend = [&](const Block& b, Index first) {     // y_t predicts byte t + 1; the first byte is predicted from nothing
    if (first == 0) result.bits += mixer.cost(nothing.data(), text[0], 0);
    for (Index j = 0; j < b.count && first + j + 1 < size; ++j) {
      if (first + j + 1 == (std::min)(prefix, length)) result.prefix_bits = result.bits;
      result.bits += mixer.cost(b.y.data() + j * heads * 256, text[std::size_t(first + j + 1)], text[std::size_t(first + j)]);
    }
  };
  std::future<void> blending;
  for (Index first = 0, n = 0; first < size; first += step, ++n) {
    Block& b = blocks[n % 2];
    b.fill(text, first, (std::min)(step, size - first), contexts);
    const auto begin = std::chrono::steady_clock::now();
    mode(b);
    result.memory_seconds += since(begin);
    if (blending.valid()) blending.get();
    blending = std::async(std::launch::async, [&blend, &b, first] { blend(b, first); });
    if (n % 32 == 0) std::fprintf(stderr, "\r%-10s %3.0f %%", name, 100.0 * double(first) / double(size));
  }
  blending.get();
  if (size <= prefix) result.prefix_bits = result.bits;
  result.seconds = since(start);
  std::fprintf(stderr, "\r%-10s done \n", name);
  return result;
}

// Bytes that a command makes of a file; -1 if there is no such command.
double compressed(const std::string& command, const std::string& path, Index size) {
  std::string quoted = "'";
  for (char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  FILE* pipe = popen(("head -c " + std::to_string(size) + " " + quoted + "' | " + command + " 2>/dev/null | wc -c").c_str(), "r");
  double bytes = -1;
  if (pipe && std::fscanf(pipe, "%lf", &bytes) != 1) bytes = -1;
  if (pipe) pclose(pipe);
  return bytes > 0 ? bytes : -1;
}

bool predict(const std::string& path, Index most, State& state) {
  std::ifstream file(path, std::ios::binary);
  Text text{std::istreambuf_iterator<char>(file), {}};
  if (most > 0 && Index(text.size()) > most) text.resize(std::size_t(most));
  const Index size = Index(text.size());
  if (size == 0) return std::fprintf(stderr, "%s: cannot be read, or empty\n", path.c_str()), false;
  std::printf("%s, %td bytes\n\n", path.c_str(), size);
  std::printf("memory: %d heads (the last 0 to %d bytes; two words) of %td codes x 256 counts, decay exp(-2e-6) per byte\n", heads, orders - 1, codes);
  std::printf("blend:  bitwise logistic mixing with online gradient, weights by longest match, bits so far and last byte; one refining table\n\n");

  const lcsm::Options<float> carried{.initial = state, .final = state};
  const auto run = [&](const char* name, auto&& mode) {
    state.reset();
    return score(name, text, size, block, mode);
  };
  const ContextCounts counts;
  const Result recurrent = run("recurrent", [&](Block& b) { lcsm::recurrent(lcsm::exec::par, counts, b.in(0, b.count), b.out(0, b.count), carried); });
  const Result scan = run("scan", [&](Block& b) { lcsm::scan(lcsm::exec::par, counts, b.in(0, b.count), b.out(0, b.count), carried); });
  const Result chunkwise = run("chunkwise", [&](Block& b) { lcsm::chunkwise(lcsm::exec::par, counts, b.in(0, b.count), b.out(0, b.count), carried); });
  const Result step = run("step", [&](Block& b) {
    for (Index t = 0; t < b.count; ++t) lcsm::step(counts, b.in(t, 1), b.out(t, 1), state);
  });
  const Index part = (std::min)(prefix, size);
  const Result attend = score("attend", text, part, part, [&](Block& b) { lcsm::attend(lcsm::exec::par, counts, b.in(0, b.count), b.out(0, b.count)); });

  bool good = true;
  std::printf("%-12s %10s %14s %14s %12s\n", "", "bits/byte", "- recurrent", "memory", "in all");
  std::printf("%-12s %10s %14s %14s %12s\n", "", "", "", "tokens/s", "tokens/s");
  const auto row = [&](const char* name, const Result& r, double bits, double expected, Index n, double allowed) {
    const double off = (bits - expected) / double(n);
    good = good && std::abs(off) <= allowed;
    std::printf("%-12s %10.4f %14.1e %14.0f %12.0f\n", name, bits / double(n), off, double(n) / r.memory_seconds, double(n) / r.seconds);
  };
  row("recurrent", recurrent, recurrent.bits, recurrent.bits, size, 0);
  row("scan", scan, scan.bits, recurrent.bits, size, 1e-3);
  row("chunkwise", chunkwise, chunkwise.bits, recurrent.bits, size, 1e-3);
  row("step", step, step.bits, recurrent.bits, size, 1e-6);                 // what a decoder computes
  row("attend", attend, attend.bits, recurrent.prefix_bits, part, 1e-3);
  std::printf("%-12s %10.4f   (attend and this line: the first %td bytes alone)\n", "recurrent", recurrent.prefix_bits / double(part), part);
  for (const char* command : {"gzip -9", "xz -9e"}) {
    const double bytes = compressed(std::string(command) + (command[0] == 'g' ? " -n" : ""), path, size);
    if (bytes < 0) std::printf("%-12s %10s\n", command, "not found"); else std::printf("%-12s %10.4f\n", command, bytes * 8 / double(size));
  }
  std::printf("\n%s\n\n", good ? "all modes agree; a decoder that runs step sees the same probabilities" : "MODES DISAGREE");
  return good;
}

}  // namespace

// text_predictor [--bytes N] FILE...
int main(int argc, char** argv) {
  Index most = 0;
  std::vector<std::string> files;
  for (int n = 1; n < argc; ++n) {
    if (std::string(argv[n]) == "--bytes" && n + 1 < argc) most = std::atol(argv[++n]); else files.push_back(argv[n]);
  }
  if (files.empty()) files.push_back("data/prideprejudice.txt");
  State state(1, heads, codes, 256);
  bool good = true;
  for (const std::string& file : files) good = predict(file, most, state) && good;
  return good ? 0 : 1;
}
