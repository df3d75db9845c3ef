larder_test(test_copy_decode
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_copy_decode.c
    LINKS larder_copy LABELS unit)
larder_test(test_copy_target
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_copy_target.c
    LINKS larder_copy LABELS unit)
