/* sqlite_probe.c - see sqlite_probe.h. */
#include "store/offline/sqlite_probe.h"

#include "base/timestamp.h"

#define DAY_US INT64_C(86400000000)

/* The parameters behind those of the keys. */
enum { PARAMETER_AT = 1, PARAMETER_OLDEST, PARAMETER_AS_OF, PARAMETERS_OWN = PARAMETER_AS_OF };

/* Which keys a read is of. */
enum keys {
    KEYS_ANY,
    KEYS_SERVED, /* an index may serve the comparison */
    KEYS_BARE,   /* as they are: a UNION compares by the column of its last part, which may make a
                    text of a number. No index serves this. */
};

/* Compared byte by byte and class by class: what SQLite alone would call equal ('A' and 'a' under
 * NOCASE, 1 and 1.0) is not the same key. */
static void append_key(struct buffer *sql, const struct sqlite_field *key, enum keys keys,
                       size_t parameter)
{
    if (keys == KEYS_BARE)
        buffer_append_byte(sql, '+');
    sqlite_append_field(sql, key);
    buffer_printf(sql, " = ?%zu COLLATE BINARY AND typeof(", parameter);
    sqlite_append_field(sql, key);
    buffer_printf(sql, ") = '%s' AND ", sqlite_class(key->type));
}

/*
 * created <= limit. Where a misfit stops the run, one that lies behind all limits (a text, or a
 * time out of range) or is no integer passes, so that it is met if its row would be the answer;
 * where it reads as null it is unknown, and known to nobody.
 */
static void append_created_limit(struct buffer *sql, const struct sqlite_view *view, int parameter)
{
    buffer_append_text(sql, " AND (");
    sqlite_append_created(sql, view);
    buffer_printf(sql, " <= ?%d", parameter);
    if (view->view->source->misfits == MISFITS_STOP) {
        buffer_append_text(sql, " OR ");
        sqlite_append_field(sql, &view->created);
        buffer_printf(sql, " > %lld OR typeof(", (long long)TIMESTAMP_MAX);
        sqlite_append_field(sql, &view->created);
        buffer_append_text(sql, ") = 'real'");
    }
    buffer_append_text(sql, ")");
}

static void append_keys(struct buffer *sql, const struct sqlite_view *view, enum keys keys)
{
    for (size_t i = 0; i < view->view->key_count; i++)
        append_key(sql, &view->keys[i], keys, PARAMETERS_OWN + 1 + i);
}

/* What may answer somebody who asks at PARAMETER_AT. */
static void append_eligible(struct buffer *sql, const struct join_request *request,
                            const struct sqlite_view *view, enum keys keys)
{
    buffer_append_text(sql, "SELECT ");
    sqlite_append_fields(sql, view);
    buffer_printf(sql, " FROM %s AS source WHERE ", view->source.from);
    if (keys != KEYS_ANY)
        append_keys(sql, view, keys);
    sqlite_append_field(sql, &view->event);
    buffer_printf(sql, " <= ?%d AND ", PARAMETER_AT);
    sqlite_append_field(sql, &view->event);
    buffer_printf(sql, " >= ?%d", PARAMETER_OLDEST);
    if (view->view->source->misfits ==
        MISFITS_AS_NULL) { /* such a row is left out, and hides none */
        buffer_append_text(sql, " AND typeof(");
        sqlite_append_field(sql, &view->event);
        buffer_append_text(sql, ") = 'integer'");
    }
    if (request && request->as_known)
        append_created_limit(sql, view, PARAMETER_AT);
    if (request && request->as_of_us != AS_OF_NOW)
        append_created_limit(sql, view, PARAMETER_AS_OF);
}

static void append_probe(struct buffer *sql, const struct join_request *request,
                         const struct sqlite_view *view, enum keys keys)
{
    append_eligible(sql, request, view, keys);
    buffer_append_text(sql, " ORDER BY ");
    sqlite_append_field(sql, &view->event);
    buffer_append_text(sql, " DESC");
    if (view->created.column) { /* nulls are least, so last */
        buffer_append_text(sql, ", ");
        sqlite_append_created(sql, view);
        buffer_append_text(sql, " DESC");
    }
    buffer_append_text(sql, " LIMIT 1");
}

/* What SQLite's plan of a read says. */
struct plan {
    /* One search down to a range of times, and nothing but: a query that must first be run, or
     * sorted whole, has further lines, and only the sorting of equal times is little. */
    bool is_search;
    size_t equalities; /* columns of the index that are held by one value */
};

/* "SEARCH source USING INDEX i (a=? AND b=? AND at>? AND at<?)" */
static void take_line(struct plan *plan, const char *line)
{
    bool is_search = strncmp(line, "SEARCH ", 7) == 0 && (strstr(line, ">?") || strstr(line, "<?"));
    plan->is_search = plan->is_search && (is_search || strstr(line, "FOR RIGHT PART OF ORDER BY") ||
                                          strstr(line, "FOR LAST TERM OF ORDER BY"));
    for (const char *at = strstr(line, "=?"); at; at = strstr(at + 2, "=?"))
        plan->equalities++;
}

