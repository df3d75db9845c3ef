larder_test(test_value_status SOURCES test_value_status.c LINKS larder_training LABELS unit)
larder_test(test_output_file SOURCES test_output_file.c LINKS larder_training LABELS unit)
larder_test(test_checksum SOURCES test_checksum.c LINKS larder_training LABELS unit)
larder_test(test_asks SOURCES test_asks.c LINKS larder_training LABELS unit)
larder_test(test_column_guess SOURCES test_column_guess.c LINKS larder_training LABELS unit)
larder_test(test_pass SOURCES test_pass.c LINKS larder_training LABELS unit)
foreach(name comparison key_sample)
    larder_test(test_${name} SOURCES test_${name}.c LINKS larder_training LABELS unit)
endforeach()
# Parquet, byte by byte.
foreach(name thrift_compact parquet_rle parquet_bounds parquet_column parquet_writer)
    larder_test(test_${name}
        SOURCES test_${name}.c hex_text.c
        LINKS larder_training PkgConfig::ZSTD
        LABELS unit)
endforeach()
