/*
 * online_contention.h - many writers, the same rows, any order: the greatest row of every key wins.
 *
 * In each round several processes write the same rows in orders of their own, in batches of any
 * size, while one more is killed again and again in the midst of it. LARDER_LONG=1 makes it last
 * for minutes.
 */
#ifndef LARDER_TESTS_ONLINE_CONTENTION_H
#define LARDER_TESTS_ONLINE_CONTENTION_H

#include "../conformance/online_store_suite.h"

/* Each process opens the store anew; none is open here while others are started. */
void contend(const struct online_store_maker *maker);

#endif
