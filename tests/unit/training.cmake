larder_test(test_value_status SOURCES test_value_status.c LINKS larder_training LABELS unit)
larder_test(test_output_file SOURCES test_output_file.c LINKS larder_training LABELS unit)
larder_test(test_asks SOURCES test_asks.c LINKS larder_training LABELS unit)
larder_test(test_column_guess SOURCES test_column_guess.c LINKS larder_training LABELS unit)
