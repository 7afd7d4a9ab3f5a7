# SPDX-License-Identifier: MIT
# What examples/run, tests/run and bench/run share; sourced by them with `set -euo pipefail` in force.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# ccache would otherwise not reuse objects that were built with a precompiled header.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# need_value OPTION NUMBER_OF_ARGUMENTS_LEFT
need_value() { [ "$2" -ge 2 ] || { say "$1 needs a value"; exit 2; }; }
need_jobs() { case $1 in '' | *[!0-9]* | 0) say "-j needs a number, given '$1'"; exit 2 ;; esac; }

# listed_packages FILE TAG...: "name" or "name optional", a line each, for the lines of FILE that carry one of the tags
listed_packages() {
  local file=$1 name tags tag
  shift
  while read -r name tags; do
    case $name in '' | '#'*) continue ;; esac
    for tag in "$@"; do
      case " ${tags%%:*} " in *" $tag "*)
        case $tags in *" optional"*) printf '%s optional\n' "$name" ;; *) printf '%s\n' "$name" ;; esac
        break ;;
      esac
    done
  done <"$file"
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_packages FILE TAG...: installs what is missing. Elsewhere than on Debian, CMake fetches the libraries.
need_packages() {
  local file=$1 name kind missing=() optional=() sudo=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then return 0; fi
  while read -r name kind; do
    is_installed "$name" && continue
    if [ "$kind" = optional ]; then optional+=("$name"); else missing+=("$name"); fi
  done < <(listed_packages "$@")
  [ $((${#missing[@]} + ${#optional[@]})) -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    sudo=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
      [ ${#missing[@]} -gt 0 ] || { say "not installed, going on without: ${optional[*]}"; return 0; }
      die "Packages are missing. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
  fi
  say "installing: ${missing[*]} ${optional[*]}"
  # A failed update is told by the installation that needs it.
  "${sudo[@]}" apt-get update -qq >&2 || true
  if [ ${#missing[@]} -gt 0 ]; then
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
      die "Packages are missing. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  for name in "${optional[@]}"; do
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$name" >&2 || say "not installed, going on without: $name"
  done
}

# configure PRESET [CMAKE_ARGUMENT...]: into build/PRESET, which is reused
configure() {
  local preset=$1 arguments=()
  shift
  if [ ! -e "build/$preset/CMakeCache.txt" ]; then
    if command -v ninja >/dev/null; then arguments+=(-G Ninja); fi
    if command -v ccache >/dev/null; then arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  fi
  cmake --preset "$preset" "${arguments[@]}" "$@"
}
