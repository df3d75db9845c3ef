/* postgres_examine.c - what PostgreSQL says of itself, and what its user may not do. */
#include "base/timestamp.h"
#include "store/offline/postgres_store.h"

#include <stdlib.h>

enum { OLDEST_VERSION = 130000 }; /* pg_current_xact_id() came with 13 */

static enum status look_at_clock(struct postgres_store *store, struct examination *examination,
                                 struct error *err)
{
    static const char doing[] = "reading PostgreSQL's clock";
    PGresult *result = NULL;
    int64_t asked_us = timestamp_now(), its_us;
    enum status status =
        postgres_query(store->connection, doing, "SELECT clock_timestamp()", 0, NULL, &result, err);
    if (status)
        return status;
    if (timestamp_parse(bytes_of_text(PQgetvalue(result, 0, 0)), &its_us))
        examination_set_clock(examination, its_us, asked_us);
    else
        status = fail(err, STATUS_FAILED, "%s: it says %s", doing, PQgetvalue(result, 0, 0));
    PQclear(result);
    return status;
}

/* What is true of each is a finding. Texts take the database and the user, as SQL. */
static const struct {
    const char *sql;
    enum finding_kind kind;
    const char *text;
} questions[] = {
    {"pg_is_in_recovery()", FINDING_HINT,
     "PostgreSQL is a standby, which takes no writes: larder serve and larder training-set can do "
     "with it, all else needs the primary in offline_store.url"},
    {"NOT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')", FINDING_ERROR,
     "larder materialize has to know which PostgreSQL this is, which this user may not ask; let a "
     "superuser run in the database %s: GRANT EXECUTE ON FUNCTION pg_control_system() TO %s;"},
};

static const char *identifier(struct postgres_store *store, const char *name, struct arena *arena)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    postgres_append_identifier(store->connection, &sql, name);
    const char *text = arena_text_of(arena, buffer_bytes(&sql));
    buffer_release(&sql);
    return text;
}

static enum status ask(struct postgres_store *store, struct arena *arena,
                       struct examination *examination, struct error *err)
{
    struct buffer sql;
    PGresult *result = NULL;
    buffer_init(&sql, 0);
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        buffer_printf(&sql, "%s%s", i == 0 ? "SELECT " : ", ", questions[i].sql);
    enum status status =
        postgres_query_buffer(store, "asking for rights in PostgreSQL", &sql, &result, err);
    if (status)
        return status;
    const char *database = identifier(store, PQdb(store->connection), arena);
    const char *user = identifier(store, PQuser(store->connection), arena);
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        if (*PQgetvalue(result, 0, (int)i) == 't')
            findings_add(&examination->findings, arena, questions[i].kind,
                         arena_printf(arena, questions[i].text, database, user));
    PQclear(result);
    return STATUS_OK;
}

static bool is_on_this_machine(const PGconn *connection)
{
    const char *host = PQhost(connection);
    return !host || *host == '\0' || *host == '/' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* The view leaves settings out that this user may not see. */
static enum status find_folder(struct postgres_store *store, struct arena *arena,
                               struct examination *examination, struct error *err)
{
    PGresult *result = NULL;
    if (!is_on_this_machine(store->connection))
        return STATUS_OK;
    enum status status = postgres_query(
        store->connection, "looking for the data of PostgreSQL",
        "SELECT setting FROM pg_settings WHERE name = 'data_directory'", 0, NULL, &result, err);
    if (!status && PQntuples(result) == 1)
        examination->folder = arena_text(arena, PQgetvalue(result, 0, 0));
    PQclear(result);
    return status;
}

/* False: it lacks what all the rest asks with. */
static bool look_at_version(struct postgres_store *store, struct arena *arena,
                            struct examination *examination)
{
    const char *version = PQparameterStatus(store->connection, "server_version");
    /* Debian says "15.14 (Debian 15.14-0+deb12u1)". */
    examination->version =
        arena_printf(arena, "PostgreSQL %.*s", version ? (int)strcspn(version, " ") : 1,
                     version ? version : "?");
    bool is_old = PQserverVersion(store->connection) < OLDEST_VERSION;
    if (is_old)
        findings_add(&examination->findings, arena, FINDING_ERROR,
                     arena_printf(arena, "this is %s: Larder needs PostgreSQL %d or later",
                                  examination->version, OLDEST_VERSION / 10000));
    return !is_old;
}

enum status postgres_examine(struct offline_store *base, struct arena *arena,
                             struct examination *examination, struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    if (!look_at_version(store, arena, examination))
        return STATUS_OK;
    enum status status = postgres_begin_read(store, NULL, err);
    if (!status)
        status = look_at_clock(store, examination, err);
    if (!status)
        status = ask(store, arena, examination, err);
    if (!status)
        status = find_folder(store, arena, examination, err);
    postgres_rollback(store);
    return status;
}
