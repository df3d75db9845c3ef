larder_test(test_window SOURCES test_window.c LINKS larder_materializer LABELS unit)
larder_test(test_row_batch SOURCES test_row_batch.c LINKS larder_materializer LABELS unit)
