// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk_unpacker.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// What chunks under a running maximum or of means have beside their matrix products: logs that weights are made of. Cotangents of the scale, or of the
// keys' log weights, go back from token to token; a chunk starts again from what it started with.
template <class M, class T> class LogWeightsVjp {
  using Runner = ChunkRunner<M, T>;
  static constexpr OuterClass X = Runner::X;
  static constexpr Axes key_side = Axes::one | Axes::key;
  static constexpr bool scaled = X.scaled, mean = M::normaliser::mean;

 public:
  T* added;                            // Mean: what of a key's weight its write is
  double* row_bar;                     // RunningMax: cotangent of the scale that a row is read with

  LogWeightsVjp(Arena& arena, const Extent& n, Index chunk, Index chunks)
      : added(arena.take<T>(mean ? chunk * n.keys : 0)), row_bar(arena.take<double>(scaled ? chunk : 0)), path_(arena.take<double>(scaled ? chunk : 0)),
        starts_(arena.take<double>(chunks * count(n.keys))), z_bar_(arena.take<double>(mean ? n.keys : 0)) {}

  void keep(const Runner& runner, Index chunk) const {
    if constexpr (scaled || mean) std::copy_n(numbers(runner), count(runner.planes.keys), starts_ + chunk * count(runner.planes.keys));
  }
  void restore(const Runner& runner, Index chunk) const {
    if constexpr (scaled || mean) std::copy_n(starts_ + chunk * count(runner.planes.keys), count(runner.planes.keys), numbers(runner));
  }
  // Cotangents of the final state's logs, and of the initial one's. along: the memory's with the memory itself, which is stored times exp(-p): the cotangent
  // of p is with the true memory held fixed.
  void load([[maybe_unused]] const Memory<M, const T>* final, [[maybe_unused]] Index keys, [[maybe_unused]] double along) {
    p_bar_ = 0;
    if constexpr (mean) for (Index a = 0; a < keys; ++a) z_bar_[a] = final ? double(final->z[a]) : 0.0;
    if constexpr (scaled) if (final) p_bar_ = double(final->p[0]) - along;
  }
  void store([[maybe_unused]] const Memory<M, T>& initial, [[maybe_unused]] double along) const {
    if constexpr (mean) for (Index a = 0; a < initial.keys; ++a) initial.z[a] = static_cast<T>(z_bar_[a]);
    if constexpr (scaled) initial.p[0] = static_cast<T>(p_bar_ + along);
  }

  // Mean: what a key's old weight and its new one are shares of; then the cotangents of their logs, a softmax of two, and the weights', backwards.
  void shares(const Runner& runner) const {
    double* const weight = runner.weight;
    const ChunkPlanes<T>& p = runner.planes;
    for (Index j = 0; j < p.tokens; ++j)
      for (Index a = 0; a < p.keys; ++a) {
        const double old = weight[a] + double(runner.tile.o.template log<T>(j, a, 0)), fresh = double(runner.tile.e.template log<T>(j, a, 0)), top = (std::max)({old, fresh, FromNothing::value});
        const double kept = std::exp(old - top), exp_fresh = std::exp(fresh - top);
        added[j * p.keys + a] = static_cast<T>(exp_fresh / (kept + exp_fresh)), weight[a] = top + std::log(kept + exp_fresh);
      }
  }
  void weights(const Runner& runner, const ChunkBars<T>& bar, Cotangents<M, T>& bars) const {
    const ChunkPlanes<T>& p = runner.planes;
    const auto& tile = runner.tile;
    for (Index j = p.tokens - 1; j >= 0; --j)
      for (Index a = 0; a < p.keys; ++a) {
        const Index n = j * p.key_pitch + a;
        const double kept = double(p.key_decay[n]), share = double(added[j * p.keys + a]);
        const double shift = kept * (share * double(bar.gate[0][n]) - double(p.k[0][n]) * double(bar.k[0][n])), old_bar = shift + kept * z_bar_[a];
        bars.o.template add_log<T>(tile.o, j, a, 0, static_cast<T>(old_bar)), bars.e.template add_log<T>(tile.e, j, a, 0, static_cast<T>(share * z_bar_[a] - shift));
        z_bar_[a] = old_bar;
      }
  }
  // RunningMax: the logs, and the scales: each is the largest of some logs, and the one that it came from gets its cotangent.
  template <class Head> void logs(const Runner& runner, const Head& head, Cotangents<M, T>& bars) {
    const Index C = runner.planes.tokens;
    const auto& tile = runner.tile;
    double* const p = scale_path(runner);
    for (Index j = C - 1; j >= 0; --j) {
      const double log_o = double(tile.o.template log<T>(j, 0, 0)), log_e = double(tile.e.template log<T>(j, 0, 0)), log_u = double(tile.u.template log<T>(j, 0, 0));
      double o_bar = double(head.decay[j]), e_bar = double(head.write[j]), u_bar = 0, before = 0, after = p_bar_;
      if constexpr (!X.early) after += row_bar[j];
      else if constexpr (!X.bonus) before = row_bar[j];
      else {
        u_bar = double(head.own[j]);
        if (p[j] >= log_e + log_u) before = row_bar[j]; else u_bar += row_bar[j];
        e_bar += u_bar;
      }
      if (p[j] + log_o >= log_e) o_bar += after, before += after; else e_bar += after;
      bars.o.template add_log<T>(tile.o, j, 0, 0, static_cast<T>(o_bar)), bars.e.template add_log<T>(tile.e, j, 0, 0, static_cast<T>(e_bar)), bars.u.template add_log<T>(tile.u, j, 0, 0, static_cast<T>(u_bar));
      p_bar_ = before;
    }
  }

 private:
  // The scale before every token.
  double* scale_path(const Runner& runner) const {
    const Index C = runner.planes.tokens;
    double at = runner.p_start[0];
    for (Index j = 0; j < C; ++j) {
      path_[j] = at;
      at = (std::max)({at + double(runner.tile.o.template log<T>(j, 0, 0)), double(runner.tile.e.template log<T>(j, 0, 0)), FromNothing::value});
    }
    return path_;
  }
  static double* numbers(const Runner& runner) { return scaled ? runner.p_start : runner.weight; }
  static Index count(Index keys) { return scaled ? 1 : mean ? keys : 0; }

  double *path_, *starts_, *z_bar_, p_bar_ = 0;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
