# SPDX-License-Identifier: MIT
# Pinned releases of what is not installed. Offline: FETCHCONTENT_SOURCE_DIR_LCSM_<NAME> names an unpacked copy.
include(FetchContent)

FetchContent_Declare(lcsm_eigen SOURCE_SUBDIR none
  URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
  URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72)
FetchContent_Declare(lcsm_xsimd SOURCE_SUBDIR none
  URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.0.0.tar.gz
  URL_HASH SHA256=8bdbbad0c3e7afa38d88d0d484d70a1671a1d8aefff03f4223ab2eb6a41110a3)
FetchContent_Declare(lcsm_json SOURCE_SUBDIR none
  URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
  URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
FetchContent_Declare(lcsm_catch2
  URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.5.4.tar.gz
  URL_HASH SHA256=b7754b711242c167d8f60b890695347f90a1ebc95949a045385114165d606dbb)
FetchContent_Declare(lcsm_benchmark
  URL https://github.com/google/benchmark/archive/refs/tags/v1.8.3.tar.gz
  URL_HASH SHA256=6bc180a57d23d4d9515519f92b0c83d61b05b5bab188961f36ac7b06b0d9e9ce)

# Header folders only: SOURCE_SUBDIR names no folder, so that the project's own CMakeLists.txt is left alone.
function(lcsm_fetch_headers name)
  FetchContent_MakeAvailable(lcsm_${name})
  if(name STREQUAL "eigen")
    lcsm_header_target(${name} "${lcsm_${name}_SOURCE_DIR}")
  else()
    lcsm_header_target(${name} "${lcsm_${name}_SOURCE_DIR}/include")
  endif()
endfunction()

function(lcsm_require name)
  lcsm_find(${name} problem)
  if(TARGET lcsm::${name})
    return()
  elseif(LCSM_FETCH_DEPENDENCIES)
    message(STATUS "${problem}; fetching a release")
    lcsm_fetch_headers(${name})
  else()
    message(FATAL_ERROR "${problem}")
  endif()
endfunction()
