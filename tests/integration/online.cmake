# The online store in folders of the tests' own.
add_library(larder_private_folder STATIC private_folder.c)
target_link_libraries(larder_private_folder PUBLIC larder_online PRIVATE larder_flags)

larder_test(test_lmdb_conformance
    SOURCES test_lmdb_conformance.c
    LINKS larder_online_suite larder_private_folder
    LABELS integration)

larder_test(test_lmdb_faults
    SOURCES test_lmdb_faults.c
    LINKS larder_online_suite larder_private_folder
    LABELS integration)
target_link_options(test_lmdb_faults PRIVATE -Wl,--wrap=statfs64)
foreach(name room sharing)
    larder_test(test_lmdb_${name}
        SOURCES test_lmdb_${name}.c
        LINKS larder_online_suite larder_private_folder Threads::Threads
        LABELS integration)
endforeach()
larder_test(test_lmdb_crash
    SOURCES test_lmdb_crash.c online_contention.c
    LINKS larder_private_folder
    LABELS integration
    TIMEOUT 600)

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
    SOURCES test_online_contention.c online_contention.c
    LINKS larder_private_redis
    LABELS integration
    TIMEOUT 600)
larder_test(test_online_memory
    SOURCES test_online_memory.c
    LINKS larder_private_redis
    LABELS integration)

# The near cache before such a Redis.
larder_test(test_near_conformance
    SOURCES test_near_conformance.c
    LINKS larder_online_suite larder_private_redis
    LABELS integration)
larder_test(test_near_cache
    SOURCES test_near_cache.c gate.c
    LINKS larder_private_redis Threads::Threads
    LABELS integration
    TIMEOUT 600)
