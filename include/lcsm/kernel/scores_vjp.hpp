// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/scores.hpp>
#include <lcsm/simd/complex.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of decayed scores (scores.hpp) and of the decays themselves, key by key: of a chunk of one memory row m_t = d_t m_{t-1} + k_t v_t, read by
// q_t. All that the rows of D value channels say to a key are products of them, which come in:
//
//     A_jl = n_j . conj(v_l)     G_j = n_j . conj(m_0)     U_l = mu . conj(v_l)     X = mu . conj(m_0)
//
// n_j: cotangent of row j; m_0, mu: the memory before the chunk and the cotangent of that after it. Out go q_bar, k_bar, and the decay's cotangent as the sum
// of products that it is, conj(m_{t-1}) . mu_t with mu_t the cotangent of m_t: every pair of a source before t and a sink after it, with the decays on
// both sides of t and not its own. So it is right for a closed gate too, nothing is divided and nothing large cancels.
//
// Sub-blocks of 16 tokens see what is before and after them through their ends: E_j = n_j . conj(m before the sub-block), W_l = (mu after it) . conj(v_l).
// Early: a row reads the memory before its token. Planes: 1 or 2 of q, k and what is made of them; AP of A.
template <class T, int KP, int AP, bool Early> class ScoresVjp {
  static constexpr Index sub = 16;
  template <class V> using Field = field_t<KP == 2, V>;

 public:
  struct Rows {
    Index tokens = 0, pitch = 0;       // the pitch holds whole vectors
    T *q[2] = {}, *k[2] = {};
    const T* decay = nullptr;
    T* a[2] = {};
    Index a_pitch = 0;
    T *g[2] = {}, *u[2] = {}, *x[2] = {};         // G and U are overwritten
  };

  ScoresVjp(Arena& arena, Index tokens, Index pitch) {
    for (int part = 0; part < KP; ++part) ends_[part] = arena.take<T>(tokens * pitch), starts_[part] = arena.take<T>(tokens * pitch);
    const Index blocks = divide_up(std::max<Index>(tokens, 1), sub) * pitch;
    for (int part = 0; part < KP; ++part) start_[part] = arena.take<T>(blocks);
    total_ = arena.take<T>(blocks);
  }

  // decay_bar may be null planes.
  void operator()(const Rows& r, T* const q_bar[2], T* const k_bar[2], T* const decay_bar[2]) {
    const Index C = r.tokens, P = r.pitch;
    for (Index r0 = 0; r0 < C; r0 += sub) bring_to_ends(r, r0, (std::min)(r0 + sub, C));
    for_lanes<T>(P, [&]<class V>(std::type_identity<V>, Index a) { from_start<V>(r, a); });
    // E, in place of G: sub-block after sub-block decays what came before it and adds its writes.
    for (Index r0 = sub; r0 < C; r0 += sub) {
      const Index count = (std::min)(sub, C - r0);
      for (Index c0 = 0; c0 < r0; c0 += sub) {
        scale(r.g, r0, count, total_ + c0 / sub * P, P);
        for_conjugate_products<AP, KP, KP>([&](int a, int k, int out, int sign) {
          multiply_add(r.a[a] + r0 * r.a_pitch + c0, r.a_pitch, Index(1), ends_[k] + c0 * P, P, r.g[out] + r0 * P, P, count, P, sub, T(sign));
        });
      }
    }
    // W, in place of U, from the chunk's end. A sub-block is done when all after it are.
    for (Index r0 = round_up(C, sub) - sub; r0 >= 0; r0 -= sub) {
      const Index count = (std::min)(sub, C - r0);
      for_lanes<T>(P, [&]<class V>(std::type_identity<V>, Index a) { within<V>(r, r0, count, a, q_bar, k_bar, decay_bar); });
      for (Index c0 = 0; c0 < r0; c0 += sub) {
        scale(r.u, c0, sub, total_ + r0 / sub * P, P);
        for_conjugate_products<AP, KP, KP>([&](int a, int q, int out, int sign) {
          multiply_add(r.a[a] + r0 * r.a_pitch + c0, Index(1), r.a_pitch, starts_[q] + r0 * P, P, r.u[out] + c0 * P, P, sub, P, count, T(sign));
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
  template <class V> LCSM_INLINE static auto pair(const Rows& r, Index j, Index l) {
    const Index n = j * r.a_pitch + l;
    if constexpr (AP == 2) return Complex<V>(V(r.a[0][n]), V(r.a[1][n])); else return V(r.a[0][n]);
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
        put<V>(starts_, j * P + a, at<V>(r.q, j * P + a) * (Early ? before : through)), before = through;
      }
      simd::store(total_ + r0 / sub * P + a, before);
      for (Index l = r1 - 1; l >= r0; --l) put<V>(ends_, l * P + a, at<V>(r.k, l * P + a) * after), after = after * simd::load<V>(r.decay + l * P + a);
    });
  }
  // (Cotangent after a sub-block) . conj(memory before the chunk), for each.
  template <class V> LCSM_INLINE void from_start(const Rows& r, Index a) {
    const Index P = r.pitch;
    Field<V> sum = at<V>(r.x, a);
    for (Index r0 = round_up(r.tokens, sub) - sub; r0 >= 0; r0 -= sub) {
      put<V>(start_, r0 / sub * P + a, sum);
      sum = sum * simd::load<V>(total_ + r0 / sub * P + a);
      for (Index j = r0; j < (std::min)(r0 + sub, r.tokens); ++j) sum = multiply_add(conj_at<V>(starts_, j * P + a), at<V>(r.g, j * P + a), sum);
    }
  }
  // What the memory before a sub-block and the cotangent of that after it say to each other.
  template <class V> LCSM_INLINE Field<V> across(const Rows& r, Index r0, Index a) const {
    const Index P = r.pitch;
    Field<V> sum{};
    V decay = map::constant<V>(1);
    for (Index c0 = r0 - sub; c0 >= 0; c0 -= sub) {
      Field<V> inner{};
      for (Index l = c0; l < c0 + sub; ++l) inner = multiply_add(conj_at<V>(ends_, l * P + a), at<V>(r.u, l * P + a), inner);
      sum = sum + inner * decay, decay = decay * simd::load<V>(total_ + c0 / sub * P + a);
    }
    return sum + at<V>(start_, r0 / sub * P + a) * decay;
  }
  template <class V> LCSM_INLINE void within(const Rows& r, Index r0, Index count, Index a, T* const q_bar[2], T* const k_bar[2], T* const decay_bar[2]) {
    const Index P = r.pitch;
    Field<V> sinks[sub], source = across<V>(r, r0, a);      // (cotangent after the token at hand) . conj(v_l), and . conj(m before the sub-block)
    V before[sub];
    V decay = map::constant<V>(1);
    for (Index j = 0; j < count; ++j) sinks[j] = at<V>(r.u, (r0 + j) * P + a), before[j] = decay, decay = decay * simd::load<V>(r.decay + (r0 + j) * P + a);
    for (Index j = count - 1; j >= 0; --j) {
      const Index t = r0 + j, n = t * P + a;
      const Field<V> q = conj_at<V>(r.q, n), k = conj_at<V>(r.k, n), seen = at<V>(r.g, n);
      const V d = simd::load<V>(r.decay + n);
      const auto read = [&](Index l) { return q * pair<V>(r, t, r0 + l); };
      if constexpr (!Early) {
        for (Index l = 0; l <= j; ++l) sinks[l] = sinks[l] + read(l);
        source = source + q * seen;
      }
      put<V>(k_bar, n, sinks[j]);
      Field<V> bar = source * before[j], reads = seen * before[j];
      V between = map::constant<V>(1);
      for (Index l = j - 1; l >= 0; --l) {
        const Field<V> write = conj_at<V>(r.k, (r0 + l) * P + a) * between;
        bar = multiply_add(write, sinks[l], bar), reads = reads + write * pair<V>(r, t, r0 + l);
        between = between * simd::load<V>(r.decay + (r0 + l) * P + a);
      }
      if (decay_bar[0]) put<V>(decay_bar, n, bar);
      if constexpr (Early) {
        put<V>(q_bar, n, reads);
        for (Index l = 0; l < j; ++l) sinks[l] = sinks[l] * d + read(l);
        source = source * d + q * seen;
      } else {
        put<V>(q_bar, n, reads * d + k * pair<V>(r, t, t));
        for (Index l = 0; l < j; ++l) sinks[l] = sinks[l] * d;
        source = source * d;
      }
    }
  }

  T *ends_[2] = {}, *starts_[2] = {}, *start_[2] = {}, *total_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
