/*
 * online_store.h - the newest row of every entity, by feature view.
 *
 * The server reads rows to answer requests; the materializer writes them. What a write does to the
 * row that stands is row_resolve's (base/row.h), decided inside the store: any order, repetition or
 * concurrency of writes ends with the same rows. An entity never written reads as absent: absence
 * is an answer, not an error.
 *
 * Calls take batches, because a call costs more than a row: a round trip to a server, or a flush to
 * disk; the backend splits them. A handle belongs to one thread. No call waits longer than the
 * settings' timeout for its next step (a read's are a thousand keys each), and no read longer than
 * 20 timeouts altogether; a write or a removal may take long. Past that the answer is UNAVAILABLE.
 * A handle stays good whatever happens to the store, and finds it again by itself. (A server is
 * tried at most every 100 ms, and UNAVAILABLE is the answer at once in between; looking up its name
 * is bounded by the system's resolver alone.) Backends include online_store_backend.h and must pass
 * tests/conformance/online_store_suite.c.
 */
#ifndef LARDER_STORE_ONLINE_ONLINE_STORE_H
#define LARDER_STORE_ONLINE_ONLINE_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/entity_key.h"
#include "base/error.h"
#include "base/row.h"
#include "config/settings.h"
#include "store/examination.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct online_store;

/* Reaches for nothing yet: the first call does. INVALID: settings that no backend understands. */
enum status online_store_open(const struct settings *settings, struct online_store **store,
                              struct error *err);
void online_store_close(struct online_store *store);

/* Rows. */

enum { ONLINE_READ_BYTES_MAX = 128 * 1024 * 1024 }; /* of rows, in one read */

/* Reads count keys (any number); rows[i] is absent (data NULL) where there is none. Rows stand in
 * the arena or in the store itself: they are good until the arena's reset, the handle's next call
 * or online_store_let_go, whichever comes first. Bytes are as stored: row_open checks them.
 * UNAVAILABLE: away, loading, busy beyond the timeout; CORRUPT: the store answered what no store
 * answers; EXHAUSTED: the rows are larger than ONLINE_READ_BYTES_MAX together: ask for fewer keys.
 */
enum status online_store_read(struct online_store *store, const struct bytes *keys, size_t count,
                              struct arena *arena, struct bytes *rows, struct error *err);
/* Nobody looks at the rows of the last read any more. Who leaves a handle idle calls it before: a
 * store that lends its rows keeps what they were when they are replaced. */
void online_store_let_go(struct online_store *store);

/* How far a walk over keys has come; all zero before its first step. */
struct online_cursor {
    bool is_done;
    size_t size; /* of what the backend goes on from */
    uint8_t place[ENTITY_KEY_MAX];
};
/*
 * One step of a walk over the keys of a view's rows, those of one generation: some more of them, in
 * the arena, perhaps none. Between steps nothing is held, and others have their turn; whoever stops
 * just stops. A key whose row stays throughout the walk is given at least once, perhaps again and
 * again; of one that comes, expires or is removed meanwhile, nothing is promised. It looks at rows
 * of other views, too: a walk costs what a look at all keys of the store, or of the project, does.
 */
enum status online_store_scan(struct online_store *store, const struct entity_key_ids *ids,
                              struct online_cursor *cursor, struct arena *arena,
                              struct bytes **keys, size_t *count, struct error *err);