static enum status explain(struct sqlite_store *store, const struct sqlite_view *view,
                           enum keys keys, const char *doing, struct plan *plan, struct error *err)
{
    sqlite3_stmt *lines;
    struct buffer sql;
    bool row;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "EXPLAIN QUERY PLAN ");
    append_probe(&sql, NULL, view, keys);
    *plan = (struct plan){.is_search = true};
    enum status status = sqlite_prepare_read(store, doing, &sql, &lines, err);
    while (!status && !(status = sqlite_step(lines, doing, &row, err)) && row) {
        const char *line = (const char *)sqlite3_column_text(lines, 3);
        take_line(plan, line ? line : "");
    }
    sqlite3_finalize(lines);
    return status;
}

/* A query may hold columns by values of its own (WHERE kind = 'rain'), and an index on those and
 * the time is a search, too, but one through all keys: so what holds columns without any key does
 * not count. */
enum status sqlite_probe_is_served(struct sqlite_store *store, const struct sqlite_view *view,
                                   struct arena *arena, bool *served, struct error *err)
{
    const char *doing = arena_printf(arena, "feature view %s: reading %s", view->view->about.name,
                                     view->source.name);
    struct plan of_key, of_all;
    enum status status = explain(store, view, KEYS_SERVED, doing, &of_key, err);
    if (!status)
        status = explain(store, view, KEYS_ANY, doing, &of_all, err);
    if (!status)
        *served =
            of_key.is_search && of_key.equalities == view->view->key_count + of_all.equalities;
    return status;
}

static int64_t ttl_wanted(const struct join_request *request, const struct feature_view *view)
{
    return timestamp_add(view->ttl_us, request->with_status ? DAY_US : 0);
}

static int64_t oldest_at(const struct join_request *request, const struct feature_view *view,
                         int64_t at_us)
{
    int64_t us = timestamp_subtract(at_us, ttl_wanted(request, view));
    return view->ttl_us == 0 || us < TIMESTAMP_MIN ? TIMESTAMP_MIN : us;
}

/* Asking --------------------------------------------------------------------------------------- */

enum status sqlite_probe_open(struct sqlite_probe *probe, struct sqlite_store *store,
                              const struct join_request *request, const struct sqlite_view *view,
                              struct arena *arena, struct error *err)
{
    *probe = (struct sqlite_probe){
        .store = store,
        .request = request,
        .view = view,
        .doing = arena_printf(arena, "feature view %s: reading %s", view->view->about.name,
                              view->source.name),
    };
    bool served;
    enum status status = sqlite_probe_is_served(store, view, arena, &served, err);
    if (status)
        return status;
    struct buffer sql;
    buffer_init(&sql, 0);
    append_probe(&sql, request, view, served ? KEYS_SERVED : KEYS_BARE);
    status = sqlite_prepare_read(store, probe->doing, &sql, &probe->statement, err);
    if (!status && request->as_of_us != AS_OF_NOW)
        sqlite3_bind_int64(probe->statement, PARAMETER_AS_OF, request->as_of_us);
    return status;
}

enum status sqlite_probe_stream(struct sqlite_store *store, const struct join_request *request,
                                const struct sqlite_view *view, int64_t first_us, int64_t last_us,
                                const char *doing, sqlite3_stmt **statement, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    append_eligible(&sql, request, view, KEYS_ANY);
    enum status status = sqlite_prepare_read(store, doing, &sql, statement, err);
    if (status)
        return status;
    sqlite3_bind_int64(*statement, PARAMETER_AT, last_us);
    sqlite3_bind_int64(*statement, PARAMETER_OLDEST, oldest_at(request, view->view, first_us));
    if (request->as_of_us != AS_OF_NOW)
        sqlite3_bind_int64(*statement, PARAMETER_AS_OF, request->as_of_us);
    return STATUS_OK;
}

enum status sqlite_probe_ask(struct sqlite_probe *probe, const struct value *keys, int64_t at_us,
                             struct buffer *scratch, bool *found, struct error *err)
{
    sqlite3_stmt *statement = probe->statement;
    const struct feature_view *view = probe->view->view;
    enum status status = STATUS_OK;
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, PARAMETER_AT, at_us);
    sqlite3_bind_int64(statement, PARAMETER_OLDEST, oldest_at(probe->request, view, at_us));
    for (size_t i = 0; i < view->key_count && !status; i++)
        status = sqlite_bind(statement, PARAMETERS_OWN + 1 + (int)i, &keys[i], scratch, err);
    return status ? status : sqlite_step(statement, probe->doing, found, err);
}

void sqlite_probe_close(struct sqlite_probe *probe)
{
    sqlite3_finalize(probe->statement);
    probe->statement = NULL;
}
