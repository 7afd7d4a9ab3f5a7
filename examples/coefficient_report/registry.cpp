// SPDX-License-Identifier: MIT
#include "entry.hpp"

#include <lcsm/mixers/init.hpp>

namespace report {

std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

void draw(const View<double>& v, const std::string& name, bool streams, bool is_log, const Told& told, const std::map<std::string, double>& shut_at) {
  const bool is_key = name == "q" || name == "k" || name == "r" || name == "kk" || name == "p" || name == "B" || name == "C";
  const std::string seed_of = is_key && streams && !told.noise ? "key" : name;
  std::uint64_t seed = 1469598103934665603u;
  for (const char c : seed_of) seed = (seed ^ std::uint64_t(static_cast<unsigned char>(c))) * 1099511628211u;
  lcsm::init::Generator rng(seed);
  const Index width = v.head() * v.row() * v.feature(), rows = streams && told.noise ? v.time() : streams ? symbols : 1;
  std::vector<double> table(std::size_t(rows * width));
  for (double& x : table) {
    x = lcsm::init::normal(rng);
    if (!streams || !is_log) continue;
    if (name == "g") x = log_decay(x);
    if (name == "beta") x = sigmoid(x);
  }
  if (name == "phase")
    for (double& x : table) x *= 0.3;
  const auto closes = shut_at.find(name);
  for (Index t = 0; t < v.time(); ++t)
    for (Index n = 0; n < width; ++n) {
      double& x = v.data[t * width + n];
      x = table[std::size_t((rows == 1 ? 0 : told.noise ? t : t % symbols) * width + n)];
      if (streams && !told.noise && t == shut && closes != shut_at.end()) x = closes->second;
    }
}

}  // namespace report
