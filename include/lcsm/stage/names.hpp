// SPDX-License-Identifier: MIT
#pragma once

// A name says which member of the caller's aggregate a leaf reads. Any aggregate with members of those names will do; two leaves of one
// name share a view. LCSM_NAME makes new ones.
#define LCSM_NAME(member)                                                                       \
  struct member {                                                                               \
    static constexpr const char* name = #member;                                                \
    template <class In> static constexpr bool present = requires(In& inputs) { inputs.member; }; \
    template <class In> static constexpr auto& of(In& inputs) { return inputs.member; }         \
  }

namespace lcsm::in {
LCSM_NAME(q); LCSM_NAME(k); LCSM_NAME(v);                      // query, key, value
LCSM_NAME(g); LCSM_NAME(phase); LCSM_NAME(f); LCSM_NAME(i);    // gates
LCSM_NAME(beta); LCSM_NAME(a); LCSM_NAME(b); LCSM_NAME(u); LCSM_NAME(w);
LCSM_NAME(lower_bound); LCSM_NAME(code); LCSM_NAME(read_code); LCSM_NAME(codebook);
LCSM_NAME(x); LCSM_NAME(x_imag); LCSM_NAME(delta); LCSM_NAME(delta_bias);
LCSM_NAME(A); LCSM_NAME(A_imag); LCSM_NAME(B); LCSM_NAME(B_imag); LCSM_NAME(C); LCSM_NAME(C_imag); LCSM_NAME(D);
LCSM_NAME(log_dt); LCSM_NAME(log_A_real); LCSM_NAME(nu_log); LCSM_NAME(theta_log); LCSM_NAME(gamma_log);
LCSM_NAME(alpha); LCSM_NAME(gamma); LCSM_NAME(recurrent_gate); LCSM_NAME(input_gate); LCSM_NAME(recurrent_param);
LCSM_NAME(log_neg_re); LCSM_NAME(W); LCSM_NAME(W_imag); LCSM_NAME(A_log); LCSM_NAME(omega); LCSM_NAME(a_imag);
LCSM_NAME(kernel); LCSM_NAME(p); LCSM_NAME(dt_bias); LCSM_NAME(r); LCSM_NAME(kk); LCSM_NAME(k_a);
}
