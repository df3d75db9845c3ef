foreach(name IN ITEMS arena buffer counter csv entity_key error float_text histogram input keyed_hash log log_json
                      row row_resolve timestamp value value_text)
    larder_test(test_${name} SOURCES test_${name}.c LINKS larder_base LABELS unit)
endforeach()
target_link_libraries(test_float_text PRIVATE m)
target_link_libraries(test_value_text PRIVATE m)
