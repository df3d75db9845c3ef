add_library(larder_test_flights STATIC
    ${PROJECT_SOURCE_DIR}/tests/support/flights.c
    ${PROJECT_SOURCE_DIR}/tests/support/memory_online_store.c)
target_link_libraries(larder_test_flights PUBLIC larder_server larder_proto PRIVATE larder_flags)

larder_test(test_wire SOURCES test_wire.c LINKS larder_server LABELS unit)
larder_test(test_snapshot SOURCES test_snapshot.c LINKS larder_test_flights LABELS unit)
larder_test(test_larder_v1 SOURCES test_larder_v1.c LINKS larder_test_flights LABELS unit)
larder_test(test_feast_serving SOURCES test_feast_serving.c LINKS larder_test_flights LABELS unit)
larder_test(test_stream SOURCES test_stream.c LINKS larder_server LABELS unit)
larder_test(test_larder_v1_stream
    SOURCES test_larder_v1_stream.c
    LINKS larder_test_flights
    LABELS unit)
larder_test(test_batch SOURCES test_batch.c LINKS larder_test_flights LABELS unit)
larder_test(test_batch_newest SOURCES test_batch_newest.c LINKS larder_test_flights LABELS unit)
larder_test(test_inflate SOURCES test_inflate.c LINKS larder_server LABELS unit)
larder_test(test_counters SOURCES test_counters.c LINKS larder_server LABELS unit)
larder_test(test_metrics_text SOURCES test_metrics_text.c LINKS larder_http LABELS unit)
larder_test(test_readiness SOURCES test_readiness.c LINKS larder_server LABELS unit)
larder_test(test_health SOURCES test_health.c LINKS larder_server LABELS unit)
larder_test(test_reflection SOURCES test_reflection.c LINKS larder_server larder_proto LABELS unit)
larder_test(test_listen_address SOURCES test_listen_address.c LINKS larder_server LABELS unit)
larder_test(test_pace SOURCES test_pace.c LINKS larder_server LABELS unit)
