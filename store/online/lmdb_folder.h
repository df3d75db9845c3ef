/*
 * lmdb_folder.h - the folder that an LMDB store stands in, as the file system has it.
 *
 * A folder may be removed and made anew by others at any time: its files are known by their
 * numbers.
 */
#ifndef LARDER_STORE_ONLINE_LMDB_FOLDER_H
#define LARDER_STORE_ONLINE_LMDB_FOLDER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lmdb_folder {
    const char *path; /* borrowed; as the settings have it */
    uint64_t max_size_bytes;
};

/* Makes it if it is not there; its parent folder is not made. INVALID: it cannot be a store, since
 * it is a file, or on the disk of another machine; else as lmdb_fail. */
enum status lmdb_folder_make(const struct lmdb_folder *folder, struct error *err);
/* Makes a file of at least that size, if it is not there, and takes the disk for all of it, so that
 * a map of it can be written to whatever becomes of the disk. What the file holds stays. No file of
 * that name may be open in this process, which would lose its locks. 0, or what errno says. */
int lmdb_folder_reserve(const struct lmdb_folder *folder, const char *name, off_t size);
/* Once the names of its files are to survive a crash of the system. 0, or what errno says. */
int lmdb_folder_flush(const struct lmdb_folder *folder);

struct lmdb_file_number {
    dev_t device;
    ino_t number;
};
/* Of the file of that name; false if there is none. */
bool lmdb_folder_number(const struct lmdb_folder *folder, const char *name,
                        struct lmdb_file_number *number);

#endif
