# The online store against Redis servers of the tests' own.
add_library(larder_private_redis STATIC private_redis.c)
target_link_libraries(larder_private_redis PUBLIC larder_online PRIVATE larder_flags)

larder_test(test_online_conformance
    SOURCES test_online_conformance.c
    LINKS larder_online_suite larder_private_redis
    LABELS integration)
larder_test(test_online_faults
    SOURCES test_online_faults.c
    LINKS larder_private_redis Threads::Threads
    LABELS integration)
larder_test(test_online_answers
    SOURCES test_online_answers.c fake_redis.c
    LINKS larder_private_redis Threads::Threads
    LABELS integration)
larder_test(test_online_contention
    SOURCES test_online_contention.c
    LINKS larder_private_redis
    LABELS integration
    TIMEOUT 600)
larder_test(test_online_memory
    SOURCES test_online_memory.c
    LINKS larder_private_redis
    LABELS integration)
