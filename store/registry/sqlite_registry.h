/*
 * sqlite_registry.h - what the files of the SQLite registry share: its handle, its statements, its
 * transactions. For sqlite*.c of this folder alone.
 *
 * The tables (sqlite_schema.c lists them) stand in the offline store's file, and the registry's
 * schema is the prefix of their names. Every operation is one transaction, which looks first
 * whether a registry is there: others make the file, put another in its place and drop the tables.
 * One that writes is IMMEDIATE: it waits for its turn before it reads, so that it sees what the
 * last writer wrote, and two never wait for each other.
 *
 * Texts of SQL have "@project" where that table's quoted name belongs, and parameters for
 * everything else.
 */
#ifndef LARDER_STORE_REGISTRY_SQLITE_REGISTRY_H
#define LARDER_STORE_REGISTRY_SQLITE_REGISTRY_H

#include "store/registry/registry_backend.h"
#include "store/sqlite_connection.h"

#include <sys/stat.h>

enum { SQLITE_REGISTRY_FORMAT = 1 };

struct sqlite_registry {
    struct registry registry;
    struct arena arena; /* as long as the handle */
    const char *path, *schema;
    const char *name; /* in messages: "the registry larder in history.db" */
    uint32_t timeout_ms;
    struct registry_limit limit;
    sqlite3 *connection; /* NULL: there was no file yet */
    struct stat shared;  /* of the file beside it that its readers share; no inode: none yet */
    struct sqlite_patience patience;
    uint64_t identity; /* of the transaction under way; 0: there is no registry */
    bool listening;
    struct buffer versions; /* of all projects, as they were last listened to */
};

static inline struct sqlite_registry *sqlite_registry_of(struct registry *registry)
{
    return (struct sqlite_registry *)(void *)registry;
}

/* Statements ---------------------------------------------------------------------------------- */

/* Of a statement, by their order: ?1, ?2, ... */
struct parameter {
    bool is_null;
    const char *text; /* NULL: it is a number */
    int64_t number;
};
static inline struct parameter number_parameter(int64_t number)
{
    return (struct parameter){.number = number};
}
/* NULL is null. */
static inline struct parameter text_parameter(const char *text)
{
    return (struct parameter){.is_null = !text, .text = text};
}
static inline struct parameter null_parameter(void)
{
    return (struct parameter){.is_null = true};
}

/* The rows are the caller's to sqlite_step, and the statement to finalize. Texts are borrowed until
 * then. */
enum status sqlite_statement_open(struct sqlite_registry *r, const char *doing, const char *sql,
                                  const struct parameter *parameters, size_t count,
                                  sqlite3_stmt **statement, struct error *err);
/* Its first row, if it has one. *statement is NULL where it has none, and after a failure. */
enum status sqlite_statement_find(struct sqlite_registry *r, const char *doing, const char *sql,
                                  const struct parameter *parameters, size_t count,
                                  sqlite3_stmt **statement, struct error *err);
/* For what it does. *changed: how many rows; may be NULL. */
enum status sqlite_statement_run(struct sqlite_registry *r, const char *doing, const char *sql,
                                 const struct parameter *parameters, size_t count, size_t *changed,
                                 struct error *err);
/* In the arena; NULL for null. */
const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena);

/* Transactions -------------------------------------------------------------------------------- */

/* The next transaction connects again. */
void sqlite_registry_disconnect(struct sqlite_registry *r);
/* NOT_FOUND: nothing is applied. CONFLICT: it is a newer larder's. After a failure no transaction
 * is open. */
enum status sqlite_transaction_read(struct sqlite_registry *r, struct error *err);
enum status sqlite_transaction_write(struct sqlite_registry *r, struct error *err);
/* Makes the file and the tables where they are not there. */
enum status sqlite_transaction_make(struct sqlite_registry *r, struct error *err);
enum status sqlite_transaction_commit(struct sqlite_registry *r, struct error *err);
/* Rolls back what was not committed. Keeps err. */
void sqlite_transaction_end(struct sqlite_registry *r);
/* Commits if `status` is OK, and rolls back otherwise. */
enum status sqlite_transaction_close(struct sqlite_registry *r, enum status status,
                                     struct error *err);

