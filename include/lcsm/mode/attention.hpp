// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/chunk_runner.hpp>
#include <lcsm/kernel/impulse.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Surrogate attention in blocks: rows of one chunk against the writes of every earlier one, for mixers with one matrix per head.
template <class M, class T> class BlockAttention {
 public:
  using Runner = ChunkRunner<M, T>;
  using Kernel = typename Runner::Kernel;
  static constexpr int KP = Kernel::KP, VP = Kernel::VP, MP = Kernel::MP;
  static constexpr int planes = Runner::needs_imag || (MP == 2 && M::input::domain == Domain::complex) ? 2 : 1;
  Runner runner;

  BlockAttention(Arena& arena, const Extent& n, Index chunk) : runner(arena, n, chunk), chunk_(chunk), blocks_(divide_up(n.tokens, chunk)) {
    const ChunkPlanes<T>& p = runner.planes;
    for (int part = 0; part < KP; ++part) {
      writes_[part] = arena.take<T>(blocks_ * chunk * p.key_pitch), turn_[part] = arena.take<T>(blocks_ * p.key_pitch), reads_[part] = arena.take<T>(chunk * p.key_pitch);
      const Index coupled = coupled_block * blocks_ * chunk * p.key_pitch;
      erased_[part] = arena.take<T>(coupled), coupled_[part] = arena.take<T>(coupled), decayed_[part] = arena.take<T>(coupled_block * chunk * p.key_pitch);
    }
    for (int part = 0; part < VP; ++part) inputs_[part] = arena.take<T>(blocks_ * chunk * p.column_pitch);
    for (int part = 0; part < MP; ++part) start_[part] = arena.take<T>(n.keys * p.column_pitch);
    for (int part = 0; part < 2; ++part) sum_[part] = arena.take<double>(part == 0 || Runner::needs_imag ? chunk * p.column_pitch : 0);
    key_total_ = arena.take<T>(blocks_ * p.key_pitch), total_ = arena.take<T>(blocks_), weights_ = arena.take<T>(blocks_ * chunk), row_weight_ = arena.take<T>(chunk);
  }

  template <class In> void begin(const In& in, const Run& run, const StateView<const T>& initial) {
    runner.begin(in, run, initial);
    T* const* memory = runner.rounded();
    for (int part = 0; part < MP; ++part) std::copy_n(memory[part], runner.planes.keys * runner.planes.column_pitch, start_[part]);
  }
  // Walks the blocks from the newest to the oldest; use(block, tokens) sees the reads and row weights brought to each block's end.
  template <class Use> void backwards(Index block, Use&& use) {
    const ChunkPlanes<T>& p = runner.planes;
    for (int part = 0; part < KP; ++part) std::copy_n(runner.ends.reads[part], p.tokens * p.key_pitch, reads_[part]);
    std::copy_n(runner.ends.row_weight, p.tokens, row_weight_);
    for (Index b = block - 1; b >= 0; --b) {
      if constexpr (Runner::Packer::turns_keys) turn_reads(b);
      use(b, earlier(b));
      if constexpr (Runner::X.coupled) {                    // the head's decays are in those of the keys
        for (int part = 0; part < KP; ++part)
          for (Index n = 0; n < p.tokens * p.key_pitch; ++n) decayed_[part][n] = reads_[part][n] * key_total_[b * p.key_pitch + n % p.key_pitch];
        runner.kernel.erase_reads(p, earlier(b), chunk_, reads_, decayed_);
        for (int part = 0; part < KP; ++part) std::copy_n(decayed_[part], p.tokens * p.key_pitch, reads_[part]);
      } else for (Index j = 0; j < p.tokens; ++j) {
        row_weight_[j] *= total_[b];
        if constexpr (Runner::X.key_decay)
          for (int part = 0; part < KP; ++part)
            for_lanes<T>(p.key_pitch, [&]<class V>(std::type_identity<V>, Index a) {
              T* x = reads_[part] + j * p.key_pitch + a;
              simd::store(x, simd::load<V>(x) * simd::load<V>(key_total_ + b * p.key_pitch + a));
            });
      }
    }
  }
  void attend(Index block) {
    sum_up(true);
    backwards(block, [&](Index, const typename Kernel::Ends& ends) {
      clear_rows();
      runner.kernel.from_chunk(runner.planes, reads_, ends, chunk_, row_weight_, runner.scratch, runner.y);
      sum_up(false);
    });
    clear_rows();
    runner.kernel.from_memory(runner.planes, reads_, start_, runner.planes.column_pitch, row_weight_, runner.scratch, runner.y);
    sum_up(false);
    for (int part = 0; part < 2; ++part)
      if (runner.y[part]) for (Index n = 0; n < runner.planes.tokens * runner.planes.column_pitch; ++n) runner.y[part][n] = static_cast<T>(sum_[part][n]);
  }
  // Scores of the rows against an earlier block, by plane; coefficient(plane, j, l).
  void score(const typename Kernel::Ends& ends) { runner.kernel.scores().across(runner.planes, reads_, ends, chunk_); }
  T coefficient(int plane, Index j, Index l, Index block) const {
    return runner.kernel.scores().plane(plane)[j * runner.kernel.scores().pitch() + l] * row_weight_[j] * weights_[block * chunk_ + l];
  }

  // Keeps what later rows need of the block at hand.
  void keep(Index block) {
    const ChunkPlanes<T>& p = runner.planes;
    for (int part = 0; part < KP; ++part) {
      std::copy_n(runner.ends.writes[part], p.tokens * p.key_pitch, writes_[part] + block * chunk_ * p.key_pitch);
      std::copy_n(p.turn[part], p.key_pitch, turn_[part] + block * p.key_pitch);
      if constexpr (Runner::X.coupled) {
        std::copy_n(runner.ends.erased[part], p.tokens * p.key_pitch, erased_[part] + block * chunk_ * p.key_pitch);
        std::copy_n(runner.ends.coupled[part], p.tokens * p.key_pitch, coupled_[part] + block * chunk_ * p.key_pitch);
      }
    }
    for (int part = 0; part < VP; ++part) std::copy_n(runner.ends.inputs[part], p.tokens * p.column_pitch, inputs_[part] + block * chunk_ * p.column_pitch);
    std::copy_n(runner.ends.key_total, p.key_pitch, key_total_ + block * p.key_pitch);
    if constexpr (Runner::X.coupled) std::fill_n(weights_ + block * chunk_, p.tokens, T(1));      // they are in the writes
    else std::copy_n(runner.kernel.weights().end(p), p.tokens, weights_ + block * chunk_);
    total_[block] = runner.ends.total[0];
  }

 private:
  typename Kernel::Ends earlier(Index block) const {
    typename Kernel::Ends ends;
    const Index at = block * chunk_ * runner.planes.key_pitch;
    for (int part = 0; part < KP; ++part) ends.writes[part] = writes_[part] + at, ends.erased[part] = erased_[part] + at * coupled_block, ends.coupled[part] = coupled_[part] + at * coupled_block;
    for (int part = 0; part < VP; ++part) ends.inputs[part] = inputs_[part] + block * chunk_ * runner.planes.column_pitch;
    return ends;
  }
  void turn_reads(Index b) {
    const Index pitch = runner.planes.key_pitch;
    for (Index j = 0; j < runner.planes.tokens; ++j)
      for (Index a = 0; a < runner.planes.keys; ++a) {
        T& re = reads_[0][j * pitch + a];
        if constexpr (KP == 1) re *= turn_[0][b * pitch + a];
        else {
          T& im = reads_[1][j * pitch + a];
          const Complex<T> z = Complex<T>(re, im) * Complex<T>(turn_[0][b * pitch + a], turn_[1][b * pitch + a]);
          re = z.re, im = z.im;
        }
      }
  }
  void clear_rows() {
    for (int part = 0; part < 2; ++part) if (runner.y[part]) std::fill_n(runner.y[part], runner.planes.tokens * runner.planes.column_pitch, T(0));
  }
  // Blocks are summed in double, so that the rounding does not grow with their number.
  void sum_up(bool first) {
    for (int part = 0; part < 2; ++part)
      if (runner.y[part])
        for (Index n = 0; n < runner.planes.tokens * runner.planes.column_pitch; ++n) sum_[part][n] = (first ? 0.0 : sum_[part][n]) + double(runner.y[part][n]);
  }

  static constexpr Index coupled_block = Runner::X.coupled ? 1 : 0;
  Index chunk_, blocks_;
  T *erased_[2] = {}, *coupled_[2] = {}, *decayed_[2] = {};
  T *writes_[2] = {}, *turn_[2] = {}, *inputs_[2] = {}, *reads_[2] = {}, *start_[2] = {};
  double* sum_[2] = {};
  T *key_total_, *total_, *weights_, *row_weight_;
};

