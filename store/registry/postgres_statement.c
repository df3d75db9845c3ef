/* postgres_statement.c - statements and transactions of the PostgreSQL registry. */
#include "store/registry/postgres_registry.h"

#include <stdio.h>
#include <stdlib.h>

static void expand(struct postgres_registry *r, const char *sql, struct buffer *text)
{
    for (const char *at = sql; *at; at++) {
        if (*at == '@')
            buffer_append_text(text, r->quoted_schema);
        else
            buffer_append_byte(text, (uint8_t)*at);
    }
    buffer_append_byte(text, 0);
}

enum status fail_without_right(struct postgres_registry *r, const char *words, struct error *err)
{
    char *user =
        PQescapeIdentifier(r->connection, PQuser(r->connection), strlen(PQuser(r->connection)));
    const char *name = user ? user : "the user";
    fail(err, STATUS_FAILED,
         "%s; let an owner run: GRANT USAGE, CREATE ON SCHEMA %s TO %s; GRANT ALL ON ALL TABLES IN "
         "SCHEMA %s TO %s (to serve, USAGE and SELECT are enough)",
         words, r->quoted_schema, name, r->quoted_schema, name);
    PQfreemem(user);
    return STATUS_FAILED;
}

/* What a failure means here. err holds PostgreSQL's words for it. */
static enum status explain(struct postgres_registry *r, const char *doing, const PGresult *result,
                           struct error *err)
{
    snprintf(r->sqlstate, sizeof r->sqlstate, "%s", postgres_sqlstate(result));
    if (strcmp(r->sqlstate, "42P01") == 0 || strcmp(r->sqlstate, "3F000") == 0)
        return fail(err, STATUS_NOT_FOUND,
                    "%s: there is no registry in the schema %s of this database: run larder apply",
                    doing, r->quoted_schema);
    enum status status = postgres_fail(r->connection, result, doing, err);
    if (strcmp(r->sqlstate, "42703") == 0 && err)
        return fail(err, status,
                    "%s: the schema %s holds tables that are not larder's: set another "
                    "registry schema in larder.yaml",
                    doing, r->quoted_schema);
    if (strcmp(r->sqlstate, "42501") == 0) {
        char words[ERROR_MESSAGE_SIZE];
        snprintf(words, sizeof words, "%s: %s", doing,
                 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        return fail_without_right(r, words, err);
    }
    return status;
}

enum status statement_query(struct postgres_registry *r, const char *doing, const char *sql,
                            int count, const char *const *values, PGresult **result,
                            struct error *err)
{
    struct buffer text;
    buffer_init(&text, 0);
    expand(r, sql, &text);
    PGresult *answer =
        postgres_wait_query(r->connection, &r->limit, (const char *)text.data, count, values);
    buffer_release(&text);
    if (!answer)
        return postgres_no_answer(doing, err);
    ExecStatusType outcome = PQresultStatus(answer);
    enum status status = STATUS_OK;
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK)
        status = explain(r, doing, answer, err);
    if (result && !status)
        *result = answer;
    else
        PQclear(answer);
    return status;
}

enum status statement_run(struct postgres_registry *r, const char *doing, const char *sql,
                          struct error *err)
{
    return statement_query(r, doing, sql, 0, NULL, NULL, err);
}

const char *decimal(int64_t number, char text[DECIMAL_SIZE])
{
    snprintf(text, DECIMAL_SIZE, "%" PRId64, number);
    return text;
}

const char *decimal_unsigned(uint64_t number, char text[DECIMAL_SIZE])
{
    snprintf(text, DECIMAL_SIZE, "%" PRIu64, number);
    return text;
}

int64_t cell_int64(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

uint64_t cell_uint64(const PGresult *result, int row, int column)
{
    return strtoull(PQgetvalue(result, row, column), NULL, 10);
}

int64_t statement_rows(PGresult *result)
{
    return strtoll(PQcmdTuples(result), NULL, 10);
}

const char *storable_text(struct postgres_registry *r, const char *text, struct arena *arena)
{
    const char *encoding = PQparameterStatus(r->connection, "server_encoding");
    if (encoding && strcmp(encoding, "UTF8") == 0)
        return text;
    char *plain = arena_text(arena, text);
    for (char *at = plain; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return plain;
}

enum status transaction_begin(struct postgres_registry *r, struct error *err)
{
    enum status status = statement_run(r, "beginning a transaction", "BEGIN", err);
    if (status)
        return status;
    const char *const values[] = {r->schema};
    status = statement_query(r, "waiting for other changes of the registry",
                             "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", 1, values,
                             NULL, err);
    if (status)
        transaction_rollback(r);
    return status;
}

enum status transaction_commit(struct postgres_registry *r, struct error *err)
{
    enum status status = statement_run(r, "committing", "COMMIT", err);
    if (status == STATUS_UNAVAILABLE)
        return fail_within(err, "it is not known whether this was done, so run it again");
    if (status)
        transaction_rollback(r);
    return status;
}

void transaction_rollback(struct postgres_registry *r)
{
    PQclear(PQexec(r->connection, "ROLLBACK"));
}

enum status notify_version(struct postgres_registry *r, const char *project, uint64_t version,
                           struct error *err)
{
    const char *const values[] = {r->schema, project,
                                  decimal_unsigned(version, (char[DECIMAL_SIZE]){0})};
    return statement_query(r, "notifying servers", "SELECT pg_notify($1, $2 || ' ' || $3)", 3,
                           values, NULL, err);
}