/* Within a transaction ------------------------------------------------------------------------ */

/* *identity 0: there is no registry, or all was removed of one whose tables had to stay. */
enum status sqlite_schema_read(struct sqlite_registry *r, uint64_t *identity, struct error *err);
enum status sqlite_schema_make(struct sqlite_registry *r, struct error *err);
/* With no project left: drops what schema_make made, except what others' objects stand on. */
enum status sqlite_schema_drop(struct sqlite_registry *r, struct error *err);

/* Steps of the table in sqlite.c. */
enum status sqlite_number_project(struct registry *registry, const char *project, uint32_t *id,
                                  struct error *err);
enum status sqlite_last_generations(struct registry *registry, const struct catalog *catalog,
                                    uint32_t *last, struct error *err);
enum status sqlite_write_version(struct registry *registry, const struct catalog *catalog,
                                 struct arena *arena, struct error *err);
enum status sqlite_match_states(struct registry *registry, const struct catalog *catalog,
                                struct arena *arena, struct error *err);
enum status sqlite_mark_view(struct registry *registry, const struct catalog *catalog,
                             const struct stale_mark *mark, struct arena *arena, struct error *err);
enum status sqlite_renew(struct registry *registry, struct renewal renewal, struct error *err);
enum status sqlite_switch_state(struct registry *registry, const struct catalog *catalog,
                                const struct catalog_view *view, const struct view_state *seen,
                                int64_t watermark_us, int64_t position, bool *outdated,
                                struct error *err);
enum status sqlite_record_removed(struct registry *registry, const struct catalog *catalog,
                                  const struct catalog_view *view, struct error *err);
/* What SQL does with rows that were recorded as removed before. */
#define SQL_RECORD_AGAIN                                                                           \
    " ON CONFLICT (project_id, view_id, generation) DO UPDATE SET since_us = excluded.since_us"

/* Slots of the table in sqlite.c. */
enum status sqlite_registry_remove(struct registry *registry, const char *project,
                                   struct error *err);
enum status sqlite_registry_view_states(struct registry *registry, const struct catalog *catalog,
                                        struct view_state *states, struct arena *arena,
                                        struct error *err);
enum status sqlite_registry_advance(struct registry *registry, const struct catalog *catalog,
                                    const struct catalog_view *view, const struct view_state *state,
                                    bool clears_stale, bool *outdated, struct error *err);
enum status sqlite_registry_mark_stale(struct registry *registry, const struct catalog *catalog,
                                       const struct catalog_view *view,
                                       const struct view_state *seen, const char *reason,
                                       bool rebuild, struct error *err);
enum status sqlite_registry_adopt_system(struct registry *registry, uint64_t system_identifier,
                                         bool *changed, struct error *err);
enum status sqlite_registry_removed_rows(struct registry *registry, const struct catalog *catalog,
                                         struct arena *arena, struct removed_rows **rows,
                                         size_t *count, struct error *err);
enum status sqlite_registry_forget_rows(struct registry *registry, const struct catalog *catalog,
                                        const struct removed_rows *rows, size_t count,
                                        struct error *err);
enum status sqlite_registry_leave_rows(struct registry *registry, const struct catalog *catalog,
                                       uint32_t view_id, uint32_t generation, bool *unread,
                                       struct error *err);
enum status sqlite_registry_keep_sample(struct registry *registry, struct position_sample sample,
                                        struct error *err);
enum status sqlite_registry_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                        struct position_sample *sample, bool *found,
                                        struct error *err);
enum status sqlite_registry_wait(struct registry *registry, int timeout_ms, int wake_fd,
                                 bool *changed, struct error *err);

#endif
