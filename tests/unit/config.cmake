# Tests of config/.
foreach(noun definitions_yaml nearest_name node_yaml place query_text settings url_secret)
    larder_test(test_${noun}
        SOURCES test_${noun}.c definitions_text.c
        LINKS larder_config
        LABELS unit)
endforeach()
