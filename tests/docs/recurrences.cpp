// SPDX-License-Identifier: MIT
// The registry, first half: mixers with queries, keys and values.
#include "row.hpp"

#include <lcsm/mixers/comba.hpp>
#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/dplr.hpp>
#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/gdn2.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn2.hpp>
#include <lcsm/mixers/kda.hpp>
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/rwkv6.hpp>
#include <lcsm/mixers/tnl.hpp>
#include <lcsm/mixers/transformer_vq.hpp>

namespace lcsm::docs {

std::vector<Row> recurrences() {
  const std::string linear = paper("2006.16236"), retention = paper("2307.08621"), lightning = paper("2405.17381"), tnl = paper("2307.14995");
  const std::string lrpe = paper("2307.09270") + ", Doraemonzzz/xmixers `modules/pes/lrpe.py`", lightnet = paper("2405.21022");
  const std::string gateloop = paper("2311.01927"), operators = gateloop + ", lucidrains/gateloop-transformer", mlstm = paper("2405.04517");
  const std::string delta = paper("2406.06484") + ", fla `ops/delta_rule`", delta_net = paper("2406.06484") + ", fla `layers/delta_net.py`";
  const std::string gated = paper("2412.06464") + ", fla `ops/gated_delta_rule`", gated_net = paper("2412.06464") + ", fla `layers/gated_deltanet.py`";
  const std::string kda = paper("2510.26692") + ", fla `ops/kda`", kda_layer = paper("2510.26692") + ", fla `layers/kda.py`, transformers `kimi_linear`";
  const std::string gdn2 = "NVlabs/GatedDeltaNet-2, fla `ops/gdn2`", gdn2_layer = "NVlabs/GatedDeltaNet-2, fla `layers/gdn2.py`";
  const std::string comba = paper("2506.02475") + ", fla `ops/comba`", rwkv7 = paper("2503.14456") + ", BlinkDL/RWKV-LM v7";
  const std::string negative = "the same with `allow_neg_eigval=True`", rwkv6 = paper("2404.05892") + ", BlinkDL/RWKV-LM x060";
  return {
      LCSM_ROW(LinearAttention, "linear_attn", linear + ", fla `ops/linear_attn`", "fla `chunk_linear_attn(q, k, v, normalize=False)`"),
      LCSM_ROW(LinearAttentionNormalised, "linear_attn_norm", linear + ", fla `ops/linear_attn`", "fla `chunk_linear_attn(q, k, v, normalize=True)`"),
      LCSM_ROW(LinearTransformer, "", linear + ", idiap/fast-transformers", "fast-transformers `CausalLinearAttention`: queries, keys, values"),
      LCSM_ROW(Retention, "retention", retention + ", fla `ops/retention`", "fla `chunk_retention(q, k, v)`"),
      LCSM_ROW(RetNet, "retnet_torchscale", retention + ", microsoft/torchscale `multiscale_retention.py`", "torchscale `MultiScaleRetention`: outputs of q_proj, k_proj, v_proj, before their scale and rotation"),
      LCSM_ROW(RetNetFla, "", retention + ", fla `layers/multiscale_retention.py`", "fla `MultiScaleRetention`: outputs of q_proj, k_proj, v_proj, before the rotation"),
      LCSM_ROW(Lightning, "", lightning + ", OpenNLPLab/lightning-attention", "lightning-attention `lightning_attn_func(q, k, v, s)`, [B, H, T, .]: s = -g"),
      LCSM_ROW(LightningFla, "", lightning + ", fla `ops/lightning_attn`", "fla `chunk_lightning_attn(q, k, v, layer_idx, num_layers)`: g = `tnl_log_decay_paper` per head"),
      LCSM_ROW(Tnl, "", tnl, "lightning-attention `lightning_attn_func(silu(q), silu(k), v, s)`: s = -g"),
      LCSM_ROW(TnlSiluValue, "", tnl + ", OpenNLPLab/lightning-attention `tnl_attn.py`", "lightning-attention `lightning_attn_func(silu(q), silu(k), silu(v), s)`: s = -g"),
      LCSM_ROW(TnlLrpe, "", tnl + ", Doraemonzzz/xmixers", "xmixers `lrpe.py`: phase is its theta"),
      LCSM_ROW(CosFormer, "", paper("2202.08791") + ", OpenNLPLab/cosFormer", "cosFormer `CosformerAttention(query, key, value)`, causal: phase = pi / (2 M), M its longest sequence"),
      LCSM_ROW(LrpeRotate, "", lrpe, "xmixers `lrpe.py`, type 1"),
      LCSM_ROW(LrpeRotateLow, "", lrpe, "xmixers `lrpe.py`, type 2"),
      LCSM_ROW(LrpeRotateHigh, "", lrpe, "xmixers `lrpe.py`, type 3"),
      LCSM_ROW(LrpeCosine, "", lrpe, "xmixers `lrpe.py`, type 4"),
      LCSM_ROW(LrpeCosineLow, "", lrpe, "xmixers `lrpe.py`, type 5"),
      LCSM_ROW(LrpeCosineHigh, "", lrpe, "xmixers `lrpe.py`, type 6"),
      LCSM_ROW(LrpeLearned, "", lrpe, "xmixers `lrpe.py`, its cosine types with a learned theta: phase"),
      LCSM_ROW(LightNet, "lightnet", lightnet + ", fla `ops/lightnet`", "fla `chunk_gla(q, exp(k - z), v, g)` with z = log of the cumulative sum of exp(k), g = z before the token - z"),
      LCSM_ROW(LightNetLayer, "", lightnet + ", fla `layers/lightnet.py`", "fla `LightNetAttention`: outputs of q_proj, k_proj, v_proj"),
      LCSM_ROW(DecayingFastWeights, "", paper("2210.04243") + ", jenni-ai/T2FW", "T2FW `t2fw_torch(x, f, query, key, f_key, state)`: x is v, f and f_key are the sigmoids of f and g, the state is transposed"),
      LCSM_ROW(GatedFastWeights, "", paper("2405.17383") + " (table)", ""),
      LCSM_ROW(Gla, "gla gla_strong_gates", paper("2312.06635") + ", fla `ops/gla`", "fla `chunk_gla(q, k, v, g)`, `fused_recurrent_gla(q, k, v, gk)`"),
      LCSM_ROW(GlaLayerGate, "", paper("2312.06635") + ", fla `layers/gla.py`", "fla `GatedLinearAttention`: g is the output of gk_proj, gate_logit_normalizer = 16"),
      LCSM_ROW(SimpleGla, "simple_gla", paper("2312.06635") + ", fla `ops/simple_gla`", "fla `chunk_simple_gla(q, k, v, g)`"),
      LCSM_ROW(GateLoop, "", gateloop, "gateloop-transformer `gate_loop_operator(q, k, v, a)`: a = sigmoid(g) exp(i phase)"),
      LCSM_ROW(GateLoopScalar, "", gateloop, "the same, a with one entry per head"),
      LCSM_ROW(GateLoopMaximallyHeaded, "", gateloop, "the same, every channel a head"),
      LCSM_ROW(GateLoopOperator, "gateloop", operators, "gateloop-transformer `gate_loop_operator(q, k, v, a)`: g = log \\|a\\|, phase = arg a"),
      LCSM_ROW(GateLoopOperatorScalar, "gateloop", operators, "the same, a with one entry per head"),
      LCSM_ROW(GateLoopAttention, "gateloop_layer", operators, "gateloop-transformer `GateLoopedAttention`: a, a_imag are the pairs of to_a"),
      LCSM_ROW(Hgrn2, "hgrn2", paper("2404.07904") + ", fla `layers/hgrn2.py`", "fla `HGRN2Attention`, `chunk_gla(q, k = 1 - f', v, g = log f')`: f' = lower_bound + (1 - lower_bound) sigmoid(f)"),
      LCSM_ROW(Hgrn2Unscaled, "", paper("2404.07904") + ", OpenNLPLab/HGRN2", "hgru2-pytorch `Hgru2_1d`: lower_bound"),
      LCSM_ROW(Rwkv6, "rwkv6", rwkv6 + ", fla `ops/rwkv6`", "fla `chunk_rwkv6(r, k, v, w, u, scale=1)`: q is r"),
      LCSM_ROW(Rwkv6Layer, "", rwkv6, "RWKV-LM `RWKV_Tmix_x060`: time_decay, u = time_faaaa"),
      LCSM_ROW(Mlstm, "mlstm", mlstm + ", NX-AI/mlstm_kernels", "mlstm_kernels `mlstm_recurrent_sequence__native_fw`, [B, H, T, .]: q, k, v, i, f; the state m is c, z is n, p is m"),
      LCSM_ROW(MlstmFromNothing, "mlstm_parallel", mlstm + ", NX-AI/mlstm_kernels, NX-AI/xlstm", "mlstm_kernels `mlstm_parallel_fw(matQ, matK, matV, vecI, vecF)`; xlstm `parallel_stabilized_simple(queries, keys, values, igate_preact, fgate_preact)`"),
      LCSM_ROW(MlstmLayer, "", mlstm + ", NX-AI/xlstm", "xlstm `mLSTMCell`: i_bias, f_bias are igate.bias, fgate.bias"),
      LCSM_ROW(DeltaRule, "delta_rule", delta, "fla `chunk_delta_rule(q, k, v, beta)`"),
      LCSM_ROW(DeltaRuleNorm, "", delta, "the same with `use_qk_l2norm_in_kernel=True`"),
      LCSM_ROW(DeltaNet, "", delta_net, "fla `DeltaNet`: b is the output of b_proj"),
      LCSM_ROW(DeltaNetNegative, "", delta_net + ", " + paper("2411.12537"), negative),
      LCSM_ROW(GatedDeltaRule, "gated_delta_rule", gated, "fla `chunk_gated_delta_rule(q, k, v, g, beta)`"),
      LCSM_ROW(GatedDeltaRuleNorm, "gated_delta_rule_qwen3next", gated + ", transformers `qwen3_next`", "the same with `use_qk_l2norm_in_kernel=True`; transformers `torch_chunk_gated_delta_rule(query, key, value, g, beta)`"),
      LCSM_ROW(GatedDeltaNet, "", gated_net, "fla `GatedDeltaNet`: a, b are the outputs of a_proj, b_proj; A_log, dt_bias"),
      LCSM_ROW(GatedDeltaNetNegative, "", gated_net + ", " + paper("2411.12537"), negative),
      LCSM_ROW(Kda, "kda kda_strong_gates", kda, "fla `chunk_kda(q, k, v, g, beta)`"),
      LCSM_ROW(KdaNorm, "", kda, "the same with `use_qk_l2norm_in_kernel=True`"),
      LCSM_ROW(KdaLayer, "kda_kimi", kda_layer, "fla `KimiDeltaAttention`, `chunk_kda(q, k, v, g, beta, A_log=, dt_bias=, use_gate_in_kernel=True)`: f is that g, b is beta before its sigmoid"),
      LCSM_ROW(KdaLayerNegative, "", kda_layer + ", " + paper("2411.12537"), negative),
      LCSM_ROW(KdaLayerSafe, "", kda_layer, "`KdaLayer`'s with `safe_gate=True`, lower_bound"),
      LCSM_ROW(KdaLayerSafeNegative, "", kda_layer + ", " + paper("2411.12537"), negative),
      LCSM_ROW(Gdn2, "gdn2", gdn2, "fla `chunk_gdn2(q, k, v, g, b, w)`"),
      LCSM_ROW(Gdn2Layer, "", gdn2_layer, "the layer of fla: f, b, w are the outputs of its projections; A_log, dt_bias"),
      LCSM_ROW(Gdn2LayerNegative, "", gdn2_layer + ", " + paper("2411.12537"), negative),
      LCSM_ROW(Gdn2LayerSafe, "", gdn2_layer, "`Gdn2Layer`'s with `safe_gate=True`; lower_bound is gate_lower_bound"),
      LCSM_ROW(Gdn2LayerSafeNegative, "", gdn2_layer + ", " + paper("2411.12537"), negative),
      LCSM_ROW(Comba, "comba_previous", comba, "fla `chunk_comba(q, k, v, p, g, beta)`"),
      LCSM_ROW(CombaDecayed, "comba", comba + " `naive.py`", "fla `naive_recurrent_comba(q, k, v, p, beta, g)`"),
      LCSM_ROW(CombaLayer, "", paper("2506.02475") + ", fla `layers/comba.py`", "fla `Comba`: a, b are the outputs of a_proj, b_proj; p = sigmoid(decay) k; A_log, dt_bias"),
      LCSM_ROW(Iplr, "iplr", "fla `ops/generalized_delta_rule`", "fla `chunk_iplr_delta_rule(q, k, v, a, b)`"),
      LCSM_ROW(Dplr, "rwkv7_dplr", "fla `ops/generalized_delta_rule`", "fla `chunk_dplr_delta_rule(q, k, v, a, b, gk)`: g is gk"),
      LCSM_ROW(Rwkv7, "", rwkv7 + ", fla `ops/rwkv7`", "fla `chunk_rwkv7(r, w, k, v, a, b)`"),
      LCSM_ROW(TransformerVq, "", paper("2309.16354") + ", transformer-vq/transformer_vq `nn/attn.py`", "transformer_vq `VQAttention` without its window: code is z, codebook is c"),
      LCSM_ROW(Rwkv7Layer, "", rwkv7 + ", fla `layers/rwkv7.py`", "fla `RWKV7Attention`: w, a are the outputs of w_lora, a_lora; kk is k times k_k; k_a"),
  };
}

}  // namespace lcsm::docs
