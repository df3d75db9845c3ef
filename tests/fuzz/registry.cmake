larder_fuzz(fuzz_catalog
    SOURCES fuzz_catalog.c
    LINKS larder_registry
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/catalog)
