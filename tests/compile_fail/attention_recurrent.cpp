// SPDX-License-Identifier: MIT
// expect: lcsm::recurrent: attention with a weight that is not linear keeps every key and value, no finite state: use lcsm::attend
#include <lcsm/attention/attend.hpp>
#include <lcsm/exec/seq.hpp>

void call(const lcsm::SoftmaxAttention::In<const float>& in, lcsm::View<float> y) {
#ifdef LCSM_FAIL
  lcsm::recurrent(lcsm::exec::seq, lcsm::SoftmaxAttention{}, in, y);
#else
  lcsm::attend(lcsm::exec::seq, lcsm::SoftmaxAttention{}, in, y);
#endif
}