// One matrix per head: blocks. Otherwise, or where a chunk has no common scale, impulse responses.
template <class M> inline constexpr bool attends_in_blocks = outer_kernel<M> && !M::per_channel;

template <class M, class T> struct ImpulseScratch {
  Tiles<M, T> tile;
  Diagonal<M, T> body;
  Memory<M, T> memory;
  ImpulseResponse<M, T> response;
  double* sum;
  ImpulseScratch(Arena& arena, const Extent& n, const Tuning& tuning)
      : tile(arena, n, 1), body(arena, n), memory(Memory<M, T>::in(arena, n.keys, n.values)),
        response(arena, n, (std::min)(tuning.rows, std::max<Index>(n.tokens, 1))), sum(arena.take<double>(n.tokens * ImpulseResponse<M, T>::planes * n.values)) {}
};

template <class M, class T, class In, class S> void attend_by_impulses(ImpulseScratch<M, T>& scratch, const Call<M, T, In>& call, const Run& run, const View<S>& y) {
  constexpr Index planes = ImpulseResponse<M, T>::planes;
  const Index D = run.extent.values, length = run.time.length;
  const auto add = [&](Index t, const T* row, Index c, double re, double im) {
    double* sum = scratch.sum + t * planes * D;
    if constexpr (planes == 1) sum[c] += double(row[c]) * re;
    else sum[c] += double(row[c]) * re - double(row[D + c]) * im, sum[D + c] += double(row[c]) * im + double(row[D + c]) * re;
  };
  std::fill_n(scratch.sum, length * planes * D, 0.0);
  if (call.options.initial)
    scratch.response(call.in, run, call.options.initial, -1, [&](Index t, const T* row) { for (Index c = 0; c < D; ++c) add(t, row, c, 1, 0); });
  scratch.tile.begin(call.in, run);
  for (Index s = 0; s < length; ++s) {
    scratch.tile.fill(call.in, run, s, 1);
    scratch.response(call.in, run, call.options.initial, s, [&](Index t, const T* row) {
      for (Index c = 0; c < D; ++c) {
        const auto i = scratch.tile.template input<T>(0, c);
        add(t, row, c, double(real_part(i)), double(imag_part(i)));
      }
    });
  }
  for (Index t = 0; t < length; ++t) {
    scratch.tile.fill(call.in, run, t, 1);
    const Row<S> row = output_row(y, run, t);
    for (Index c = 0; c < D; ++c) {
      T re = static_cast<T>(M::projection::scale * scratch.sum[t * planes * D + c]);
      if constexpr (M::skip::present) re = simd::fma(scratch.tile.d.template load<T>(0, 0, c), scratch.tile.i_re.template load<T>(0, 0, c), re);
      row.put(c, re);
      if constexpr (M::projection::parts == 2) row.put(D + c, static_cast<T>(scratch.sum[(t * planes + planes - 1) * D + c]));
    }
  }
  if (call.options.final) {
    const Memory<M, T> memory = Memory<M, T>::of(call.options.final, run);
    start_from(memory, call.options.initial, run);
    for (Index t = 0; t < length; ++t) {
      scratch.tile.fill(call.in, run, t, 1);
      scratch.body.advance(scratch.tile, 1, memory, Nowhere{});
    }
  }
}

