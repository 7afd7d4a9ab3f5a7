# SPDX-License-Identifier: MIT
# cmake -DCOMPILER=... -DFILE=... [-DFOLDERS=...] [-DSYSTEM_FOLDERS=...] -P check.cmake
function(fail text)
  message(NOTICE "${text}")  # as it is: FATAL_ERROR would wrap the lines
  message(FATAL_ERROR "compile_fail")
endfunction()

file(READ "${FILE}" text)
if(NOT text MATCHES "// expect: ([^\r\n]+)")
  fail("${FILE} has no line `// expect: <text>`")
endif()
string(STRIP "${CMAKE_MATCH_1}" expected)

set(command "${COMPILER}" -std=c++20 -fsyntax-only -DLCSM_NO_XSIMD)
foreach(folder IN LISTS FOLDERS)
  list(APPEND command "-I${folder}")
endforeach()
foreach(folder IN LISTS SYSTEM_FOLDERS)
  list(APPEND command -isystem "${folder}")
endforeach()

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
