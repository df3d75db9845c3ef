larder_fuzz(fuzz_arrow
    SOURCES fuzz_arrow.c
    LINKS larder_training
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/arrow)
