// SPDX-License-Identifier: MIT
#include "../registry.hpp"

#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/tnl.hpp>

namespace report {
namespace {

const Part part([] {
  REPORT_MIXER(LinearAttentionNormalised, "linear attention");
  REPORT_MIXER(LinearTransformer, "linear attention");
  REPORT_MIXER(CosFormer, "linear attention", [](auto& p, Generator& ) { initialise(lcsm::CosFormer{}, p, 2 * shut); });
  REPORT_MIXER(LrpeRotate, "linear attention");
  REPORT_MIXER(LrpeRotateLow, "linear attention");
  REPORT_MIXER(LrpeRotateHigh, "linear attention");
  REPORT_MIXER(LrpeCosine, "linear attention");
  REPORT_MIXER(LrpeCosineLow, "linear attention");
  REPORT_MIXER(LrpeCosineHigh, "linear attention");
  REPORT_MIXER(LrpeLearned, "linear attention", [](auto& p, Generator& ) { initialise(lcsm::LrpeLearned{}, p); });
  REPORT_MIXER(LightNet, "linear attention");
  REPORT_MIXER(LightNetLayer, "linear attention");
  REPORT_MIXER(RetNet, "fixed decay");
  REPORT_MIXER(Retention, "fixed decay");
  REPORT_MIXER(RetNetFla, "fixed decay");
  REPORT_MIXER(Lightning, "fixed decay", [](auto& p, Generator& ) { initialise(lcsm::Lightning{}, p, 2, 12); });
  REPORT_MIXER(LightningFla, "fixed decay", [](auto& p, Generator& ) { initialise(lcsm::LightningFla{}, p, 2, 12); });
  REPORT_MIXER(Tnl, "fixed decay", [](auto& p, Generator& ) { initialise(lcsm::Tnl{}, p, 2, 12); });
  REPORT_MIXER(TnlSiluValue, "fixed decay", [](auto& p, Generator& ) { initialise(lcsm::TnlSiluValue{}, p, 2, 12); });
  REPORT_MIXER(TnlLrpe, "fixed decay", [](auto& p, Generator& ) { initialise(lcsm::TnlLrpe{}, p, 2, 12); });
});

}  // namespace
}  // namespace report
