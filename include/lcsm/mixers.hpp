// SPDX-License-Identifier: MIT
#pragma once

// Published mixers: docs/mixers.md has a row for each.

#include <lcsm/mixers/comba.hpp>
#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/dlr.hpp>
#include <lcsm/mixers/dplr.hpp>
#include <lcsm/mixers/dss.hpp>
#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/gdn2.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/hgrn2.hpp>
#include <lcsm/mixers/kda.hpp>
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mamba2.hpp>
#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/rwkv4.hpp>
#include <lcsm/mixers/rwkv6.hpp>
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/mixers/s5.hpp>
#include <lcsm/mixers/tnl.hpp>

namespace lcsm::detail {

// What the algebra computes for each of them, told by nobody: structure of the oscillation, domain, whether every coefficient is a key side
// times a channel side, and whether time shifts nothing.
template <class M> constexpr bool is_a(Structure structure, Domain domain, bool factors, bool time_invariant) {
  return M::structure == structure && M::domain == domain && M::factors == factors && M::time_invariant == time_invariant;
}

static_assert(is_a<LinearAttention>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LinearAttentionNormalised>(Structure::identity, Domain::real, true, false) &&
              !LinearAttentionNormalised::denominator_per_channel);
static_assert(is_a<LinearTransformer>(Structure::identity, Domain::real, true, false));
static_assert(is_a<Retention>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<RetNet>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<RetNetFla>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<Lightning>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<LightningFla>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<Tnl>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<Gla>(Structure::per_key, Domain::real, true, false));
static_assert(is_a<GlaLayerGate>(Structure::per_key, Domain::real, true, false));
static_assert(is_a<SimpleGla>(Structure::scalar, Domain::real, true, false));

static_assert(is_a<GateLoop>(Structure::per_key, Domain::complex, true, false));
static_assert(is_a<GateLoopScalar>(Structure::scalar, Domain::complex, true, false));
static_assert(is_a<GateLoopMaximallyHeaded>(Structure::per_value, Domain::complex, true, false) && GateLoopMaximallyHeaded::per_channel);
static_assert(is_a<GateLoopOperator>(Structure::per_key, Domain::complex, true, false));
static_assert(is_a<GateLoopOperatorScalar>(Structure::scalar, Domain::complex, true, false));
static_assert(is_a<GateLoopSimple>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<GatedLinearRnn>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<GatedLinearRnnTied>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<FirstOrder>(Structure::per_value, Domain::real, true, false));

static_assert(is_a<Hgrn>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<HgrnReal>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<HgrnComplex>(Structure::per_value, Domain::complex, true, false) && HgrnComplex::projection::parts == 2);
static_assert(is_a<Hgrn2>(Structure::per_key, Domain::real, true, false));
static_assert(is_a<Hgrn2Unscaled>(Structure::per_key, Domain::real, true, false));

static_assert(is_a<Mamba>(Structure::elementwise, Domain::real, false, false));
static_assert(is_a<MambaLog>(Structure::elementwise, Domain::real, false, false));
static_assert(is_a<MambaStep>(Structure::elementwise, Domain::real, false, false));
static_assert(is_a<MambaConstant>(Structure::elementwise, Domain::real, false, false));
static_assert(is_a<MambaComplex>(Structure::elementwise, Domain::complex, false, false));
static_assert(is_a<Mamba2>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<Mamba2Log>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<Mamba2Discrete>(Structure::scalar, Domain::real, true, false));

static_assert(is_a<S4d>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<S4dWithB>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<S4dBilinear>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<Dlr>(Structure::per_key, Domain::complex, false, true));                     // its read is a K x D parameter
static_assert(is_a<DlrImag>(Structure::per_key, Domain::complex, false, true));
static_assert(is_a<DlrSum>(Structure::per_key, Domain::complex, false, true));
static_assert(is_a<DlrLambdaImag>(Structure::per_key, Domain::complex, false, true));
static_assert(is_a<DlrLambdaImagWReal>(Structure::per_key, Domain::complex, false, true));
static_assert(is_a<DlrLambdaRealWReal>(Structure::per_key, Domain::real, false, true));
static_assert(is_a<Lru>(Structure::per_value, Domain::complex, true, true));
static_assert(is_a<RgLru>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<RgLruUnreset>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<MegaEma>(Structure::elementwise, Domain::real, false, true));

static_assert(is_a<TnlSiluValue>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<TnlLrpe>(Structure::per_key, Domain::complex, true, false));
static_assert(is_a<CosFormer>(Structure::scalar, Domain::complex, true, false));
static_assert(is_a<LrpeRotate>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LrpeRotateLow>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LrpeRotateHigh>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LightNet>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LightNetLayer>(Structure::identity, Domain::real, true, false));
static_assert(is_a<LrpeCosine>(Structure::per_key, Domain::complex, true, false));
static_assert(is_a<LrpeLearned>(Structure::per_key, Domain::complex, true, false));
static_assert(is_a<DecayingFastWeights>(Structure::rank_one, Domain::real, true, false));
static_assert(is_a<GatedFastWeights>(Structure::rank_one, Domain::real, true, false));
static_assert(is_a<GateLoopAttention>(Structure::scalar, Domain::complex, true, false));
static_assert(is_a<Rwkv4>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<Rwkv6>(Structure::per_key, Domain::real, true, false));
static_assert(is_a<Rwkv6Layer>(Structure::per_key, Domain::real, true, false));
static_assert(is_a<Mlstm>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<MlstmFromNothing>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<MlstmLayer>(Structure::scalar, Domain::real, true, false));
static_assert(is_a<MinGru>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<MinGruLinear>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<MinLstm>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<MinLstmLinear>(Structure::per_value, Domain::real, true, false));
static_assert(is_a<MinLstmUnscaled>(Structure::per_value, Domain::real, true, false));

static_assert(is_a<DeltaRule>(Structure::identity, Domain::real, true, false) && DeltaRule::coupled);
static_assert(is_a<DeltaRuleNorm>(Structure::identity, Domain::real, true, false) && DeltaRuleNorm::coupled);
static_assert(is_a<DeltaNet>(Structure::identity, Domain::real, true, false) && DeltaNet::coupled);
static_assert(is_a<Iplr>(Structure::identity, Domain::real, true, false) && Iplr::coupled);
static_assert(is_a<GatedDeltaRule>(Structure::scalar, Domain::real, true, false) && GatedDeltaRule::coupled);
static_assert(is_a<GatedDeltaNet>(Structure::scalar, Domain::real, true, false) && GatedDeltaNet::coupled);
static_assert(is_a<Comba>(Structure::scalar, Domain::real, true, false) && Comba::coupled);
static_assert(is_a<CombaDecayed>(Structure::scalar, Domain::real, true, false) && CombaDecayed::coupled);
static_assert(is_a<CombaLayer>(Structure::scalar, Domain::real, true, false) && CombaLayer::coupled);
static_assert(is_a<Kda>(Structure::per_key, Domain::real, true, false) && Kda::coupled);
static_assert(is_a<KdaLayer>(Structure::per_key, Domain::real, true, false) && KdaLayer::coupled);
static_assert(is_a<KdaLayerSafe>(Structure::per_key, Domain::real, true, false) && KdaLayerSafe::coupled);
static_assert(is_a<Gdn2>(Structure::per_key, Domain::real, true, false) && Gdn2::coupled);
static_assert(is_a<Gdn2Layer>(Structure::per_key, Domain::real, true, false) && Gdn2Layer::coupled);
static_assert(is_a<Dplr>(Structure::per_key, Domain::real, true, false) && Dplr::coupled);
static_assert(is_a<Rwkv7>(Structure::per_key, Domain::real, true, false) && Rwkv7::coupled);
static_assert(is_a<Rwkv7Layer>(Structure::per_key, Domain::real, true, false) && Rwkv7Layer::coupled);

static_assert(is_a<DssExp>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<DssExpNoScale>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<DssExpReIm>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<DssClip>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<DssSoftmax>(Structure::elementwise, Domain::complex, false, true));
static_assert(is_a<S4>(Structure::per_key, Domain::complex, true, true) && S4::coupled);
static_assert(is_a<S5>(Structure::per_value, Domain::complex, true, true));
static_assert(is_a<S5Bilinear>(Structure::per_value, Domain::complex, true, true));
static_assert(is_a<S5Clipped>(Structure::per_value, Domain::complex, true, true));

}  // namespace lcsm::detail