// Surrogate attention: y_t = sum_{s <= t} A_ts i_s with A_ts = s_t . (prod of o over (s, t]) e_s, O(T^2): the mixer as attention computes it. Decays
// are multiplied from the write onward, block by block, and blocks are summed in double. Same arguments, options, aliasing and errors as
// `recurrent`; mixers with a coefficient system per value channel cost O(T^2 K D). Parallel over sequences and heads.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
void attend(const Exec& exec, M, const In& in, const View<S>& y, const Options<T>& options = {}) {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::attend: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (is_code_kernel<M>) {
    const auto call = checked_call<M, T>("attend", in, y, options);
    door::nothing_saved("attend", options);
    coded::chunks("attend", exec, call, y, call.extent.tokens);
  } else {
    const auto call = checked_call<M, T>("attend", in, y, options);
    door::nothing_saved("attend", options);
    const Index chunk = (std::min)(options.tuning.chunk, std::max<Index>(call.extent.tokens, 1));
    Arena counting;
    if constexpr (attends_in_blocks<M>) BlockAttention<M, T>(counting, call.extent, chunk); else ImpulseScratch<M, T>(counting, call.extent, options.tuning);
    if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(counting.used(), exec.workers(call.units())));
    const Workspace workspace("attend", options.workspace, counting.used(), exec.workers(call.units()));
    zero_padding(call, y);
    exec.for_each(call.units(), [&](Index unit, Index worker) {
      const simd::FlushDenormals flush;
      Arena arena = workspace.arena(worker);
      const Run run = call.unit(unit);
      if constexpr (!attends_in_blocks<M>) {
        ImpulseScratch<M, T> scratch(arena, call.extent, options.tuning);
        attend_by_impulses(scratch, call, run, y);
      } else {
        BlockAttention<M, T> attention(arena, call.extent, chunk);
        attention.begin(in, run, options.initial);
        for (Index first = 0, block = 0; first < run.time.length; first += chunk, ++block) {
          attention.runner.inside(in, run, first, (std::min)(chunk, run.time.length - first));
          attention.attend(block);
          attention.runner.finish_rows(y, run, first);
          attention.keep(block);
          attention.runner.update_memory();
        }
        attention.runner.store(options.final, run);
      }
    });
    finish_positions(call);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
