// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/axes.hpp>

#include <cmath>
#include <complex>
#include <vector>

// Coefficient dynamics: a mixer's output is a sum over the past, y_i = sum_j alpha_ij v_j, and each coefficient is what is left at i of an impulse at j,
//
//     h_t = A_t h_{t-1} + b_j k_j [t = j]          alpha_ij = phi(q_i^T h_i) / eta_i
//
// Sieber, Orvieto, Zeilinger, Amo Alonso 2025 (https://arxiv.org/abs/2510.09389); the surrogate attention of mixers: Ali et al. 2024 (https://arxiv.org/abs/2403.01590).
namespace lcsm::analysis {

using Number = std::complex<double>;

//   one               eta = 1
//   quotient          a guarded sum of the row, by a recurrence of its own
//   mean              every memory entry over its own total weight: eta is within A and b
//   row_sum           softmax: the sum of phi over the row
//   bounded_row_sum   max(|sum of the row|, 1)
enum class Eta { one, quotient, mean, row_sum, bounded_row_sum };
constexpr const char* name_of(Eta e) noexcept {
  constexpr const char* names[] = {"1", "quotient", "mean", "row sum", "max(|row sum|, 1)"};
  return names[int(e)];
}

// The row (A, b, phi, eta) of one head of one sequence, as numbers: T tokens, width n (the keys of the memory). `systems` is 1 where all value channels share their
// coefficients, else the number of channels, each with coefficients of its own. Time is that of the sequence: token 0 is the first that the memory sees.
struct Dynamics {
  Index tokens = 0, width = 0, systems = 1, values = 0;

  // A_t = diag(decay_t) - correct_t erase_t^T. What is known of it by type: `structure` of the diagonal; `coupled`: the second term is there; `shifts`: instead of
  // both, every entry moves on to the next. RunningMax: `stored_decay` is A_t for a memory that is stored times exp(-p_t), p in `log_scale` [tokens, systems]; `write` and
  // `own` are on that scale, too.
  Structure structure = Structure::identity;
  bool coupled = false, shifts = false, complex = false, time_invariant = false;
  std::vector<Number> decay, correct, erase, stored_decay;   // [tokens, systems, width]
  std::vector<double> log_scale;

  std::vector<Number> write, read;                          // b_j k_j and q_i, [tokens, systems, width]
  std::vector<double> scale;                                // |b_j| alone: the part of the write that all keys share, [tokens, systems]
  bool previous = false;                                    // q_i reads h_{i-1}, and of its own token what `own` says, [tokens, systems]
  std::vector<Number> own;

  double (*phi)(double) = nullptr;                          // none: linear
  const char* phi_name = "identity";
  Eta normaliser = Eta::one;
  std::vector<double> eta;                                  // quotient: [tokens, systems]
  double projection = 1;                                    // alpha = projection Re(...), or with `whole` the complex number
  bool whole = false;
  std::vector<double> bias;                                 // added to q . h before phi, [tokens, tokens] or nothing
  std::vector<Index> first;                                 // the first key that token i sees, or nothing: 0

  // Numbers that a decoder keeps of this head: a state of a fixed size, or a cache of so many per token.
  bool finite_state = true;
  Index state_numbers = 0, cache_numbers = 0;

  std::size_t at(Index t, Index c) const { return to_size((t * systems + c) * width); }
  Index first_of(Index i) const { return first.empty() ? 0 : first[to_size(i)]; }

  // h <- A_t h, of the memory as it is stored.
  void advance(Index t, Index c, Number* h) const {
    if (shifts) {
      for (Index a = width - 1; a > 0; --a) h[a] = h[a - 1];
      if (width > 0) h[0] = 0;
      return;
    }
    const Number* o = (stored_decay.empty() ? decay : stored_decay).data() + at(t, c);
    Number erased = 0;
    if (coupled)
      for (Index a = 0; a < width; ++a) erased += erase[at(t, c) + to_size(a)] * h[a];
    for (Index a = 0; a < width; ++a) h[a] *= o[a];
    if (coupled)
      for (Index a = 0; a < width; ++a) h[a] -= correct[at(t, c) + to_size(a)] * erased;
  }
  // q_t^T h.
  Number reading(Index t, Index c, const Number* h) const {
    Number sum = 0;
    for (Index a = 0; a < width; ++a) sum += read[at(t, c) + to_size(a)] * h[a];
    return sum;
  }

  // The first n tokens.
  Dynamics prefix(Index n) const {
    Dynamics d = *this;
    n = std::min<Index>(n, tokens);
    d.tokens = n;
    for (auto* x : {&d.decay, &d.correct, &d.erase, &d.stored_decay, &d.write, &d.read}) x->resize((std::min)(x->size(), to_size(n * systems * width)));
    for (auto* x : {&d.log_scale, &d.scale, &d.eta}) x->resize((std::min)(x->size(), to_size(n * systems)));
    d.own.resize((std::min)(d.own.size(), to_size(n * systems))), d.first.resize((std::min)(d.first.size(), to_size(n)));
    if (!bias.empty()) {
      d.bias.resize(to_size(n * n));
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j) d.bias[to_size(i * n + j)] = bias[to_size(i * tokens + j)];
    }
    return d;
  }
};

// h_i^(j) of every source j: visitor(i, j, h) for j <= i < T, h as token i reads it. j = i under a readout of the memory before: not called.
template <class Visitor> void for_each_response(const Dynamics& d, Index c, Visitor&& visitor) {
  std::vector<Number> h(to_size(d.width));
  for (Index j = 0; j < d.tokens; ++j) {
    std::copy_n(d.write.begin() + std::ptrdiff_t(d.at(j, c)), d.width, h.begin());
    if (!d.previous) visitor(j, j, h.data());
    for (Index i = j + 1; i < d.tokens; ++i) {
      if (d.previous) visitor(i, j, h.data());
      d.advance(i, c, h.data());
      if (!d.previous) visitor(i, j, h.data());
    }
  }
}

}  // namespace lcsm::analysis
