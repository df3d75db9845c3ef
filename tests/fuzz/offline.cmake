larder_fuzz(fuzz_copy
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_copy.c
    LINKS larder_copy
    CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/copy)
