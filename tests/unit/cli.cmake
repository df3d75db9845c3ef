# Tests of cli/.
foreach(noun screen excerpt)
    larder_test(test_${noun} SOURCES test_${noun}.c LINKS larder_cli LABELS unit)
endforeach()
