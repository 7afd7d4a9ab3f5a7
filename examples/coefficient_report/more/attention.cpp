// SPDX-License-Identifier: MIT
#include "../add_attention.hpp"

#include <lcsm/mixers/transformer_vq.hpp>

namespace report {
namespace {

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
  add_attention<lcsm::weight::Sigmoid>("SigmoidAttention");
  add_attention<lcsm::weight::SquaredRelu>("SquaredReluAttention", {.by_visible = true});
  add_attention<lcsm::weight::Laplace>("LaplaceAttention", {.by_visible = true});
  add_attention<lcsm::weight::Normalised>("NormalisedAttention");
  add_codes();
});

}  // namespace
}  // namespace report
