larder_test(test_redis_url SOURCES test_redis_url.c LINKS larder_online LABELS unit)
larder_test(test_near_rows SOURCES test_near_rows.c LINKS larder_online LABELS unit)
larder_test(test_redis_reply SOURCES test_redis_reply.c LINKS larder_online LABELS unit)

# What every online store must do.
add_library(larder_online_suite STATIC
    ${PROJECT_SOURCE_DIR}/tests/conformance/online_store_scan.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/online_store_suite.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/online_store_fixture.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/online_store_rows.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/online_store_definitions.c)
target_link_libraries(larder_online_suite PUBLIC larder_online cmocka PRIVATE larder_flags)

larder_test(test_memory_online_store
    SOURCES
        test_memory_online_store.c
        ${PROJECT_SOURCE_DIR}/tests/support/memory_online_store.c
    LINKS larder_online_suite
    LABELS unit)
