# SPDX-License-Identifier: MIT
# cmake -DCOMPILER=... -DFILE=... [-DPARSED=...] [-DFOLDERS=...] [-DSYSTEM_FOLDERS=...] [-DPARSE=ON] -P check.cmake
# PARSED: a header that is included before the file, precompiled; PARSE makes that of FILE.
function(fail text)
  message(NOTICE "${text}")  # as it is: FATAL_ERROR would wrap the lines
  message(FATAL_ERROR "compile_fail")
endfunction()

# Width one: the messages do not depend on it, and the SIMD library would double the time.
set(command "${COMPILER}" -std=c++20 -DLCSM_NO_XSIMD)
foreach(folder IN LISTS FOLDERS)
  list(APPEND command "-I${folder}")
endforeach()
foreach(folder IN LISTS SYSTEM_FOLDERS)
  list(APPEND command -isystem "${folder}")
endforeach()

execute_process(COMMAND "${COMPILER}" --version OUTPUT_VARIABLE banner)
if(banner MATCHES "clang")
  set(precompiled "${PARSED}.pch")
  set(include -include-pch "${precompiled}")
else()
  set(precompiled "${PARSED}.gch")
  set(include -include "${PARSED}")
endif()
if(PARSE)
  cmake_path(GET PARSED PARENT_PATH folder)
  file(MAKE_DIRECTORY "${folder}")
  file(COPY_FILE "${FILE}" "${PARSED}")
  execute_process(COMMAND ${command} -x c++-header "${PARSED}" -o "${precompiled}" RESULT_VARIABLE status ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    fail("${FILE} does not compile:\n${output}")
  endif()
  return()
endif()
list(APPEND command ${include} -fsyntax-only)

file(READ "${FILE}" text)
if(NOT text MATCHES "// expect: ([^\r\n]+)")
  fail("${FILE} has no line `// expect: <text>`")
endif()
string(STRIP "${CMAKE_MATCH_1}" expected)

execute_process(COMMAND ${command} "${FILE}" RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_VARIABLE output)
if(NOT status EQUAL 0)
  fail("the twin of ${FILE} does not compile without LCSM_FAIL:\n${output}")
endif()

execute_process(COMMAND ${command} -DLCSM_FAIL "${FILE}" RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_VARIABLE output)
if(status EQUAL 0)
  fail("${FILE} compiles although it should not")
endif()
# "error:" with its colon, because a note may name a file called error.hpp.
string(REGEX MATCH "[^\n]*error:[^\n]*" first "${output}")
string(FIND "${first}" "${expected}" position)
if(position EQUAL -1)
  fail("expected in the first error line of ${FILE}:\n  ${expected}\ngiven:\n  ${first}\nwhole output:\n${output}")
endif()
message(STATUS "${first}")
