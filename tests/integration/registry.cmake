add_library(larder_registry_suite STATIC
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_fixture.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_suite.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_suite_apply.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_suite_generation.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_suite_many.c
    ${PROJECT_SOURCE_DIR}/tests/conformance/registry_suite_state.c
    ${PROJECT_SOURCE_DIR}/tests/support/shop.c)
target_link_libraries(larder_registry_suite PUBLIC larder_registry cmocka PRIVATE larder_flags)
larder_test(test_registry
    SOURCES test_registry.c ${PROJECT_SOURCE_DIR}/tests/support/postgres_database.c
    LINKS larder_registry_suite
    LABELS integration)
foreach(name IN ITEMS registry_postgres registry_interrupted)
    larder_test(test_${name}
        SOURCES
            test_${name}.c
            registry_postgres_fixture.c
            ${PROJECT_SOURCE_DIR}/tests/support/postgres_database.c
            ${PROJECT_SOURCE_DIR}/tests/support/shop.c
        LINKS larder_registry
        LABELS integration)
endforeach()
larder_test(test_registry_connection
    SOURCES
        test_registry_connection.c
        ${PROJECT_SOURCE_DIR}/tests/support/postgres_database.c
    LINKS larder_postgres
    LABELS integration)

# Over a SQLite file, which needs no service.
larder_test(test_sqlite_registry
    SOURCES test_sqlite_registry.c
    LINKS larder_registry_suite larder_private_file
    LABELS unit)
foreach(name file tables)
    larder_test(test_sqlite_registry_${name}
        SOURCES
            test_sqlite_registry_${name}.c
            registry_file_fixture.c
            ${PROJECT_SOURCE_DIR}/tests/support/shop.c
        LINKS larder_registry larder_private_file Threads::Threads
        LABELS unit)
endforeach()
foreach(name registry_crash contention)
    larder_test(test_sqlite_${name}
        SOURCES test_sqlite_${name}.c ${PROJECT_SOURCE_DIR}/tests/support/shop.c
        LINKS larder_registry larder_private_file
        LABELS unit
        TIMEOUT 600)
endforeach()
