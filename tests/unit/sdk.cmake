# Tests of sdk/c. Their allocations can be made to fail (failing_memory.h), except those of libraries.
foreach(noun pool request response)
    larder_test(test_sdk_${noun}
        SOURCES test_sdk_${noun}.c failing_memory.c sdk_answer.c
        LINKS larder_sdk
        LABELS unit)
    target_link_options(test_sdk_${noun} PRIVATE
        -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
endforeach()
