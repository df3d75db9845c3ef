# Tests of config/.
foreach(noun definitions definitions_json definitions_yaml difference examples nearest_name node_json
        node_yaml place
        query_text repository selection settings url_secret)
    larder_test(test_${noun}
        SOURCES test_${noun}.c definitions_text.c random_definitions.c
        LINKS larder_config
        LABELS unit)
endforeach()
target_compile_definitions(test_examples PRIVATE EXAMPLES="${PROJECT_SOURCE_DIR}/tests/unit")
add_test(NAME test_schema
    COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider
        ${PROJECT_SOURCE_DIR}/tests/unit/test_schema.py)
set_tests_properties(test_schema PROPERTIES TIMEOUT 120 LABELS unit)
