# Tests of cli/.
foreach(noun screen excerpt progress)
    larder_test(test_${noun} SOURCES test_${noun}.c LINKS larder_cli LABELS unit)
endforeach()
