# The C client over a real wire, and liblarder as others see it.
larder_test(test_sdk_client
    SOURCES
        test_sdk_client.c
        fake_feature_service.c
        ../unit/failing_memory.c
        ../unit/sdk_answer.c
    LINKS larder_sdk
    LABELS integration)
target_link_options(test_sdk_client PRIVATE
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)

# What is installed carries no sanitizer, so neither does a project outside.
if(NOT LARDER_SANITIZE AND NOT LARDER_FUZZ)
    add_test(NAME test_sdk_outside_project
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_sdk_outside_project.sh ${PROJECT_BINARY_DIR}
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(test_sdk_outside_project PROPERTIES TIMEOUT 120 LABELS integration)
endif()
