# SPDX-License-Identifier: MIT
# What our own tests, examples and benchmarks are compiled with; never part of lcsm::lcsm.
set(LCSM_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Wrong alarms inside libstdc++'s std::string when strings are joined (GCC bugs 105329 and 105651): told, but no error.
  list(APPEND LCSM_WARNINGS -Wno-error=array-bounds -Wno-error=restrict)
  # And inside its own intrinsics of AVX-512, which start from "undefined" registers (GCC bug 105593).
  list(APPEND LCSM_WARNINGS -Wno-error=uninitialized -Wno-error=maybe-uninitialized)
endif()

function(lcsm_test_flags target)
  target_link_libraries(${target} PRIVATE lcsm::lcsm)
  target_compile_options(${target} PRIVATE ${LCSM_WARNINGS})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# A file called *_openmp.cpp, *_tbb.cpp or *_mpi.cpp is about that optional part. Sets <result> to the part ("" for none), and
# <available> to whether it can be built.
function(lcsm_optional_part file result available)
  set(${result} "" PARENT_SCOPE)
  set(${available} TRUE PARENT_SCOPE)
  if(file MATCHES "[_/](openmp|tbb|mpi)\\.[a-z]+$")
    set(part ${CMAKE_MATCH_1})
    set(${result} ${part} PARENT_SCOPE)
    if(part STREQUAL "openmp")
      set(target lcsm::openmp)
    elseif(part STREQUAL "tbb")
      find_package(TBB QUIET GLOBAL)
      set(target TBB::tbb)
    else()
      find_package(MPI QUIET GLOBAL COMPONENTS CXX)
      set(target MPI::MPI_CXX)
    endif()
    if(NOT TARGET ${target})
      set(${available} FALSE PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(lcsm_link_part target part)
  if(part STREQUAL "openmp")
    target_link_libraries(${target} PRIVATE lcsm::openmp)
  elseif(part STREQUAL "tbb")
    target_link_libraries(${target} PRIVATE TBB::tbb)
  elseif(part STREQUAL "mpi")
    target_link_libraries(${target} PRIVATE MPI::MPI_CXX)
  endif()
endfunction()
