# A room is a folder of src/, a static library and a namespace of one name. A file in the folder belongs to
# the room. USES names the rooms above it in the table of ARCHITECTURE.md; tools/check_rooms.py holds the
# #includes against that order.

# One precompiled header for all rooms: the parts of the standard library and the libraries that nearly every
# file includes anyway. Headers must still compile alone; the `clang` preset builds without it.
if(LATEEN_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/anchor.cc "")
  add_library(lateen_pch STATIC ${CMAKE_BINARY_DIR}/pch/anchor.cc)
  target_link_libraries(lateen_pch PUBLIC Boost::json fmt::fmt Threads::Threads)
  target_precompile_headers(lateen_pch PRIVATE
    <algorithm> <chrono> <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view>
    <thread> <tuple> <unordered_map> <utility> <variant> <vector>
    <boost/json.hpp> <fmt/format.h> <tl/expected.hpp>)
endif()

function(lateen_room name)
  cmake_parse_arguments(room "" "" "USES;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  add_library(lateen_${name} STATIC ${sources})
  target_include_directories(lateen_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM room_USES PREPEND lateen_)
  foreach(used ${room_USES})
    if(TARGET ${used})
      target_link_libraries(lateen_${name} PUBLIC ${used})
    endif()
  endforeach()
  target_link_libraries(lateen_${name} PUBLIC Boost::json fmt::fmt Threads::Threads PRIVATE ${room_LINK})
  if(LATEEN_PCH)
    target_precompile_headers(lateen_${name} REUSE_FROM lateen_pch)
  endif()
  # Six files as one take less than half the time. Names in unnamed namespaces are therefore unlike within a room; base,
  # everybody's, and plugins, mostly templates, stay as they are.
  if(NOT name MATCHES "^(base|plugins)$")
    lateen_six_as_one(lateen_${name})
  endif()
endfunction()

function(lateen_six_as_one target)
  if(LATEEN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
    # Each .cc would be taken for a header, and its neighbours' names for its own; other builds have these warnings.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage -Wno-shadow)
  endif()
endfunction()

function(lateen_test_settings target)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE
    LATEEN_TESTDATA="${CMAKE_SOURCE_DIR}/tests/testdata" LATEEN_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    LATEEN_BINARY="$<TARGET_FILE:lateen>")
  # Test code runs once: compile it fast.
  target_compile_options(${target} PRIVATE -O0)
  target_link_libraries(${target} PRIVATE Boost::json fmt::fmt Threads::Threads GTest::gtest GTest::gmock)
  if(TARGET lateen_test_pch AND NOT target STREQUAL lateen_test_pch)
    target_precompile_headers(${target} REUSE_FROM lateen_test_pch)
  endif()
endfunction()

# What nearly every test includes; reading GoogleTest's headers is most of a test file's compilation.
function(lateen_precompile_test_headers)
  if(NOT LATEEN_PCH)
    return()
  endif()
  add_library(lateen_test_pch STATIC ${CMAKE_BINARY_DIR}/pch/anchor.cc)
  lateen_test_settings(lateen_test_pch)
  target_include_directories(lateen_test_pch PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_precompile_headers(lateen_test_pch PRIVATE
    <algorithm> <chrono> <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view>
    <thread> <tuple> <unordered_map> <utility> <variant> <vector>
    <boost/json.hpp> <fmt/format.h> <tl/expected.hpp> <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# tests/<room>/**/*_test.cc become one GoogleTest program, <room>_test. ctest runs each case by itself, or, with
# VOYAGES, each file's suite as a whole.
function(lateen_room_tests name)
  cmake_parse_arguments(test "VOYAGES" "TIMEOUT" "USES;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 240)  # what takes a second takes many on a busy machine
  endif()
  add_executable(${name}_test ${sources})
  lateen_test_settings(${name}_test)
  if(NOT test_VOYAGES)  # each has a little cluster of its own, and names for what is in it
    lateen_six_as_one(${name}_test)
  endif()
  foreach(used ${name} ${test_USES})
    if(TARGET lateen_${used})
      target_link_libraries(${name}_test PRIVATE lateen_${used})
    endif()
  endforeach()
  target_link_libraries(${name}_test PRIVATE GTest::gtest_main ${test_LINK})
  if(test_VOYAGES)
    add_dependencies(${name}_test lateen)
    lateen_add_voyages(${name} ${test_TIMEOUT})
    return()
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}_test NO_PRETTY_VALUES TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${test_TIMEOUT})
endfunction()

# The cases of a voyage share a sandbox, so a suite is one test to ctest: bad_input_test.cc has BadInputVoyage, and with
# parameters BadInputVoyage and a word more. Two lanes keep it to two sandboxes at once, whatever -j says. A suite that no
# file is named after makes the last test fail, rather than never run.
function(lateen_add_voyages name timeout)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cc)
  set(lane 0)
  set(others "")
  foreach(source ${sources})
    get_filename_component(words ${source} NAME)
    string(REGEX REPLACE "_test\\.cc$" "" words ${words})
    string(REPLACE "_" ";" words ${words})
    set(suite "")
    foreach(word ${words})
      string(SUBSTRING ${word} 0 1 first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${first} first)
      string(APPEND suite ${first}${rest})
    endforeach()
    add_test(NAME ${name}.${suite} COMMAND ${name}_test --gtest_filter=${suite}Voyage*)
    set_tests_properties(${name}.${suite} PROPERTIES TIMEOUT ${timeout} RESOURCE_LOCK voyage-lane-${lane}
                         FAIL_REGULAR_EXPRESSION "Running 0 tests from")
    math(EXPR lane "1 - ${lane}")
    list(APPEND others "${suite}Voyage*")
  endforeach()
  list(JOIN others ":" others)
  add_test(NAME ${name}.NoOtherSuite COMMAND ${name}_test --gtest_filter=-${others})
  set_tests_properties(${name}.NoOtherSuite PROPERTIES PASS_REGULAR_EXPRESSION "Running 0 tests from 0 test suites")
endfunction()

# tests/<name>/**/*.cc and SOURCES become one program that ctest runs as one test: its cases share servers that take
# seconds to start. It asks for the tests' Python environment.
function(lateen_server_tests name)
  cmake_parse_arguments(test "" "TIMEOUT" "USES;SOURCES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  list(TRANSFORM test_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_executable(${name}_test ${sources} ${test_SOURCES})
  lateen_test_settings(${name}_test)
  list(TRANSFORM test_USES PREPEND lateen_)
  target_link_libraries(${name}_test PRIVATE ${test_USES} GTest::gtest_main)
  add_test(NAME ${name}.Servers COMMAND ${name}_test --gtest_brief=1)
  set_tests_properties(${name}.Servers PROPERTIES TIMEOUT ${test_TIMEOUT})
endfunction()
