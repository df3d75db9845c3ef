larder_fuzz(fuzz_yaml
    SOURCES fuzz_yaml.c
    LINKS larder_config
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/yaml)
