// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/dynamics.hpp>
#include <lcsm/tensor/view.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

// What the report knows of a mixer, and what it tells it. Light: neither mixers nor matrices.
namespace report {

using lcsm::Index;
using lcsm::View;
using lcsm::analysis::Dynamics;

// What a mixer is told. noise: every number of every token is normal. Else a song: sixteen symbols, sung four times, so that a token is like the one sixteen before it; its numbers are normal, but the same
// for the same symbol, queries and keys are one vector, and at token `shut` every gate that depends on the token closes.
struct Told {
  bool noise = true;
  Index tokens = 64;
  std::vector<Index> order{};
};
inline constexpr Index symbols = 16, heads = 4, head = 1, keys = 16, values = 8, shut = 32;

struct Entry {
  std::string name, family, A, write, read, eta;            // the row in words
  std::function<Dynamics(const Told&)> row;
};
std::vector<Entry>& entries();

// What becomes of a mixer that is composed in mixers.cpp: its row, the row of its tokens in another order, and how far its coefficients by impulses are from those of the row.
struct Own {
  std::vector<Index> order;
  Dynamics row, shuffled;
  double difference;
};
Own own_mixer();

// Numbers of a member: normal, by its name, axes and what it is told. A g that nothing maps is a log decay, such a beta lies in (0, 1).
void draw(const View<double>& v, const std::string& name, bool streams, bool is_log, const Told& told, const std::map<std::string, double>& shut_at);

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double log_decay(double x) { return x > -10 ? -std::log1p(std::exp(-x - 3)) : x; }     // of a normal number: a decay about 0.95; what is shut stays shut

}  // namespace report
