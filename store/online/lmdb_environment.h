/*
 * lmdb_environment.h - a folder's LMDB environment, which all handles of this process share.
 *
 * LMDB forbids a process to have one environment open twice: closing either would end the locks of
 * both, and readers of one would read what writers elsewhere take for free. So there is a list of
 * those that are open, the one thing that is global here, behind a mutex. Sharing and letting go
 * may be done from any thread; what is shared is used by many.
 *
 * In the folder stand LMDB's data.mdb and lock.mdb and our turn.lock (lmdb_turn.h). The data holds
 * two databases:
 *     rows     a key of base/entity_key.h -> when it expires (8 bytes, sortable; 0: never), the row
 *     about    "format"                   -> "1"
 *              "owner"                    -> the owning registry's identity, 8 bytes
 *              "swept"                    -> the row key behind which lmdb_sweep.c goes on
 *              "catalog/<project>"        -> identity, version (8 bytes each), text
 *              "mark/" project id, view id, generation (4 bytes each), writer -> position, 8 bytes
 * Numbers are big-endian.
 */
#ifndef LARDER_STORE_ONLINE_LMDB_ENVIRONMENT_H
#define LARDER_STORE_ONLINE_LMDB_ENVIRONMENT_H

#include "base/error.h"
#include "store/online/lmdb_error.h"
#include "store/online/lmdb_folder.h"
#include "store/online/lmdb_turn.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lmdb_environment {
    MDB_env *env;
    MDB_dbi rows, about;
    /* What follows is lmdb_environment.c's. */
    struct lmdb_file_number data, lock;
    pid_t process;
    unsigned handles;
    struct lmdb_environment *next;
};

/* Opens the folder, or shares what is open; it is made, its parent folder is not. Waits for others
 * that open it, and, where the databases are to be made, for writers: UNAVAILABLE past the
 * deadline. Else as lmdb_fail; INVALID: the path cannot be a store. The turn is the handle's own:
 * it is opened here. */
enum status lmdb_environment_share(const struct lmdb_folder *folder, struct lmdb_turn *turn,
                                   int64_t deadline_us, struct lmdb_environment **environment,
                                   struct error *err);
/* The last one closes it. All its transactions must have ended. */
void lmdb_environment_let_go(struct lmdb_environment *environment);

/* Whether the folder still holds the files that were opened: somebody may remove it at any time, to
 * begin anew. */
bool lmdb_environment_is_current(const struct lmdb_environment *environment,
                                 const struct lmdb_folder *folder);

#endif
