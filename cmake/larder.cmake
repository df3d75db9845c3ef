# What every target of the project shares.

option(LARDER_WERROR "Warnings are errors" ON)
set(LARDER_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(LARDER_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

add_library(larder_flags INTERFACE)
target_compile_options(larder_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    -Wstrict-prototypes -Wmissing-prototypes -fno-common $<$<BOOL:${LARDER_WERROR}>:-Werror>)
target_compile_definitions(larder_flags INTERFACE _GNU_SOURCE LARDER_VERSION="${PROJECT_VERSION}")
# Also for sources that are not ours, whose warnings are not either.
add_library(larder_sanitizers INTERFACE)
target_link_libraries(larder_flags INTERFACE larder_sanitizers)
if(LARDER_SANITIZE)
    target_compile_options(larder_sanitizers INTERFACE -fsanitize=${LARDER_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=all)
    # Instrumented code confuses gcc's view of what is written where.
    target_compile_options(larder_flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(larder_sanitizers INTERFACE -fsanitize=${LARDER_SANITIZE})
endif()
if(LARDER_FUZZ)
    target_compile_options(larder_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()

# larder_library(NAME SOURCES a.c b.c LINKS larder_base PkgConfig::PQ): one static library a folder.
function(larder_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE larder_flags)
endfunction()

# larder_test(NAME SOURCES a.c LINKS larder_base [LABELS unit]): one cmocka program, one ctest test.
function(larder_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} cmocka larder_flags)
    add_test(NAME ${name} COMMAND ${name})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# larder_fuzz(NAME SOURCES a.c LINKS ... CORPUS dir): a libFuzzer target where LARDER_FUZZ is on;
# always a replay of its corpus as a test.
function(larder_fuzz name)
    cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINKS" ${ARGN})
    if(LARDER_FUZZ)
        add_executable(${name} ${ARG_SOURCES})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME ${name} COMMAND ${name} ${ARG_CORPUS})
        set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
    endif()
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} larder_flags)
endfunction()
