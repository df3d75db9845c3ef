larder_test(test_redis_url SOURCES test_redis_url.c LINKS larder_online LABELS unit)
larder_test(test_redis_reply SOURCES test_redis_reply.c LINKS larder_online LABELS unit)
