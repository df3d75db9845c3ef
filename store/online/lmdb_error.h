/*
 * lmdb_error.h - what LMDB's and the system's codes mean to us.
 *
 * LMDB tells its own errors by negative numbers and passes on those of the system. What it has not
 * found is no error, and never comes here.
 */
#ifndef LARDER_STORE_ONLINE_LMDB_ERROR_H
#define LARDER_STORE_ONLINE_LMDB_ERROR_H

#include "store/online/lmdb_folder.h"

/* Fills err from a code that is not 0, with what to do about it; returns the status, never OK. */
enum status lmdb_fail(const struct lmdb_folder *folder, int code, struct error *err);
/* UNAVAILABLE: the turn of another process did not end in time. */
enum status lmdb_fail_late(const struct lmdb_folder *folder, struct error *err);

#endif
