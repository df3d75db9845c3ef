/*
 * lmdb_store.h - the parts of the LMDB backend, which only they include.
 *
 * A handle reads in one transaction that it keeps and renews, so that reading neither locks nor
 * allocates; between reads it holds no snapshot, since pages that one can see are not used again.
 * It writes in transactions of its turn (lmdb_turn.h), and what one has committed is on disk. What
 * stands in the folder is told in lmdb_environment.h.
 */
#ifndef LARDER_STORE_ONLINE_LMDB_STORE_H
#define LARDER_STORE_ONLINE_LMDB_STORE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "store/online/lmdb_environment.h"
#include "store/online/online_store_backend.h"

struct lmdb_store {
    struct online_store base;
    struct lmdb_folder folder;
    int64_t timeout_us;
    struct arena arena;                   /* the path, as long as the store */
    struct lmdb_environment *environment; /* NULL: not open yet, or not any more */
    struct lmdb_turn turn;
    int64_t looked_us; /* when the folder was last looked at */
    MDB_txn *reading;  /* NULL: never begun */
    MDB_cursor *row_reader;
    bool is_reading;      /* reading sees a snapshot */
    struct arena scratch; /* of one write */
    struct buffer row;    /* one that stays, and gets another floor */
};

static inline struct lmdb_store *lmdb_store_of(struct online_store *store)
{
    return (struct lmdb_store *)store;
}

static inline MDB_val lmdb_value_of(struct bytes bytes)
{
    return (MDB_val){bytes.size, (void *)(uintptr_t)bytes.data};
}

static inline struct bytes lmdb_bytes_of(MDB_val value)
{
    return (struct bytes){value.mv_data, value.mv_size};
}

/* lmdb_transaction.c: */

/* Begins a snapshot of what is committed; where one was left, it ends. */
enum status lmdb_begin_reading(struct lmdb_store *store, struct error *err);
void lmdb_end_reading(struct lmdb_store *store);
/* Waits for the turn; UNAVAILABLE past the timeout. */
enum status lmdb_begin_writing(struct lmdb_store *store, MDB_txn **txn, struct error *err);
/* Commits if code is 0, else gives the transaction up; ends the turn. Returns the code, or that of
 * a commit that failed. */
int lmdb_end_writing(struct lmdb_store *store, MDB_txn *txn, int code);
/* The same, where any code but 0 is a failure. */
enum status lmdb_finish_writing(struct lmdb_store *store, MDB_txn *txn, int code,
                                struct error *err);
/* Leaves the environment. */
void lmdb_leave(struct lmdb_store *store);

enum status lmdb_inspect(struct online_store *store, struct online_info *info, struct error *err);
enum status lmdb_examine(struct online_store *store, struct arena *arena,
                         struct examination *examination, struct error *err);

/* lmdb.c: a value of the database "rows". */

enum { LMDB_EXPIRY_SIZE = 8 };
struct lmdb_row {
    int64_t expires_at_us; /* 0: never */
    struct bytes row;
};
/* A value that is too short to be ours counts as an empty row that never expires. */
struct lmdb_row lmdb_row_of(MDB_val value);
static inline bool lmdb_is_past(int64_t expires_at_us, int64_t now_us)
{
    return expires_at_us != 0 && expires_at_us <= now_us;
}

/* The other files of the backend: */

enum status lmdb_write(struct online_store *store, const struct online_write *writes, size_t count,
                       const struct online_mark *marks, size_t mark_count,
                       enum row_outcome *outcomes, struct error *err);

/* Looks at the next `count` rows behind those that were looked at last, all around the store, and
 * deletes those that have expired. *is_around: the end was reached. */
int lmdb_sweep(const struct lmdb_environment *environment, MDB_txn *txn, size_t count,
               uint64_t *removed, bool *is_around);

int lmdb_put_marks(const struct lmdb_environment *environment, MDB_txn *txn,
                   const struct online_mark *marks, size_t count);
int lmdb_remove_marks(const struct lmdb_environment *environment, MDB_txn *txn, uint32_t project_id,
                      const struct online_rows *rows, size_t count);
enum status lmdb_read_marks(struct online_store *store, const struct online_mark *marks,
                            size_t count, int64_t *positions, struct error *err);

enum status lmdb_scan(struct online_store *store, const struct entity_key_ids *ids,
                      struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                      size_t *count, struct error *err);

enum status lmdb_owner(struct online_store *store, uint64_t *identity, struct error *err);
enum status lmdb_claim(struct online_store *store, uint64_t identity, bool take_over,
                       struct error *err);
enum status lmdb_release(struct online_store *store, uint64_t identity, struct error *err);
enum status lmdb_put_catalog(struct online_store *store, const char *project, uint64_t identity,
                             uint64_t version, struct bytes text, bool force, struct error *err);
enum status lmdb_get_catalog(struct online_store *store, const char *project, struct arena *arena,
                             struct bytes *text, struct error *err);
enum status lmdb_catalog_version(struct online_store *store, const char *project,
                                 uint64_t *identity, uint64_t *version, struct error *err);
int lmdb_remove_catalog(const struct lmdb_environment *environment, MDB_txn *txn,
                        const char *project);

enum status lmdb_remove(struct online_store *store, uint32_t project_id, const char *project,
                        const struct online_rows *rows, size_t count, uint64_t *removed,
                        struct error *err);

#endif
