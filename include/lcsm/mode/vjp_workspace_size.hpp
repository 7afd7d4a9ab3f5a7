// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/attend_vjp.hpp>
#include <lcsm/mode/vjp.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The bytes that the adjoint of a mode wants as options.workspace (see workspace_size.hpp for the modes themselves); nothing is run and nothing written. They
// depend on shapes, options, the gradients that are asked for and the number of workers. Arguments and errors are those of the adjoint; an OptionError also
// where the mixer lacks the mode. `Mode::attention` is `attend_vjp`. The memories that reference_vjp keeps are its own.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
Index vjp_workspace_size(const Exec& exec, Mode mode, M mixer, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {},
                         const std::type_identity_t<StateCotangents<T>>& states = {}) {
  const Measure<Exec> measure{exec};
  if (!has_mode<M>(mode)) raise<OptionError>("vjp_workspace_size", "mode", std::string("a mode of this mixer (") + why_not<M>(mode) + ")", name_of(mode));
  if (mode == Mode::reference) {
    const auto [bytes, shared] = naive::adjoint_bytes<M>(checked_adjoint<M, T>("reference_vjp", in, y_bar, grads, options, states), y_bar.batch(), grads);
    return Workspace::size(bytes, 1, shared);
  }
  if (mode == Mode::recurrent) recurrent_vjp(measure, mixer, in, y_bar, grads, options, states);
  if constexpr (has_mode<M>(Mode::scan)) if (mode == Mode::scan) scan_vjp(measure, mixer, in, y_bar, grads, options, states);
  if constexpr (has_mode<M>(Mode::chunkwise)) if (mode == Mode::chunkwise) chunkwise_vjp(measure, mixer, in, y_bar, grads, options, states);
  if constexpr (has_mode<M>(Mode::attention)) if (mode == Mode::attention) attend_vjp(measure, mixer, in, y_bar, grads, options, states);
  return measure.bytes;
}
// The same for `vjp`.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
Index vjp_workspace_size(const Exec& exec, M mixer, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  const Measure<Exec> measure{exec};
  vjp(measure, mixer, in, y_bar, grads, options, states);
  return measure.bytes;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
