larder_test(test_catalog
    SOURCES test_catalog.c ${PROJECT_SOURCE_DIR}/tests/support/shop.c
    LINKS larder_registry
    LABELS unit)
larder_test(test_apply_rules SOURCES test_apply_rules.c LINKS larder_registry LABELS unit)
