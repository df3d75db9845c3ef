# The offline store against a database of each program's own.
add_library(larder_private_database STATIC ${CMAKE_CURRENT_LIST_DIR}/private_database.c)
target_link_libraries(larder_private_database PUBLIC larder_offline PkgConfig::PQ PRIVATE larder_flags)

add_library(larder_offline_suite STATIC
    ${CMAKE_CURRENT_LIST_DIR}/../conformance/offline_history.c
    ${CMAKE_CURRENT_LIST_DIR}/../conformance/offline_store_fixture.c
    ${CMAKE_CURRENT_LIST_DIR}/../conformance/offline_store_small.c
    ${CMAKE_CURRENT_LIST_DIR}/../conformance/offline_store_suite.c
    ${CMAKE_CURRENT_LIST_DIR}/../unit/definitions_text.c)
target_link_libraries(larder_offline_suite PUBLIC larder_training cmocka PRIVATE larder_flags)
larder_test(test_offline_conformance
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_offline_conformance.c
    LINKS larder_private_database larder_offline_suite LABELS integration TIMEOUT 300)

# The same over a SQLite file, which needs no service.
add_library(larder_private_file STATIC ${CMAKE_CURRENT_LIST_DIR}/private_file.c)
target_link_libraries(larder_private_file PUBLIC larder_offline PkgConfig::SQLITE PRIVATE larder_flags)
larder_test(test_sqlite_conformance
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sqlite_conformance.c
    LINKS larder_private_file larder_offline_suite LABELS unit TIMEOUT 300)

add_library(larder_offline_text STATIC
    ${CMAKE_CURRENT_LIST_DIR}/offline_text.c
    ${CMAKE_CURRENT_LIST_DIR}/../unit/definitions_text.c)
target_link_libraries(larder_offline_text PUBLIC larder_training larder_private_database PRIVATE larder_flags)
foreach(name check join load scan)
    larder_test(test_offline_${name}
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_offline_${name}.c
        LINKS larder_offline_text LABELS integration)
endforeach()
foreach(name offline query)
    larder_test(test_sqlite_${name}
        SOURCES
            ${CMAKE_CURRENT_LIST_DIR}/test_sqlite_${name}.c
            ${CMAKE_CURRENT_LIST_DIR}/offline_file_fixture.c
        LINKS larder_offline_text larder_private_file LABELS unit)
endforeach()
larder_test(test_sqlite_owners
    SOURCES
        ${CMAKE_CURRENT_LIST_DIR}/test_sqlite_owners.c
        ${CMAKE_CURRENT_LIST_DIR}/owners_table.c
        ${CMAKE_CURRENT_LIST_DIR}/owners_table_draw.c
        ${CMAKE_CURRENT_LIST_DIR}/../unit/definitions_text.c
    LINKS larder_training larder_private_file cmocka LABELS unit)
