# Training equals serving, over a SQLite file and an online store in memory.
larder_test(test_verify
    SOURCES
        ${CMAKE_CURRENT_LIST_DIR}/test_verify.c
        ${PROJECT_SOURCE_DIR}/tests/support/memory_online_store.c
        ${PROJECT_SOURCE_DIR}/tests/support/shop.c
    LINKS larder_materializer larder_training larder_private_file
    LABELS unit)
