// SPDX-License-Identifier: MIT
#pragma once

#include "registry.hpp"

#include <lcsm/analysis/attention.hpp>

namespace report {

template <class W> void add_attention(const char* name, const lcsm::AttentionOptions& options = {}) {
  const std::string eta = lcsm::analysis::name_of(W::sum == lcsm::weight::Sum::exact ? lcsm::analysis::Eta::row_sum : W::sum == lcsm::weight::Sum::bounded ? lcsm::analysis::Eta::bounded_row_sum : lcsm::analysis::Eta::one);
  entries().push_back({name, "attention", "1", options.by_visible ? "k[a] / (sqrt K visible keys)" : "k[a] / sqrt K", "q[a]", eta, [options](const Told& told) {
                         lcsm::Buffer<double> q(1, told.tokens, heads, keys), k(q), v(1, told.tokens, heads, values);
                         draw(q, "q", true, true, told, {}), draw(k, "k", true, true, told, {});
                         return lcsm::analysis::dynamics(lcsm::Attention<W>{}, typename lcsm::Attention<W>::template In<double>{.q = q, .k = k, .v = v}, {.head = head, .order = told.order}, options);
                       }});
}

}  // namespace report
