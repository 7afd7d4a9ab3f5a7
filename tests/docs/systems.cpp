// SPDX-License-Identifier: MIT
// The registry, second half: gates per channel and state space models.
#include "row.hpp"

#include <lcsm/mixers/dlr.hpp>
#include <lcsm/mixers/dss.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mamba2.hpp>
#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/rwkv4.hpp>
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/mixers/s5.hpp>

namespace lcsm::docs {

std::vector<Row> systems() {
  const std::string hgrn = paper("2311.04823"), katsch = paper("2311.01927") + ", tobiaskatsch/GateLoop", min = paper("2410.01201"), lucid = min + ", lucidrains/minGRU-pytorch";
  const std::string mamba = paper("2312.00752") + ", state-spaces/mamba `selective_scan_interface.py`", ssd = paper("2405.21060") + ", state-spaces/mamba `ssd_combined.py`";
  const std::string s4 = ", state-spaces/s4 `models/s4/s4.py`", s4d = paper("2206.11893"), dss = paper("2203.14343") + ", ag1988/dss", s5 = paper("2208.04933") + ", lindermanlab/S5";
  const std::string dlr = paper("2212.00768") + ", ag1988/dlr", griffin = paper("2402.19427") + ", google-deepmind/recurrentgemma";
  const std::string kernel = "ag1988/dss `DSSKernel`, ", s5_names = "S5 `s5/ssm.py`: lambda, lambda_imag are Lambda_re, Lambda_im; log_step; x + i x_imag = B_tilde u; ";
  const std::string dlr_names = "ag1988/dlr `DLRKernel`, ", diagonal = "s4 `SSMKernelDiag`: log_dt = log softplus(inv_dt), log_A_real is A_real, A_imag has the other sign; B, C; ";
  return {
      LCSM_ROW(GateLoopSimple, "gateloop_simple", "lucidrains/gateloop-transformer `simplified_gate_loop.py`", "gateloop-transformer `gate_loop_operator(q, kv, a)` of that file"),
      LCSM_ROW(GatedLinearRnn, "gateloop_gated_linear_rnn", katsch, "GateLoop `AssociativeScanGLRU`, whose x [B, T, 4D] is x, i, f and the output gate"),
      LCSM_ROW(GatedLinearRnnTied, "gateloop_gated_linear_rnn", katsch, "the same tied, x [B, T, 3D] is x, i and the output gate"),
      LCSM_ROW(FirstOrder, "scan_first_order", "proger/accelerated-scan `ref.py`", "accelerated-scan `scan(gates, tokens)`, [B, C, T]: a, b"),
      LCSM_ROW(Hgrn, "hgrn", hgrn + ", fla `ops/hgrn`", "fla `chunk_hgrn(x, g)`"),
      LCSM_ROW(HgrnReal, "", hgrn + ", fla `layers/hgrn.py`", "fla `HGRNAttention`: x, f are the outputs of i_proj, f_proj; lower_bound"),
      LCSM_ROW(HgrnComplex, "", hgrn + ", OpenNLPLab/HGRN", "HGRN `hgru1d.py`: phase is its theta; lower_bound; x and x_imag alternate there"),
      LCSM_ROW(MinGru, "mingru", lucid + " `minGRU.py`", "minGRU-pytorch `minGRU`: x is hidden, i is gate"),
      LCSM_ROW(MinGruLinear, "", min + ", section 3.1", ""),
      LCSM_ROW(MinLstm, "", lucid + " `minLSTM.py`", "minGRU-pytorch `minLSTM`: x, f, i are hidden, f_gate, i_gate"),
      LCSM_ROW(MinLstmLinear, "", min + ", section 3.2", ""),
      LCSM_ROW(MinLstmUnscaled, "", min + ", section 3.2", ""),
      LCSM_ROW(Rwkv4, "rwkv4_wkv", paper("2305.13048") + ", BlinkDL/RWKV-LM v4neo, fla `ops/rwkv4`", "RWKV-LM: w is time_decay, u is time_first; fla `fused_recurrent_rwkv4(w, u, k, v, state)`"),
      LCSM_ROW(RgLru, "rglru", griffin, "recurrentgemma `RGLRU`: recurrent_param is a_param, the gates are the outputs of a_gate and input_gate; transformers `RecurrentGemmaRglru`: recurrent_param"),
      LCSM_ROW(RgLruUnreset, "", griffin, "the same for segment_pos > 0"),
      LCSM_ROW(Mamba, "mamba_selective_scan", mamba, "mamba-ssm `selective_scan_fn(u, delta, A, B, C, D, z, delta_bias, delta_softplus=True)`, time last: x is u; z belongs to the layer"),
      LCSM_ROW(MambaLog, "", paper("2312.00752") + ", state-spaces/mamba `mamba_simple.py`", "mamba-ssm `Mamba`: A_log, D; delta_bias is dt_proj.bias"),
      LCSM_ROW(MambaStep, "mamba_selective_scan", mamba, "mamba-ssm `selective_scan_fn(u, delta, A, B, C, delta_softplus=False)`"),
      LCSM_ROW(MambaConstant, "mamba_selective_scan", mamba, "the same, B and C [D, N]"),
      LCSM_ROW(MambaComplex, "mamba_selective_scan_complex", mamba, "the same, complex A, B, C"),
      LCSM_ROW(Mamba2, "mamba2_ssd_combined", ssd, "mamba-ssm `mamba_chunk_scan_combined(x, dt, A, B, C, chunk_size, D, z, dt_bias, dt_softplus=True)`: delta is dt, delta_bias is dt_bias; its state is transposed"),
      LCSM_ROW(Mamba2Log, "", paper("2405.21060") + ", state-spaces/mamba `mamba2_simple.py`", "mamba-ssm `Mamba2Simple`: A_log, D; delta_bias is dt_bias"),
      LCSM_ROW(Mamba2Discrete, "mamba2_ssd_minimal", paper("2405.21060") + ", state-spaces/mamba `ssd_minimal.py`", "mamba-ssm `ssd_minimal_discrete(X, A, B, C, block_len)`: g is A; its state is transposed"),
      LCSM_ROW(S4d, "s4d", s4d + ", state-spaces/s4 `models/s4/s4d.py`", "s4 `S4DKernel`: log_dt, log_A_real, A_imag, C (two reals), D"),
      LCSM_ROW(S4dWithB, "s4d_kernel_full", s4d + s4, diagonal + "disc='zoh'"),
      LCSM_ROW(S4dBilinear, "s4d_kernel_full", s4d + s4, diagonal + "disc='bilinear'"),
      LCSM_ROW(S4, "", paper("2111.00396") + s4, "s4 `SSMKernelDPLR`: its A, P, B, C and step through `s4_discretise`"),
      LCSM_ROW(DssExp, "dss", dss, kernel + "version exp: Lambda_log_neg_re, Lambda_im, log_dt, W"),
      LCSM_ROW(DssExpNoScale, "dss", dss, kernel + "version exp-no-scale"),
      LCSM_ROW(DssExpReIm, "dss", dss, kernel + "version exp-re-im: log_imag is Lambda_log_im"),
      LCSM_ROW(DssClip, "dss", dss, kernel + "version clip: lambda, lambda_imag are Lambda"),
      LCSM_ROW(DssClipNoScale, "", dss, kernel + "version clip-no-scale"),
      LCSM_ROW(DssSoftmax, "dss", dss, kernel + "version softmax; length is its L"),
      LCSM_ROW(S5, "s5 s5_jax", s5, s5_names + "discretization zoh"),
      LCSM_ROW(S5Bilinear, "s5 s5_jax", s5, "the same, discretization bilinear"),
      LCSM_ROW(S5Clipped, "", s5, "zoh with clip_eigs"),
      LCSM_ROW(S5BilinearClipped, "", s5, "bilinear with clip_eigs"),
      LCSM_ROW(Dlr, "dlr", dlr, dlr_names + "kernel_to_real real: Lambda_log_neg_re, Lambda_im, W"),
      LCSM_ROW(DlrImag, "dlr", dlr, dlr_names + "kernel_to_real imag, and prod by `dlr_product`"),
      LCSM_ROW(DlrSum, "dlr", dlr, dlr_names + "kernel_to_real sum"),
      LCSM_ROW(DlrLambdaImag, "", dlr, dlr_names + "version Lambda_imag"),
      LCSM_ROW(DlrLambdaImagWReal, "dlr", dlr, dlr_names + "version Lambda_imag_W_real"),
      LCSM_ROW(DlrLambdaRealWReal, "dlr", dlr, dlr_names + "version Lambda_real_W_real"),
      LCSM_ROW(Lru, "lru", paper("2303.06349") + ", Gothos/LRU-pytorch", "LRU-pytorch `LRU`: nu_log, theta_log, gamma_log; B, C, D in `lru_input` and `lru_output`"),
      LCSM_ROW(LongConvolution, "fftconv hyena sgconv tnn_tno", paper("2302.06646") + ", HazyResearch/safari", "safari `fftconv_ref`: u, k, D are x, kernel, D"),
      LCSM_ROW(MegaEma, "mega_ema", paper("2209.10655") + ", facebookresearch/mega", "mega `MultiHeadEMA`: the same names"),
  };
}

}  // namespace lcsm::docs
