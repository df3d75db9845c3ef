larder_fuzz(fuzz_request
    SOURCES
        fuzz_request.c
        ${PROJECT_SOURCE_DIR}/tests/support/flights.c
        ${PROJECT_SOURCE_DIR}/tests/support/memory_online_store.c
    LINKS
        larder_server
        larder_proto
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/request)

larder_fuzz(fuzz_reflection
    SOURCES
        fuzz_reflection.c
    LINKS
        larder_server
        larder_proto
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/reflection)
