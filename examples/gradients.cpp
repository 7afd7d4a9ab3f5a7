// SPDX-License-Identifier: MIT
// Gradients: an LRU finds the poles of another one from what it makes of noise.
#include <lcsm/mixers/lru.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/mode/vjp.hpp>

#include "example.hpp"

int main() {
  std::mt19937 rng(4);
  const lcsm::Index batch = 4, tokens = 400, states = 8;
  const auto x = example::random(rng, batch, tokens, 1, states), x_imag = example::random(rng, batch, tokens, 1, states);
  struct Parameters {
    lcsm::Buffer<float> nu_log, theta_log, gamma_log;
    explicit Parameters(lcsm::Index n) : nu_log(n), theta_log(n), gamma_log(n) {}
  };
  Parameters right(states), mine(states), slope(states), mean(states), square(states);
  for (lcsm::Index n = 0; n < states; ++n) {                // radius 0.7 to 0.98, and angles; mine start close by
    right.nu_log[n] = float(std::log(-std::log(0.7 + 0.04 * double(n)))), right.theta_log[n] = float(std::log(0.2 + 0.3 * double(n))), right.gamma_log[n] = -0.5f;
    mine.nu_log[n] = right.nu_log[n] + 0.4f, mine.theta_log[n] = right.theta_log[n] + 0.1f, mine.gamma_log[n] = 0;
  }
  const auto numbers = [&](Parameters& p) {
    const auto view = [&](lcsm::Buffer<float>& b) { return lcsm::parameter<float>(b.data(), 1, states); };
    return lcsm::Lru::In<float>{.nu_log = view(p.nu_log), .theta_log = view(p.theta_log), .gamma_log = view(p.gamma_log)};
  };
  const auto inputs = [&](Parameters& p) {
    const auto n = numbers(p);
    return lcsm::Lru::In<const float>{.x = x, .x_imag = x_imag, .nu_log = n.nu_log, .theta_log = n.theta_log, .gamma_log = n.gamma_log};
  };

  lcsm::Buffer<float> target(batch, tokens, 1, 2 * states), y(batch, tokens, 1, 2 * states);
  lcsm::mix(lcsm::exec::par, lcsm::Lru{}, inputs(right), target.view());
  double first = 0, loss = 0;
  for (int iteration = 1; iteration <= 300; ++iteration) {
    lcsm::mix(lcsm::exec::par, lcsm::Lru{}, inputs(mine), y.view());
    loss = 0;
    for (lcsm::Index n = 0; n < y.size(); ++n) {            // the mean of (y - target)^2 / 2; y becomes its slope by y
      const float off = y[n] - target[n];
      loss += 0.5 * double(off) * double(off) / double(y.size()), y[n] = off / float(y.size());
    }
    if (iteration == 1) first = loss;
    if (iteration == 1 || iteration % 50 == 0) std::printf("step %3d   loss %.3e\n", iteration, loss);
    // [vjp]
    lcsm::vjp(lcsm::exec::par, lcsm::Lru{}, inputs(mine), y.view(), numbers(slope));   // x and x_imag are null: not asked for
    // [vjp] end
    const auto adam = [&](lcsm::Buffer<float> Parameters::* part) {
      for (lcsm::Index n = 0; n < states; ++n) {
        float &m = (mean.*part)[n], &v = (square.*part)[n];
        const float g = (slope.*part)[n];
        m = 0.9f * m + 0.1f * g, v = 0.99f * v + 0.01f * g * g;
        (mine.*part)[n] -= 0.03f * (m / (1 - std::pow(0.9f, float(iteration)))) / (std::sqrt(v / (1 - std::pow(0.99f, float(iteration)))) + 1e-12f);
      }
    };
    adam(&Parameters::nu_log), adam(&Parameters::theta_log), adam(&Parameters::gamma_log);
  }
  std::printf("pole      radius     found     angle     found\n");
  double worst = 0;
  for (lcsm::Index n = 0; n < states; ++n) {
    const auto radius = [&](const Parameters& p) { return std::exp(-std::exp(double(p.nu_log[n]))); };
    const auto angle = [&](const Parameters& p) { return std::exp(double(p.theta_log[n])); };
    worst = std::max(worst, std::abs(radius(mine) - radius(right)) + std::abs(angle(mine) - angle(right)));
    std::printf("%4d %11.4f %9.4f %9.4f %9.4f\n", int(n), radius(right), radius(mine), angle(right), angle(mine));
  }
  return loss < 1e-3 * first && worst < 0.01 ? 0 : 1;
}