struct online_write {
    struct bytes key;      /* at most ENTITY_KEY_MAX */
    struct bytes row;      /* packed and whole */
    int64_t expires_at_us; /* when the store may forget it; 0: never. Such a time in the past makes
                              no new row, but the outcome is as if it had; a row that stands is
                              replaced and keeps its own expiry, so that no floor is lost */
};
/* A writer's word that all its rows of a view up to a position are in the store. */
struct online_mark {
    const char *writer; /* "materialize" */
    uint32_t project_id, view_id, generation;
    int64_t position;
};
/*
 * Writes conditionally; outcomes[i] says what came of each (outcomes may be NULL). When it returns
 * OK, all are acknowledged: by a Redis that may yet lose them in a crash of its own, or on disk. On
 * an error any part may have been written: outcomes says what was acknowledged, ROW_UNKNOWN the
 * rest, and repeating the batch is harmless. A mark is never there without the rows that came with
 * it or were acknowledged before, and only moves forward.
 * EXHAUSTED: the store is out of room; CONFLICT: it is read-only.
 */
enum status online_store_write(struct online_store *store, const struct online_write *writes,
                               size_t count, const struct online_mark *marks, size_t mark_count,
                               enum row_outcome *outcomes, struct error *err);
/* positions[i] for marks[i] (their position is not read); 0 where there is none. */
enum status online_store_read_marks(struct online_store *store, const struct online_mark *marks,
                                    size_t count, int64_t *positions, struct error *err);

/* Ownership and definitions. */

/* The registry this store belongs to; 0 if nobody's yet. */
enum status online_store_owner(struct online_store *store, uint64_t *identity, struct error *err);
/* Makes it ours if it is nobody's, or with take_over; else CONFLICT names --take-over. */
enum status online_store_claim(struct online_store *store, uint64_t identity, bool take_over,
                               struct error *err);

/* Makes it nobody's if it is this registry's: its last project is gone. */
enum status online_store_release(struct online_store *store, uint64_t identity, struct error *err);

/* A project's catalog text. Put replaces an older version of the same registry's identity; a
 * version that is not older stays, which is no error; another identity's is CONFLICT. force:
 * replaces any. Get: absent if there is none. */
enum status online_store_put_catalog(struct online_store *store, const char *project,
                                     uint64_t identity, uint64_t version, struct bytes text,
                                     bool force, struct error *err);
enum status online_store_get_catalog(struct online_store *store, const char *project,
                                     struct arena *arena, struct bytes *text, struct error *err);
/* Which one it is, without its text; cheap. *identity 0 if there is none. Unlike other calls it
 * leaves rows that were read as they are; what it tells was so when they were read, or later. */
enum status online_store_catalog_version(struct online_store *store, const char *project,
                                         uint64_t *identity, uint64_t *version, struct error *err);

/* The rows of one generation of a view, or of all that it ever had. */
struct online_rows {
    uint32_t view_id;
    uint32_t generation; /* 0: every one */
};
/* Removes such rows with their marks, or where rows is NULL the whole project's, and its catalog
 * unless project is NULL. Walks the store in small steps, between which others have their turn. */
enum status online_store_remove(struct online_store *store, uint32_t project_id,
                                const char *project, const struct online_rows *rows, size_t count,
                                uint64_t *removed, struct error *err);

/* Looking. */

enum { ONLINE_INCARNATION_SIZE = 96 };

struct online_info {
    char version[32]; /* "redis 7.0.15" */
    /* Another text after a restart or a failover, behind which what was acknowledged before may be
     * missing; "": the store does not tell, or what it acknowledges is durable. */
    char incarnation[ONLINE_INCARNATION_SIZE];
    uint64_t used_bytes;      /* of memory, or of disk */
    bool may_evict;           /* it may drop rows that have not expired: in Redis any policy but
                                 noeviction, since rows have expiries, whatever maxmemory is now */
    char eviction_policy[32]; /* Redis' maxmemory-policy; empty where there is no such thing */
};
enum status online_store_inspect(struct online_store *store, struct online_info *info,
                                 struct error *err);
/* More than inspect tells, at a higher price: for whoever looks after the store. Where nothing is
 * there yet, nothing is made, and all other calls would make it. */
enum status online_store_examine(struct online_store *store, struct arena *arena,
                                 struct examination *examination, struct error *err);
enum status online_store_ping(struct online_store *store, struct error *err);

#endif
