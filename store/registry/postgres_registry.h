/*
 * postgres_registry.h - what the files of the PostgreSQL registry share: its handle, its
 * statements, its transactions. For postgres*.c of this folder alone.
 *
 * Tables stand in a schema of their own (postgres_schema.c lists them). A session has search_path
 * pg_catalog, so that nothing of an owner's can stand in for what we call, and reads committed
 * rows, because what follows the lock must see what the last holder wrote. Where an owner has made
 * sessions read-only, it still writes: to tables of our own.
 *
 * Texts of SQL have '@' where the quoted schema belongs, and parameters for everything else.
 */
#ifndef LARDER_STORE_REGISTRY_POSTGRES_REGISTRY_H
#define LARDER_STORE_REGISTRY_POSTGRES_REGISTRY_H

#include "store/postgres_connection.h"
#include "store/registry/registry_backend.h"

#include <inttypes.h>

enum { POSTGRES_REGISTRY_FORMAT = 2, SQLSTATE_SIZE = 6, DECIMAL_SIZE = 24 };

struct postgres_registry {
    struct registry registry;
    PGconn *connection;
    struct postgres_limit limit;  /* of each statement */
    char *schema;                 /* as in larder.yaml; also the channel of notifications */
    char *quoted_schema;          /* "larder", with its quotes */
    char sqlstate[SQLSTATE_SIZE]; /* of the last statement that failed */
    bool format_known;            /* it was looked at, and is ours */
    int64_t format;               /* as it was then */
    bool listening;
    bool is_standby; /* where nobody can listen; as the newest version was last read */
};

static inline struct postgres_registry *postgres_registry_of(struct registry *registry)
{
    return (struct postgres_registry *)(void *)registry;
}

/* postgres_query with '@' replaced. NOT_FOUND where there is no registry; where a right is missing,
 * the message has the GRANT. */
enum status statement_query(struct postgres_registry *r, const char *doing, const char *sql,
                            int count, const char *const *values, PGresult **result,
                            struct error *err);
enum status statement_run(struct postgres_registry *r, const char *doing, const char *sql,
                          struct error *err);

/* What an owner has to do for this user; words say what it may not do. FAILED. */
enum status fail_without_right(struct postgres_registry *r, const char *words, struct error *err);
enum status fail_to_make_schema(struct postgres_registry *r, struct error *err);

/* Numbers as parameters and from results: `decimal(n, (char[DECIMAL_SIZE]){0})`. */
const char *decimal(int64_t number, char text[DECIMAL_SIZE]);
const char *decimal_unsigned(uint64_t number, char text[DECIMAL_SIZE]);
int64_t cell_int64(const PGresult *result, int row, int column);
/* How many rows a statement has changed. */
int64_t statement_rows(PGresult *result);
uint64_t cell_uint64(const PGresult *result, int row, int column);

/* A text that the database's encoding can hold: all but ASCII becomes '?' unless that is UTF-8. */
const char *storable_text(struct postgres_registry *r, const char *text, struct arena *arena);

/* A transaction under the lock of all that change this registry. */
enum status transaction_begin(struct postgres_registry *r, struct error *err);
enum status transaction_commit(struct postgres_registry *r, struct error *err);
/* After a failure, too. Keeps err. */
void transaction_rollback(struct postgres_registry *r);

/* Tells listeners that a version of the project stands (0: it was removed), once this commits. */
enum status notify_version(struct postgres_registry *r, const char *project, uint64_t version,
                           struct error *err);

/* The registry's identity. NOT_FOUND: there is no registry. CONFLICT: it is a newer larder's. 0:
 * everything was removed, but the tables had to stay. */
enum status schema_read(struct postgres_registry *r, uint64_t *identity, struct error *err);
/* The same once for each handle; NOT_FOUND instead of 0. */
enum status schema_check(struct postgres_registry *r, struct error *err);
/* The same, and that its tables have all that this larder keeps; CONFLICT: apply has to see to that
 * first. What is served needs no more than schema_check. */
enum status schema_check_format(struct postgres_registry *r, struct error *err);
/* In a transaction: makes what is not there, and brings tables of an older larder up to date;
 * *identity is the registry's, new or old. */
enum status schema_make(struct postgres_registry *r, uint64_t *identity, struct error *err);
/* In a transaction, with no project left: drops what schema_make made, except what others' objects
 * stand on. */
enum status schema_drop(struct postgres_registry *r, struct error *err);

/* Steps of the table in postgres.c. */
enum status postgres_begin_apply(struct registry *registry, uint64_t *identity, struct error *err);
enum status postgres_begin_switch(struct registry *registry, struct error *err);
enum status postgres_end(struct registry *registry, enum status status, struct error *err);
enum status postgres_number_project(struct registry *registry, const char *project, uint32_t *id,
                                    struct error *err);
enum status postgres_last_generations(struct registry *registry, const struct catalog *catalog,
                                      uint32_t *last, struct error *err);
enum status postgres_write_version(struct registry *registry, const struct catalog *catalog,
                                   struct arena *arena, struct error *err);
enum status postgres_match_states(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct error *err);
enum status postgres_mark_view(struct registry *registry, const struct catalog *catalog,
                               const struct stale_mark *mark, struct arena *arena,
                               struct error *err);
enum status postgres_renew(struct registry *registry, struct renewal renewal, struct error *err);
enum status postgres_switch_state(struct registry *registry, const struct catalog *catalog,
                                  const struct catalog_view *view, const struct view_state *seen,
                                  int64_t watermark_us, int64_t position, bool *outdated,
                                  struct error *err);
enum status postgres_record_removed(struct registry *registry, const struct catalog *catalog,
                                    const struct catalog_view *view, struct error *err);
/* SQL for the time at which rows are recorded as removed, and what to do if they were before. */
#define SQL_NOW_US "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#define SQL_RECORD_AGAIN                                                                           \
    " ON CONFLICT (project_id, view_id, generation) DO UPDATE SET since_us = EXCLUDED.since_us"

/* Slots of the table in postgres.c. */
enum status postgres_registry_examine(struct registry *registry, struct arena *arena,
                                      struct findings *findings, struct error *err);
enum status postgres_remove(struct registry *registry, const char *project, struct error *err);
enum status postgres_view_states(struct registry *registry, const struct catalog *catalog,
                                 struct view_state *states, struct arena *arena, struct error *err);
enum status postgres_advance(struct registry *registry, const struct catalog *catalog,
                             const struct catalog_view *view, const struct view_state *state,
                             bool clears_stale, bool *outdated, struct error *err);
enum status postgres_mark_stale(struct registry *registry, const struct catalog *catalog,
                                const struct catalog_view *view, const struct view_state *seen,
                                const char *reason, bool rebuild, struct error *err);
enum status postgres_adopt_system(struct registry *registry, uint64_t system_identifier,
                                  bool *changed, struct error *err);
enum status postgres_removed_rows(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct removed_rows **rows, size_t *count,
                                  struct error *err);
enum status postgres_forget_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct removed_rows *rows, size_t count, struct error *err);
enum status postgres_leave_rows(struct registry *registry, const struct catalog *catalog,
                                uint32_t view_id, uint32_t generation, bool *unread,
                                struct error *err);
enum status postgres_keep_sample(struct registry *registry, struct position_sample sample,
                                 struct error *err);
enum status postgres_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                 struct position_sample *sample, bool *found, struct error *err);
enum status postgres_wait(struct registry *registry, int timeout_ms, int wake_fd, bool *changed,
                          struct error *err);

#endif
