foreach(name IN ITEMS arena buffer counter entity_key error log row row_resolve
                      timestamp value)
    larder_test(test_${name} SOURCES test_${name}.c LINKS larder_base LABELS unit)
endforeach()
