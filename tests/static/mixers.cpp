// SPDX-License-Identifier: MIT
// What the algebra computes for every published mixer, told by nobody. docs/mixers.md says the same, but is rewritten by one command.
#include <lcsm/mixers.hpp>

namespace {
using namespace lcsm;

enum Factors : bool { elementwise, factors };              // not every, or every coefficient is a key side times a channel side
enum Time : bool { varying, invariant };                   // whether shifting the input in time shifts the output

template <Structure S, Domain D, Factors F, Time T, bool Coupled, class M> constexpr bool is_a() {
  static_assert(M::structure == S, "structure of the oscillation");
  static_assert(M::domain == D, "domain");
  static_assert(M::factors == bool(F), "factors into keys and channels");
  static_assert(M::time_invariant == bool(T), "time-invariant");
  static_assert(M::coupled == Coupled, "couples keys");
  return true;
}
template <Structure S, Domain D, Factors F, Time T, class... M> constexpr bool diagonal = (is_a<S, D, F, T, false, M>() && ...);
template <Structure S, Domain D, Factors F, Time T, class... M> constexpr bool coupled = (is_a<S, D, F, T, true, M>() && ...);

static_assert(diagonal<Structure::identity, Domain::real, factors, varying, TransformerVq, LongVq<>, LinearAttention, LinearAttentionNormalised, LinearTransformer, LrpeRotate,
                       LrpeRotateLow, LrpeRotateHigh, LightNet, LightNetLayer>);
static_assert(diagonal<Structure::scalar, Domain::real, factors, varying, Retention, RetNet, RetNetFla, Lightning, LightningFla, Tnl, TnlSiluValue, SimpleGla,
                       Mamba2, Mamba2Log, Mamba2Discrete, Mlstm, MlstmFromNothing, MlstmLayer>);
static_assert(diagonal<Structure::scalar, Domain::complex, factors, varying, CosFormer, GateLoopScalar, GateLoopOperatorScalar, GateLoopAttention>);
static_assert(diagonal<Structure::per_key, Domain::real, factors, varying, Gla, GlaLayerGate, Hgrn2, Hgrn2Unscaled, Rwkv6, Rwkv6Layer>);
static_assert(diagonal<Structure::per_key, Domain::complex, factors, varying, GateLoop, GateLoopOperator, TnlLrpe, LrpeCosine, LrpeCosineLow, LrpeCosineHigh,
                       LrpeLearned>);
static_assert(diagonal<Structure::per_value, Domain::real, factors, varying, GateLoopSimple, GatedLinearRnn, GatedLinearRnnTied, FirstOrder, Hgrn, HgrnReal,
                       MinGru, MinGruLinear, MinLstm, MinLstmLinear, MinLstmUnscaled, Rwkv4, RgLru, RgLruUnreset>);
static_assert(diagonal<Structure::per_value, Domain::complex, factors, varying, GateLoopMaximallyHeaded, HgrnComplex>);
static_assert(diagonal<Structure::per_value, Domain::complex, factors, invariant, Lru, S5, S5Bilinear, S5Clipped, S5BilinearClipped>);
static_assert(diagonal<Structure::rank_one, Domain::real, factors, varying, DecayingFastWeights, GatedFastWeights>);

static_assert(diagonal<Structure::elementwise, Domain::real, elementwise, varying, Mamba, MambaLog, MambaStep, MambaConstant>);
static_assert(diagonal<Structure::elementwise, Domain::complex, elementwise, varying, MambaComplex>);
static_assert(diagonal<Structure::elementwise, Domain::real, elementwise, invariant, MegaEma>);
static_assert(diagonal<Structure::elementwise, Domain::complex, elementwise, invariant, S4d, S4dWithB, S4dBilinear, DssExp, DssExpNoScale, DssExpReIm, DssClip,
                       DssClipNoScale, DssSoftmax>);
// Their read is a K x D parameter.
static_assert(diagonal<Structure::per_key, Domain::complex, elementwise, invariant, Dlr, DlrImag, DlrSum, DlrLambdaImag, DlrLambdaImagWReal>);
static_assert(diagonal<Structure::per_key, Domain::real, elementwise, invariant, DlrLambdaRealWReal>);

static_assert(coupled<Structure::identity, Domain::real, factors, varying, DeltaRule, DeltaRuleNorm, DeltaNet, DeltaNetNegative, Iplr>);
static_assert(coupled<Structure::scalar, Domain::real, factors, varying, GatedDeltaRule, GatedDeltaRuleNorm, GatedDeltaNet, GatedDeltaNetNegative, Comba,
                      CombaDecayed, CombaLayer>);
static_assert(coupled<Structure::per_key, Domain::real, factors, varying, Kda, KdaNorm, KdaLayer, KdaLayerNegative, KdaLayerSafe, KdaLayerSafeNegative, Gdn2,
                      Gdn2Layer, Gdn2LayerNegative, Gdn2LayerSafe, Gdn2LayerSafeNegative, Dplr, Rwkv7, Rwkv7Layer>);
static_assert(coupled<Structure::per_key, Domain::complex, factors, invariant, S4>);

static_assert(!LinearAttentionNormalised::denominator_per_channel && GateLoopMaximallyHeaded::per_channel && HgrnComplex::projection::parts == 2);

}  // namespace
