// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/scores.hpp>
#include <lcsm/simd/complex.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Which memory a row reads: that after the token's write, that after its decay alone, or that before both.
enum class ReadAt { after_write, after_decay, before_decay };

// The adjoint of decayed scores (scores.hpp) and of the decays themselves, key by key: of a chunk of one memory row m_t = d_t m_{t-1} + k_t v_t, read by
// q_t. All that the rows of D value channels say to a key are products of them, which come in:
//
//     A_jl = n_j . conj(v_l)     G_j = n_j . conj(m_0)     U_l = mu . conj(v_l)     X = mu . conj(m_0)
//
// n_j: cotangent of row j; m_0, mu: the memory before the chunk and the cotangent of that after it. Out go q_bar, k_bar, and the decay's cotangent as the sum
// of products that it is, conj(m_{t-1}) . mu_t with mu_t the cotangent of d_t m_{t-1}: every pair of a source before t and a sink after it, with the decays
// on both sides of t and not its own. So it is right for a closed gate too, nothing is divided and nothing large cancels.
//
// Sub-blocks of 16 tokens see what is before and after them through their ends: E_j = n_j . conj(m before the sub-block), W_l = (mu after it) . conj(v_l).
// A token may have several reads, and Writes of them. Planes: KP of q, k and what is made of them; AP of A.
template <class T, int KP, int AP, int Writes, ReadAt... At> class ScoresVjp {
  static constexpr Index sub = 16;
  static constexpr int Reads = sizeof...(At);
  static constexpr ReadAt read_at[] = {At...};
  template <class V> using Field = field_t<KP == 2, V>;
  using Planes = T* [2];

 public:
  struct Rows {
    Index tokens = 0, pitch = 0;                            // the pitch holds whole vectors
    Index a_pitch = 0;
    Planes q[Reads] = {}, k[Writes] = {}, a[Reads][Writes] = {}, g[Reads] = {}, u[Writes] = {}, x = {};   // G and U are overwritten
    const T* decay = nullptr;
    Planes q_bar[Reads] = {}, k_bar[Writes] = {}, decay_bar = {};                                       // the last may be null
  };

  ScoresVjp(Arena& arena, Index tokens, Index pitch) {
    const Index blocks = divide_up(std::max<Index>(tokens, 1), sub) * pitch;
    for (int part = 0; part < KP; ++part) {
      for (auto& x : starts_) x[part] = arena.take<T>(tokens * pitch);
      for (auto& x : ends_) x[part] = arena.take<T>(tokens * pitch);
      start_[part] = arena.take<T>(blocks);
    }
    total_ = arena.take<T>(blocks);
  }

  void operator()(const Rows& r) {
    const Index C = r.tokens, P = r.pitch;
    for (Index r0 = 0; r0 < C; r0 += sub) bring_to_ends(r, r0, (std::min)(r0 + sub, C));
    for_lanes<T>(P, [&]<class V>(std::type_identity<V>, Index a) { from_start<V>(r, a); });
    // E, in place of G: sub-block after sub-block decays what came before it and adds its writes.
    for (Index r0 = sub; r0 < C; r0 += sub)
      for (int n = 0; n < Reads; ++n)
        for (Index c0 = 0; c0 < r0; c0 += sub) {
          const Index count = (std::min)(sub, C - r0);
          scale(r.g[n], r0, count, total_ + c0 / sub * P, P);
          for (int w = 0; w < Writes; ++w)
            for_conjugate_products<AP, KP, KP>([&](int a, int k, int out, int sign) {
              multiply_add(r.a[n][w][a] + r0 * r.a_pitch + c0, r.a_pitch, Index(1), ends_[w][k] + c0 * P, P, r.g[n][out] + r0 * P, P, count, P, sub, T(sign));
            });
        }
    // W, in place of U, from the chunk's end. A sub-block is done when all after it are.
    for (Index r0 = round_up(C, sub) - sub; r0 >= 0; r0 -= sub) {
      const Index count = (std::min)(sub, C - r0);
      for_lanes<T>(P, [&]<class V>(std::type_identity<V>, Index a) { within<V>(r, r0, count, a); });
      for (int w = 0; w < Writes; ++w)
        for (Index c0 = 0; c0 < r0; c0 += sub) {
          scale(r.u[w], c0, sub, total_ + r0 / sub * P, P);
          for (int n = 0; n < Reads; ++n)
            for_conjugate_products<AP, KP, KP>([&](int a, int q, int out, int sign) {
              multiply_add(r.a[n][w][a] + r0 * r.a_pitch + c0, Index(1), r.a_pitch, starts_[n][q] + r0 * P, P, r.u[w][out] + c0 * P, P, sub, P, count, T(sign));
            });
        }
    }
  }

 private:
  template <class V> LCSM_INLINE static Field<V> at(T* const planes[2], Index n) {
    if constexpr (KP == 2) return {simd::load<V>(planes[0] + n), simd::load<V>(planes[1] + n)}; else return simd::load<V>(planes[0] + n);
  }
  template <class V> LCSM_INLINE static Field<V> conj_at(T* const planes[2], Index n) {
    if constexpr (KP == 2) return conj(at<V>(planes, n)); else return at<V>(planes, n);
  }
  template <class V> LCSM_INLINE static void put(T* const planes[2], Index n, Field<V> x) {
    simd::store(planes[0] + n, real_part(x));
    if constexpr (KP == 2) simd::store(planes[1] + n, imag_part(x));
  }
  template <class V> LCSM_INLINE static auto pair(T* const planes[2], Index n) {
    if constexpr (AP == 2) return Complex<V>(V(planes[0][n]), V(planes[1][n])); else return V(planes[0][n]);
  }
  static void scale(T* const planes[2], Index first, Index count, const T* by, Index pitch) {
    for (int part = 0; part < KP; ++part)
      for (Index j = first; j < first + count; ++j)
        for_lanes<T>(pitch, [&]<class V>(std::type_identity<V>, Index a) { simd::store(planes[part] + j * pitch + a, simd::load<V>(planes[part] + j * pitch + a) * simd::load<V>(by + a)); });
  }

  // Reads decayed from the start of their sub-block, writes to its end.
  void bring_to_ends(const Rows& r, Index r0, Index r1) {
    const Index P = r.pitch;
    for_lanes<T>(P, [&]<class V>(std::type_identity<V>, Index a) {
      V before = map::constant<V>(1), after = before;
      for (Index j = r0; j < r1; ++j) {
        const V through = before * simd::load<V>(r.decay + j * P + a);
        for (int n = 0; n < Reads; ++n) put<V>(starts_[n], j * P + a, at<V>(r.q[n], j * P + a) * (read_at[n] == ReadAt::before_decay ? before : through));
        before = through;
      }
      simd::store(total_ + r0 / sub * P + a, before);
      for (Index l = r1 - 1; l >= r0; --l) {
        for (int w = 0; w < Writes; ++w) put<V>(ends_[w], l * P + a, at<V>(r.k[w], l * P + a) * after);
        after = after * simd::load<V>(r.decay + l * P + a);
      }
    });
  }
  // (Cotangent after a sub-block) . conj(memory before the chunk), for each.
  template <class V> LCSM_INLINE void from_start(const Rows& r, Index a) {
    const Index P = r.pitch;
    Field<V> sum = at<V>(r.x, a);
    for (Index r0 = round_up(r.tokens, sub) - sub; r0 >= 0; r0 -= sub) {
      put<V>(start_, r0 / sub * P + a, sum);
      sum = sum * simd::load<V>(total_ + r0 / sub * P + a);
      for (Index j = r0; j < (std::min)(r0 + sub, r.tokens); ++j)
        for (int n = 0; n < Reads; ++n) sum = multiply_add(conj_at<V>(starts_[n], j * P + a), at<V>(r.g[n], j * P + a), sum);
    }
  }
  // What the memory before a sub-block and the cotangent of that after it say to each other.
  template <class V> LCSM_INLINE Field<V> across(const Rows& r, Index r0, Index a) const {
    const Index P = r.pitch;
    Field<V> sum{};
    V decay = map::constant<V>(1);
    for (Index c0 = r0 - sub; c0 >= 0; c0 -= sub) {
      Field<V> inner{};
      for (int w = 0; w < Writes; ++w)
        for (Index l = c0; l < c0 + sub; ++l) inner = multiply_add(conj_at<V>(ends_[w], l * P + a), at<V>(r.u[w], l * P + a), inner);
      sum = sum + inner * decay, decay = decay * simd::load<V>(total_ + c0 / sub * P + a);
    }
    return sum + at<V>(start_, r0 / sub * P + a) * decay;
  }
  // A sub-block, token by token from its end. sinks, source: (cotangent at the place where time has come to) . conj(v_l), and . conj(m before the sub-block).
  template <class V> LCSM_INLINE void within(const Rows& r, Index r0, Index count, Index a) {
    const Index P = r.pitch;
    Field<V> sinks[Writes][sub], source = across<V>(r, r0, a);
    V before[sub], decay = map::constant<V>(1);
    for (Index j = 0; j < count; ++j) {
      for (int w = 0; w < Writes; ++w) sinks[w][j] = at<V>(r.u[w], (r0 + j) * P + a);
      before[j] = decay, decay = decay * simd::load<V>(r.decay + (r0 + j) * P + a);
    }
    for (Index j = count - 1; j >= 0; --j) {
      const Index t = r0 + j, n = t * P + a, row = t * r.a_pitch + r0;
      const V d = simd::load<V>(r.decay + n);
      const auto add_reads = [&](ReadAt when) {
        for (int q = 0; q < Reads; ++q) {
          if (read_at[q] != when) continue;
          const Field<V> read = conj_at<V>(r.q[q], n);
          for (int w = 0; w < Writes; ++w)
            for (Index l = 0; l < (when == ReadAt::after_write ? j + 1 : j); ++l) sinks[w][l] = sinks[w][l] + read * pair<V>(r.a[q][w], row + l);
          source = multiply_add(read, at<V>(r.g[q], n), source);
        }
      };
      add_reads(ReadAt::after_write);
      for (int w = 0; w < Writes; ++w) put<V>(r.k_bar[w], n, sinks[w][j]);
      add_reads(ReadAt::after_decay);
      Field<V> bar = source * before[j], reads[Reads];
      for (int q = 0; q < Reads; ++q) reads[q] = at<V>(r.g[q], n) * before[j];
      V between = map::constant<V>(1);
      for (Index l = j - 1; l >= 0; --l) {
        for (int w = 0; w < Writes; ++w) {
          const Field<V> write = conj_at<V>(r.k[w], (r0 + l) * P + a) * between;
          bar = multiply_add(write, sinks[w][l], bar);
          for (int q = 0; q < Reads; ++q) reads[q] = multiply_add(write, pair<V>(r.a[q][w], row + l), reads[q]);
        }
        between = between * simd::load<V>(r.decay + (r0 + l) * P + a);
      }
      if (r.decay_bar[0]) put<V>(r.decay_bar, n, bar);
      for (int q = 0; q < Reads; ++q) {
        if (read_at[q] != ReadAt::before_decay) reads[q] = reads[q] * d;
        if (read_at[q] == ReadAt::after_write) for (int w = 0; w < Writes; ++w) reads[q] = multiply_add(conj_at<V>(r.k[w], n), pair<V>(r.a[q][w], row + j), reads[q]);
        put<V>(r.q_bar[q], n, reads[q]);
      }
      for (int w = 0; w < Writes; ++w)
        for (Index l = 0; l < j; ++l) sinks[w][l] = sinks[w][l] * d;
      source = source * d;
      add_reads(ReadAt::before_decay);
    }
  }

  Planes starts_[Reads] = {}, ends_[Writes] = {}, start_ = {};
  T* total_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
