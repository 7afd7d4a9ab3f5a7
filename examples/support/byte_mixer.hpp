// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace example {

// Blends what several contexts have counted into one prediction of the next byte, and learns as it goes. A byte is predicted bit by bit, high bit
// first (Mahoney 2005, https://cs.fit.edu/~mmahoney/compression/cs200516.pdf). For each bit,
//
//   - a context's counts n0, n1 of the bytes on either side give two inputs: stretch(p) of an adaptive table, p = table[context][bit][n0][n1] with
//     logarithmic counts, and (n1 - n0) / (n0 + n1) times log(1 + n0 + n1); stretch(p) = ln p / (1 - p)
//   - three sets of weights are chosen by the longest order that has been seen before, by the bits so far, and by the last byte; each is a logistic
//     model squash(w . inputs) and learns by its own gradient, rate 0.003 (1 - its prediction)
//   - their mean in the stretched domain goes through a table by last byte and bits so far; the result is the average of both.
//
// Nothing here looks at a byte before it has been paid for: a decoder can do the same.
class ByteMixer {
 public:
  // The first `orders` contexts are ordered by length.
  ByteMixer(int contexts, int orders)
      : contexts_(contexts), orders_(orders), inputs_(2 * contexts + 1), table_(std::size_t(contexts) * 8 * levels * levels), input_(std::size_t(inputs_)),
        slot_(std::size_t(contexts)), refined_(256 * 256 * 33) {
    for (std::size_t n = 0; n < table_.size(); ++n) {
      const float n0 = middle(int(n / levels % levels)), n1 = middle(int(n % levels));
      table_[n] = {(n1 + 0.1f) / (n0 + n1 + 0.2f), 1.5f};
    }
    for (std::size_t n = 0; n < refined_.size(); ++n) refined_[n] = squash((float(n % 33) - 16) / 2);
    const std::size_t sets[] = {std::size_t(orders + 1) * 8, 256, 256 * 8};
    for (std::size_t s = 0; s < 3; ++s) weights_[s].assign(sets[s] * std::size_t(inputs_), 0.7f / float(contexts));
  }

  // Bits that `byte` costs after the counts [contexts][256] of what followed before; then learns it.
  double cost(const float* counts, int byte, int last) {
    int longest = 0;
    for (int h = 0; h < orders_; ++h)
      if (sum(counts + 256 * h, 256) > 0.3f) longest = h + 1;
    double bits = 0;
    for (int bit = 0, so_far = 1, low = 0; bit < 8; ++bit) {
      const int half = 128 >> bit, one = byte >> (7 - bit) & 1;
      const std::size_t sets[] = {std::size_t(longest * 8 + bit), std::size_t(so_far), std::size_t(last * 8 + bit)};
      const float p = predict(counts, bit, low, half, sets, std::size_t(last * 256 + so_far));
      bits -= std::log2(double(one ? p : 1 - p));
      learn(float(one));
      low += one ? half : 0, so_far = 2 * so_far + one;
    }
    return bits;
  }

 private:
  static constexpr std::size_t levels = 24;
  struct Adaptive { float p, seen; };

  static float squash(float x) { return 1 / (1 + std::exp(-x)); }
  static float stretch(float p) { return std::log(p / (1 - p)); }
  // Half octaves of a count from 1/8 up; 0: nothing.
  static std::size_t level(float n) {
    const int half_octaves = int(std::bit_cast<std::uint32_t>(n + 0.05f) >> 22) - int(std::bit_cast<std::uint32_t>(0.125f) >> 22) + 1;
    return std::size_t(std::clamp(half_octaves, 0, int(levels) - 1));
  }
  static float middle(int level) { return level == 0 ? 0.0f : 0.125f * std::exp2((float(level) - 0.5f) / 2); }
  static float sum(const float* x, int n) {
    float lane[8] = {};
    for (int i = 0; i + 8 <= n; i += 8)
      for (int l = 0; l < 8; ++l) lane[l] += x[i + l];
    float total = 0;
    for (float l : lane) total += l;
    for (int i = n / 8 * 8; i < n; ++i) total += x[i];
    return total;
  }

  float predict(const float* counts, int bit, int low, int half, const std::size_t (&sets)[3], std::size_t refine) {
    for (int h = 0; h < contexts_; ++h) {
      const float* n = counts + 256 * h + low;
      const float n0 = sum(n, half), n1 = sum(n + half, half), all = n0 + n1;
      Adaptive& entry = table_[(std::size_t(h * 8 + bit) * levels + level(n0)) * levels + level(n1)];
      slot_[std::size_t(h)] = &entry;
      const bool seen = all > 0.02f;
      input_[std::size_t(2 * h)] = seen ? stretch(std::clamp(entry.p, 1e-4f, 1 - 1e-4f)) : 0;
      input_[std::size_t(2 * h + 1)] = seen ? (n1 - n0) / (all + 0.04f) * 0.5f * std::log2(1 + all) : 0;
    }
    input_.back() = 0.3f;
    float mean = 0;
    for (std::size_t s = 0; s < 3; ++s) {
      chosen_[s] = weights_[s].data() + sets[s] * std::size_t(inputs_);
      float x = 0;
      for (int i = 0; i < inputs_; ++i) x += chosen_[s][i] * input_[std::size_t(i)];
      opinion_[s] = squash(x), mean += x / 3;
    }
    const float at = std::clamp(mean, -7.99f, 7.99f) * 2 + 16;
    entry_ = refined_.data() + refine * 33 + std::size_t(at), share_ = at - std::floor(at);
    const float refined = entry_[0] * (1 - share_) + entry_[1] * share_;
    return std::clamp((squash(mean) + refined) / 2, 1.0f / 65536, 1 - 1.0f / 65536);
  }
  void learn(float one) {
    for (std::size_t s = 0; s < 3; ++s) {
      const float step = 0.003f * (one - opinion_[s]);
      for (int i = 0; i < inputs_; ++i) chosen_[s][i] += step * input_[std::size_t(i)];
    }
    entry_[0] += 0.02f * (1 - share_) * (one - entry_[0]), entry_[1] += 0.02f * share_ * (one - entry_[1]);
    for (Adaptive* entry : slot_) entry->p += (one - entry->p) * std::max(0.008f, 1 / entry->seen), entry->seen += 1;
  }

  int contexts_, orders_, inputs_;
  std::vector<Adaptive> table_;
  std::vector<float> input_;
  std::vector<Adaptive*> slot_;
  std::vector<float> refined_;
  std::array<std::vector<float>, 3> weights_;
  std::array<float*, 3> chosen_{};
  std::array<float, 3> opinion_{};
  float* entry_ = nullptr;
  float share_ = 0;
};

}  // namespace example
