/*
 * private_file.h - a SQLite database of a test's own, in a temporary directory.
 *
 * Any failure to make or to remove it ends the test.
 */
#ifndef LARDER_TESTS_PRIVATE_FILE_H
#define LARDER_TESTS_PRIVATE_FILE_H

#include "store/offline/offline_store.h"

struct private_file {
    char directory[64];
    char path[80];
};

void private_file_make(struct private_file *file);
/* Removes the database; no handle may be open on it. */
void private_file_clear(const struct private_file *file);
void private_file_remove(const struct private_file *file);

struct settings private_file_settings(const struct private_file *file);
struct offline_store *private_file_store(const struct private_file *file);
/* Runs SQL on it, as an owner would. */
void private_file_run(const struct private_file *file, const char *sql);
/* The same, statement by statement, whichever of them fail. */
void private_file_try(const struct private_file *file, const char *sql);

#endif
