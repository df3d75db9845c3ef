foreach(name IN ITEMS csv entity_key row)
    larder_fuzz(fuzz_${name} SOURCES fuzz_${name}.c LINKS larder_base
        CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
endforeach()
