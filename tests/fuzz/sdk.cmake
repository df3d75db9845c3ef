larder_fuzz(fuzz_answer
    SOURCES fuzz_answer.c
    LINKS larder_sdk
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/answer)
