/*
 * private_folder.h - an LMDB folder of a test's own.
 *
 * A new temporary directory, and in it the folder "online", which nobody has made yet. Any failure
 * to make or to remove them ends the test.
 */
#ifndef LARDER_TESTS_PRIVATE_FOLDER_H
#define LARDER_TESTS_PRIVATE_FOLDER_H

#include "store/online/online_store.h"

#include <stdint.h>

struct private_folder {
    char directory[64];
    char path[80]; /* of the store */
};

void private_folder_make(struct private_folder *folder);
/* Removes the store's folder; no handle may be open on it, unless that is what is tested. */
void private_folder_clear(const struct private_folder *folder);
void private_folder_remove(const struct private_folder *folder);

/* Settings and a store on a path, with a timeout; 1 GiB where no size is said. */
struct settings folder_settings(const char *path, uint32_t timeout_ms);
struct online_store *store_in(const char *path, uint32_t timeout_ms);
struct online_store *store_of_size(const char *path, uint64_t max_size_bytes);

#endif
