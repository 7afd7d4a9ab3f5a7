// SPDX-License-Identifier: MIT
#include "registry.hpp"

#include <lcsm/mixers/transformer_vq.hpp>

namespace report {
namespace {

template <class W> void add_attention(const char* name, const lcsm::AttentionOptions& options = {}) {
  const std::string eta = lcsm::analysis::name_of(W::sum == lcsm::weight::Sum::exact ? lcsm::analysis::Eta::row_sum : W::sum == lcsm::weight::Sum::bounded ? lcsm::analysis::Eta::bounded_row_sum : lcsm::analysis::Eta::one);
  entries().push_back({name, "attention", "1", options.by_visible ? "k[a] / (sqrt K visible keys)" : "k[a] / sqrt K", "q[a]", eta, [options](const Told& told) {
                         lcsm::Buffer<double> q(1, told.tokens, heads, keys), k(q), v(1, told.tokens, heads, values);
                         draw(q, "q", true, true, told, {}), draw(k, "k", true, true, told, {});
                         return lcsm::analysis::dynamics(lcsm::Attention<W>{}, typename lcsm::Attention<W>::template In<double>{.q = q, .k = k, .v = v}, {.head = head, .order = told.order}, options);
                       }});
}
// Attention to a codebook of sixteen codes, so that phi = exp has a finite state after all. The song's symbols are the codes.
void add_codes() {
  using M = lcsm::TransformerVq;
  entries().push_back({"TransformerVq", "attention", "1", "one-hot(code)", "exp(q . codebook[a])", eta_of<M>(), [](const Told& told) {
                         lcsm::Buffer<double> q(1, told.tokens, heads, keys), v(1, told.tokens, heads, values), book(1, 1, heads, symbols, keys);
                         lcsm::Buffer<std::int32_t> code(1, told.tokens, heads, 1);
                         Generator rng(2);
                         lcsm::init::fill(book, [&](Index, Index, Index) { return lcsm::init::normal(rng); });
                         for (Index t = 0; t < told.tokens; ++t)
                           for (Index h = 0; h < heads; ++h) {
                             code[t * heads + h] = std::int32_t(told.noise ? Index(rng() % std::uint64_t(symbols)) : t % symbols);
                             for (Index a = 0; a < keys; ++a) q.view()(0, t, h, a) = (told.noise ? lcsm::init::normal(rng) : book.view().at(0, 0, h, code[t * heads + h], a)) / std::sqrt(double(keys));
                           }
                         return lcsm::analysis::dynamics(M{}, M::In<double>{.code = code, .q = q, .codebook = book, .v = v, .codes = symbols}, {.head = head, .order = told.order});
                       }});
}
const Part part([] {
  add_attention<lcsm::weight::Softmax>("SoftmaxAttention");
  add_attention<lcsm::weight::Sigmoid>("SigmoidAttention");
  add_attention<lcsm::weight::Relu>("ReluAttention");
  add_attention<lcsm::weight::SquaredRelu>("SquaredReluAttention", {.by_visible = true});
  add_attention<lcsm::weight::Laplace>("LaplaceAttention", {.by_visible = true});
  add_attention<lcsm::weight::Normalised>("NormalisedAttention");
  add_codes();
});

}  // namespace
}  // namespace report
