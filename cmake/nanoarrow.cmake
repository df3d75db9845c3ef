# nanoarrow: Arrow's IPC format in C, from the sources that scripts/setup has put on the machine, with
# flatcc, in which it writes the format's metadata. It writes alone: what is read comes from outside, and
# training/formats/arrow_* reads that. Its decoder is here for what its encoder takes from it. Target:
# nanoarrow. Its warnings are its own.

set(NANOARROW_VERSION 0.9.0)
set(LARDER_NANOARROW /usr/local/src/nanoarrow-${NANOARROW_VERSION} CACHE PATH "Where its sources are")
if(NOT EXISTS ${LARDER_NANOARROW}/src/nanoarrow/nanoarrow_ipc.h)
    message(FATAL_ERROR "nanoarrow is not in ${LARDER_NANOARROW}; run scripts/setup")
endif()
string(REPLACE . ";" version ${NANOARROW_VERSION})
list(GET version 0 NANOARROW_VERSION_MAJOR)
list(GET version 1 NANOARROW_VERSION_MINOR)
list(GET version 2 NANOARROW_VERSION_PATCH)
configure_file(${LARDER_NANOARROW}/src/nanoarrow/nanoarrow_config.h.in
    ${PROJECT_BINARY_DIR}/nanoarrow/nanoarrow/nanoarrow_config.h)

set(common ${LARDER_NANOARROW}/src/nanoarrow/common)
set(ipc ${LARDER_NANOARROW}/src/nanoarrow/ipc)
set(flatcc ${LARDER_NANOARROW}/flatcc)
add_library(nanoarrow STATIC
    ${common}/array.c ${common}/array_stream.c ${common}/schema.c ${common}/utils.c
    ${ipc}/codecs.c ${ipc}/decoder.c ${ipc}/encoder.c ${ipc}/writer.c
    ${flatcc}/src/runtime/builder.c ${flatcc}/src/runtime/emitter.c ${flatcc}/src/runtime/refmap.c
    ${flatcc}/src/runtime/verifier.c)
target_include_directories(nanoarrow SYSTEM PUBLIC ${LARDER_NANOARROW}/src ${PROJECT_BINARY_DIR}/nanoarrow
    PRIVATE ${flatcc}/include)
target_compile_definitions(nanoarrow PRIVATE _GNU_SOURCE)
target_compile_options(nanoarrow PRIVATE -w)
target_link_libraries(nanoarrow PRIVATE larder_sanitizers)
