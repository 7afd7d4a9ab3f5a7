// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/vjp.hpp>
#include <lcsm/tensor/buffer.hpp>

namespace lcsm {

// A mixer and the same over the tokens in reverse, each with inputs and parameters of its own, added: what encoders have in the place of a causal mixer.
//
//     y = M(ahead) + reverse(M(reverse(behind)))
//
// Both see the token itself, as Mega's two kernels do (facebookresearch/mega: fairseq/modules/exponential_moving_average.py). A parameter of one direction
// alone, such as a skip, is zeros in the other.
template <class M> struct TwoDirections {
  template <class T> struct In {
    typename M::template In<T> ahead{}, behind{};
  };
};

inline namespace LCSM_ARCH {
namespace two_directions {

template <class T> Options<T> reversed(const char* function, Options<T> o) {
  if (o.initial || o.final) raise<OptionError>(function, o.initial ? "initial" : "final", "no state: two directions have none", "one");
  o.direction = o.direction == Direction::forward ? Direction::reverse : Direction::forward;
  return o;
}
template <class A, class B> void add(const View<A>& to, const View<B>& x) {
  for (Index b = 0; b < to.batch(); ++b)
    for (Index t = 0; t < to.time(); ++t)
      for (Index h = 0; h < to.head(); ++h)
        for (Index f = 0; f < to.feature(); ++f) to(b, t, h, f) += x(b, t, h, f);
}

}  // namespace two_directions

// As `mix` of M, with the options of both; allocates an output. Throws as `mix`, and OptionError for a state.
template <class Exec, class M, class T>
void mix(const Exec& exec, TwoDirections<M>, const typename TwoDirections<M>::template In<const std::type_identity_t<T>>& in, const View<T>& y, const Options<T>& options = {}) {
  const Options<T> other = two_directions::reversed("mix", options);
  Buffer<T> behind(y.batch(), y.time(), y.head(), y.feature());
  mix(exec, M{}, in.ahead, y, options), mix(exec, M{}, in.behind, behind.view(), other);
  two_directions::add(y, behind.view());
}

// Its adjoint: the gradients of both; where an input is the same in both, as x is in a layer, add the two.
template <class Exec, class M, class T>
void vjp(const Exec& exec, TwoDirections<M>, const typename TwoDirections<M>::template In<const std::type_identity_t<T>>& in, const View<const T>& y_bar, const typename TwoDirections<M>::template In<std::type_identity_t<T>>& grads,
         const Options<T>& options = {}) {
  const Options<T> other = two_directions::reversed("vjp", options);
  vjp(exec, M{}, in.ahead, y_bar, grads.ahead, options), vjp(exec, M{}, in.behind, y_bar, grads.behind, other);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
