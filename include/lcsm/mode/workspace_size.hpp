// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/reference.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The bytes that a call of a mode wants as options.workspace, whatever the block's alignment; nothing is run. They depend on shapes, options and the
// number of workers. Arguments and errors are those of the mode; an OptionError also where the mixer lacks it. `Mode::attention` is `attend`.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
Index workspace_size(const Exec& exec, Mode mode, M mixer, const In& in, const View<S>& y, const Options<T>& options = {}) {
  const Measure<Exec> measure{exec};
  if (!has_mode<M>(mode))
    raise<OptionError>("workspace_size", "mode", std::string("a mode of this mixer (") + why_not<M>(mode) + ")", name_of(mode));
  if (mode == Mode::reference) return Workspace::size(naive::scratch_bytes<M>(checked_call<M, T>("reference", in, y, options).extent), 1);
  if (mode == Mode::recurrent) recurrent(measure, mixer, in, y, options);
  if constexpr (has_mode<M>(Mode::scan)) if (mode == Mode::scan) scan(measure, mixer, in, y, options);
  if constexpr (has_mode<M>(Mode::chunkwise)) if (mode == Mode::chunkwise) chunkwise(measure, mixer, in, y, options);
  if constexpr (has_mode<M>(Mode::attention)) if (mode == Mode::attention) attend(measure, mixer, in, y, options);
  return measure.bytes;
}
// The same for `mix`.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
Index workspace_size(const Exec& exec, M mixer, const In& in, const View<S>& y, const Options<T>& options = {}) {
  const Measure<Exec> measure{exec};
  mix(measure, mixer, in, y, options);
  return measure.bytes;
}
// The same for `attention_matrix`.
template <class Exec, class M, class In, class S, class T = storage_compute_t<S>>
Index matrix_workspace_size(const Exec& exec, M mixer, const In& in, const View<S>& a, const Options<T>& options = {}) {
  const Measure<Exec> measure{exec};
  attention_matrix(measure, mixer, in, a, options);
  return measure.bytes;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
