// SPDX-License-Identifier: MIT
// What public code does to padding where it has no mask, next to a mask: docs/modes.md has the table. Masks change nothing; these do.
#include "property/published.hpp"

#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/tnl.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

constexpr Index tokens = 6, pads = 3, heads = Published::heads, values = Published::values;
constexpr float infinity = std::numeric_limits<float>::infinity();

// One row of six tokens with three of padding before or behind, which have the given numbers in the inputs named, others elsewhere.
struct Padded {
  Published p;
  std::vector<std::vector<float>> numbers;                  // of each input, for tokens and padding
  Index rows = 0;

  explicit Padded(Published mixer) : p(std::move(mixer)) {
    Random random(7);
    for (const auto& input : p.inputs) {
      const Index width = heads * (input.axes == Axes::one ? 1 : input.axes == Axes::key ? p.keys() : values);
      std::vector<float>& x = numbers.emplace_back();
      for (Index n = 0; n < (input.streams ? tokens + pads : 1) * width; ++n) x.push_back(float(random.uniform(-1, -0.1)));
    }
  }
  struct Result {
    std::vector<float> y;                                   // of the six tokens
    Held state;
  };
  Result run(bool before, bool masked, const std::map<std::string, float>& padding) {
    Calls call{.batch = 1, .tokens = tokens + pads};
    std::vector<std::vector<float>> kept;
    std::vector<View<const float>> views;
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      const auto& input = p.inputs[n];
      std::vector<float> x = numbers[n];
      const Index width = Index(x.size()) / (input.streams ? tokens + pads : 1), features = width / heads;
      if (input.streams) {
        const auto pad = x.begin() + tokens * width;
        if (const auto found = padding.find(input.name); found != padding.end()) std::fill(pad, x.end(), found->second);
        if (before) std::rotate(x.begin(), pad, x.end());
      }
      kept.push_back(std::move(x));
      views.push_back(input.streams ? lcsm::view(std::as_const(kept.back()).data(), 1, call.tokens, heads, features)
                                    : parameter(std::as_const(kept.back()).data(), heads, 1, features));
    }
    for (Index t = 0; masked && t < call.tokens; ++t) call.mask.push_back(before ? t >= pads : t < tokens);
    Result out;
    std::vector<float> y;
    out.state = p.run(views, call, {}, y);
    const auto first = y.begin() + (before ? pads : 0) * heads * p.parts * values;
    out.y.assign(first, first + tokens * heads * p.parts * values);
    return out;
  }
};
Held memory_of(const Padded::Result& x) { return {x.state.begin(), x.state.end() - 1}; }   // without the position, which counts padding

}  // namespace

TEST_CASE("a fixed decay: padding that writes nothing is fine before the tokens, and decays the final state after them", "[property]") {
  Padded x(published<Lightning>());
  for (const bool before : {true, false}) {
    const Padded::Result masked = x.run(before, true, {}), zero = x.run(before, false, {{"k", 0.0f}});
    CHECK(zero.y == masked.y);
    if (before) CHECK(memory_of(zero) == memory_of(masked));
    else {
      const auto g = std::find_if(x.p.inputs.begin(), x.p.inputs.end(), [](const auto& input) { return input.name == "g"; });
      const std::vector<float>& log = x.numbers[to_size(Index(g - x.p.inputs.begin()))];
      for (std::size_t n = 0, each = masked.state[0].size() / to_size(heads); n < masked.state[0].size(); ++n) {
        const double want = std::exp(double(pads) * double(log[n / each])) * masked.state[0][n];
        CHECK(std::abs(zero.state[0][n] - want) <= double(pads) * 3 * 0x1p-23 * std::abs(want));   // a multiplier of 2 ulp and a product for each
      }
    }
  }
}

TEST_CASE("a gate of the token: padding must open it, too; the input alone is enough before the tokens", "[property]") {
  Padded x(published<Hgrn>());
  for (const bool before : {true, false}) {
    const Padded::Result masked = x.run(before, true, {}), both = x.run(before, false, {{"x", 0.0f}, {"g", 0.0f}}), input = x.run(before, false, {{"x", 0.0f}});
    CHECK(both.y == masked.y);
    CHECK(memory_of(both) == memory_of(masked));
    CHECK((memory_of(input) == memory_of(masked)) == before);
  }
}

TEST_CASE("a quotient: no value is not enough, the weight must be 0, and elu + 1 has its 0 at minus infinity", "[property]") {
  Padded x(published<LinearTransformer>());
  for (const bool before : {true, false}) {
    const Padded::Result masked = x.run(before, true, {}), none = x.run(before, false, {{"k", -infinity}});
    CHECK(none.y == masked.y);
    CHECK(memory_of(none) == memory_of(masked));
    CHECK_FALSE(memory_of(x.run(before, false, {{"k", 0.0f}, {"v", 0.0f}})) == memory_of(masked));
    CHECK((x.run(before, false, {{"v", 0.0f}}).y == masked.y) == !before);    // the denominators of what comes after it
  }
}

TEST_CASE("a reset at position 0: only a mask lets positions count from the first token", "[property]") {
  Padded x(published<RgLru>());
  const std::map<std::string, float> nothing{{"x", 0.0f}, {"recurrent_gate", -1e4f}};
  const Padded::Result left = x.run(true, true, {}), right = x.run(false, true, {});
  CHECK(left.y == right.y);
  CHECK(left.state == right.state);
  CHECK(x.run(false, false, nothing).y == right.y);
  CHECK_FALSE(x.run(true, false, nothing).y == left.y);
}
