/* postgres_connection.c - see postgres_connection.h. */
#include "store/postgres_connection.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whatever the role, the database or the server says otherwise. */
static const char *const session_settings = "SET TimeZone = 'UTC';"
                                            "SET DateStyle = 'ISO, YMD';"
                                            "SET IntervalStyle = 'iso_8601';"
                                            "SET bytea_output = 'hex';"
                                            "SET extra_float_digits = 3;"
                                            "SET standard_conforming_strings = on;"
                                            "SET synchronous_commit = on;"
                                            "SET application_name = 'larder'";

/* Notices would go to standard error, which belongs to the command. */
static void drop_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

/* A password with a bare '@' or '/' makes libpq take a part of it for a host, a port or a database,
 * and say so in its error. Such a url is refused before libpq sees it. */
static bool splits_wrongly(const char *url)
{
    const char *scheme_end = strstr(url, "://");
    if (!scheme_end)
        return false;
    const char *authority = scheme_end + 3;
    size_t size = strcspn(authority, "?");
    const char *at = memchr(authority, '@', size);
    const char *slash = memchr(authority, '/', size);
    if (!at)
        return false;
    return (slash && slash < at) || memchr(at + 1, '@', size - (size_t)(at + 1 - authority));
}

static bool option_is_a_port(const PQconninfoOption *option)
{
    return strcmp(option->keyword, "port") != 0 || !option->val ||
           strspn(option->val, "0123456789,") == strlen(option->val);
}

static enum status check_url(const char *url, struct error *err)
{
    if (splits_wrongly(url))
        return fail(err, STATUS_INVALID,
                    "the url of PostgreSQL does not come apart as one: in its user and password "
                    "write @ as %%40 and / as %%2F");
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &words);
    /* libpq quotes what it could not read, and that may be the password. */
    bool may_hold_secret = strchr(url, '@') || strstr(url, "pass");
    enum status status = STATUS_OK;
    if (!options)
        status = fail(err, STATUS_INVALID,
                      "the url of PostgreSQL cannot be read (%s); it should look like "
                      "postgresql://user@host:5432/database",
                      words && !may_hold_secret ? words : "it is not shown, for its password");
    for (PQconninfoOption *option = options; option && option->keyword && !status; option++)
        if (!option_is_a_port(option))
            status = fail(err, STATUS_INVALID,
                          "the url of PostgreSQL has a port that is not a number; in its user and "
                          "password write : as %%3A, @ as %%40, / as %%2F and ? as %%3F");
    PQconninfoFree(options);
    PQfreemem(words);
    return status;
}

/* libpq's words on one line: a line for each address, and below some a question, behind a tab, that
 * our advice answers. */
static void take_words(PGconn *connection, char *words, size_t size)
{
    const char *line = PQerrorMessage(connection);
    size_t length = 0;
    words[0] = '\0';
    while (*line && length < size) {
        size_t end = strcspn(line, "\n");
        if (end > 0 && *line != '\t')
            length += (size_t)snprintf(words + length, size - length, "%s%.*s", length ? "; " : "",
                                       (int)end, line);
        line += end + (line[end] == '\n');
    }
    for (char *twice; (twice = strstr(words, "  "));) /* behind "FATAL:" */
        memmove(twice, twice + 1, strlen(twice));
}

/* libpq has no code for what a server said while it was connecting, only these words. */
static bool names_unknown(const char *words, const char *what)
{
    const char *at = strstr(words, what);
    return at && strstr(at, "\" does not exist");
}

static enum status refused(PGconn *connection, struct error *err)
{
    char words[1024];
    take_words(connection, words, sizeof words);
    const char *advice = "check that it runs and that the url in larder.yaml is right";
    if (PQconnectionNeedsPassword(connection))
        advice = "it wants a password: give one in the url, through ${NAME}, or in ~/.pgpass";
    else if (PQconnectionUsedPassword(connection))
        advice = "check the user, the password and the database of the url in larder.yaml";
    else if (names_unknown(words, "database \""))
        advice = "createdb makes it, or correct the url in larder.yaml";
    else if (names_unknown(words, "role \""))
        advice = "createuser makes the role; or name another in the url in larder.yaml";
    return fail(err, STATUS_UNAVAILABLE, "cannot connect to PostgreSQL: %s; %s", words, advice);
}

static PGconn *begin_connecting(const char *url)
{
    /* What stands before dbname is a default that the url may override. Keepalives let a listener
     * notice within a minute that the other machine is gone. */
    const char *const keywords[] = {"keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "dbname",
                                    "client_encoding",
                                    NULL};
    const char *const values[] = {"30", "10", "3", "60000", url, "UTF8", NULL};
    PGconn *begun = PQconnectStartParams(keywords, values, 1);
    if (!begun)
        out_of_memory();
    PQsetNoticeReceiver(begun, drop_notice, NULL);
    return begun;
}

/* libpq itself heeds connect_timeout only where it waits itself. */
static uint32_t connect_timeout_ms(PGconn *connection, uint32_t otherwise_ms)
{
    uint32_t timeout_ms = otherwise_ms;
    PQconninfoOption *options = PQconninfo(connection);
    for (PQconninfoOption *option = options; option && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val) {
            long seconds = strtol(option->val, NULL, 10);
            if (seconds > 0 && seconds < UINT32_MAX / 1000)
                timeout_ms = (uint32_t)seconds * 1000;
        }
    PQconninfoFree(options);
    return timeout_ms;
}

static enum status finish_connecting(PGconn *connection, const struct postgres_limit *limit,
                                     struct error *err)
{
    struct postgres_limit connecting = {
        .timeout_ms = connect_timeout_ms(connection, limit->timeout_ms),
        .wake_fd = limit->wake_fd,
    };
    if (PQstatus(connection) != CONNECTION_BAD && !postgres_wait_connected(connection, &connecting))
        return fail(err, STATUS_UNAVAILABLE,
                    "cannot connect to PostgreSQL: %s, port %s, does not answer; check that it "
                    "runs and that the url in larder.yaml is right",
                    PQhost(connection), PQport(connection));
    if (PQstatus(connection) != CONNECTION_OK)
        return refused(connection, err);
    return postgres_run_within(connection, limit, "preparing the session", session_settings, err);
}

enum status postgres_connect_within(const char *url, const struct postgres_limit *limit,
                                    PGconn **connection, struct error *err)
{
    *connection = NULL;
    enum status status = check_url(url, err);
    if (status)
        return status;
    PGconn *begun = begin_connecting(url);
    status = finish_connecting(begun, limit, err);
    if (status) {
        PQfinish(begun);
        return status;
    }
    *connection = begun;
    return STATUS_OK;
}

enum status postgres_connect(const char *url, uint32_t timeout_ms, PGconn **connection,
                             struct error *err)
{
    const struct postgres_limit limit = {.timeout_ms = timeout_ms, .wake_fd = -1};
    return postgres_connect_within(url, &limit, connection, err);
}

const char *postgres_sqlstate(const PGresult *result)
{
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    return sqlstate ? sqlstate : "";
}

enum status postgres_no_answer(const char *doing, struct error *err)
{
    return fail(err, STATUS_UNAVAILABLE, "%s: PostgreSQL does not answer", doing);
}

static enum status status_of_sqlstate(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum status status;
    } meanings[] = {
        {"57014", STATUS_CANCELLED},   /* query_canceled */
        {"57P01", STATUS_UNAVAILABLE}, /* admin_shutdown */
        {"57P02", STATUS_UNAVAILABLE}, /* crash_shutdown */
        {"57P03", STATUS_UNAVAILABLE}, /* cannot_connect_now */
        {"08", STATUS_UNAVAILABLE},    /* connection exceptions */
        {"53100", STATUS_EXHAUSTED},   /* disk_full */
        {"53200", STATUS_EXHAUSTED},   /* out_of_memory */
    };
    for (size_t i = 0; i < COUNT_OF(meanings); i++)
        if (strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)) == 0)
            return meanings[i].status;
    return STATUS_FAILED;
}

/* One more of PostgreSQL's own sentences, if there is one. */
static void append_field(struct buffer *words, const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    if (text)
        buffer_printf(words, "; %s", text);
}

/* What to do, where PostgreSQL does not say so itself. */
static void append_hint(struct buffer *words, const char *sqlstate, const char *primary,
                        const char *user)
{
    if (strcmp(sqlstate, "42501") == 0)
        buffer_printf(words, "; the user %s lacks a right: GRANT it, or connect as another user",
                      user);
    if (strcmp(sqlstate, "57014") == 0 && strstr(primary, "statement timeout"))
        buffer_printf(words,
                      "; the setting statement_timeout is too short for it: ALTER ROLE %s SET "
                      "statement_timeout = 0 lifts that",
                      user);
}

/* libpq's own words, of which there may be several lines. */
static enum status fail_without_result(PGconn *connection, enum status status, const char *doing,
                                       struct error *err)
{
    const char *words = PQerrorMessage(connection);
    if (PQstatus(connection) != CONNECTION_BAD || !*words)
        return fail(err, status, "%s: %s", doing, words);
    return fail(err, status, "%s: the connection to PostgreSQL broke: %.*s", doing,
                (int)strcspn(words, "\n"), words);
}

enum status postgres_fail(PGconn *connection, const PGresult *result, const char *doing,
                          struct error *err)
{
    const char *sqlstate = postgres_sqlstate(result);
    enum status status = status_of_sqlstate(sqlstate);
    if (PQstatus(connection) == CONNECTION_BAD && status == STATUS_FAILED)
        status = STATUS_UNAVAILABLE;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!primary)
        return fail_without_result(connection, status, doing, err);
    struct buffer words;
    buffer_init(&words, 0);
    buffer_append_text(&words, primary);
    append_field(&words, result, PG_DIAG_MESSAGE_DETAIL);
    append_field(&words, result, PG_DIAG_MESSAGE_HINT);
    append_hint(&words, sqlstate, primary, PQuser(connection));
    fail(err, status, "%s: %.*s", doing, (int)words.size, (const char *)buffer_bytes(&words).data);
    buffer_release(&words);
    return status;
}

/* Takes the result: drops it or hands it out. */
static enum status finish(PGconn *connection, const char *doing, PGresult *answer,
                          PGresult **result, struct error *err)
{
    switch (PQresultStatus(answer)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
        if (result)
            *result = answer;
        else
            PQclear(answer);
        return STATUS_OK;
    default:
        break;
    }
    enum status status = postgres_fail(connection, answer, doing, err);
    PQclear(answer);
    return status;
}

enum status postgres_query(PGconn *connection, const char *doing, const char *sql, int count,
                           const char *const *values, PGresult **result, struct error *err)
{
    if (result)
        *result = NULL;
    PGresult *answer = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    return finish(connection, doing, answer, result, err);
}

enum status postgres_run(PGconn *connection, const char *doing, const char *sql, struct error *err)
{
    return finish(connection, doing, PQexec(connection, sql), NULL, err);
}

enum status postgres_run_within(PGconn *connection, const struct postgres_limit *limit,
                                const char *doing, const char *sql, struct error *err)
{
    PGresult *answer = postgres_wait_run(connection, limit, sql);
    return answer ? finish(connection, doing, answer, NULL, err) : postgres_no_answer(doing, err);
}

/* What libpq will not quote (bytes that are not UTF-8) becomes a quoted nothing, which PostgreSQL
 * refuses wherever it stands. */
static void append_quoted(struct buffer *sql, char *quoted)
{
    buffer_append_text(sql, quoted ? quoted : "\"\"");
    PQfreemem(quoted);
}

void postgres_append_identifier(PGconn *connection, struct buffer *sql, const char *identifier)
{
    append_quoted(sql, PQescapeIdentifier(connection, identifier, strlen(identifier)));
}

void postgres_append_literal(PGconn *connection, struct buffer *sql, const char *text)
{
    append_quoted(sql, PQescapeLiteral(connection, text, strlen(text)));
}

/* Copies the name that begins at `from` up to its dot or the end, taking SQL's double quotes off
 * where it is written with them. Returns where it ends. */
static const char *take_part(const char *from, struct buffer *part)
{
    bool quoted = *from == '"';
    const char *at = quoted ? from + 1 : from;
    for (; *at && (quoted || *at != '.'); at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        buffer_append_byte(part, (uint8_t)*at);
    }
    buffer_append_byte(part, 0);
    return at;
}

void postgres_append_table(PGconn *connection, struct buffer *sql, const char *table)
{
    struct buffer part;
    buffer_init(&part, 0);
    const char *at = table;
    for (;;) {
        buffer_clear(&part);
        at = take_part(at, &part);
        postgres_append_identifier(connection, sql, (const char *)part.data);
        if (*at != '.')
            break;
        buffer_append_byte(sql, '.');
        at++;
    }
    /* Something behind a closing quote: no table is named so, and PostgreSQL is to say it. */
    if (*at)
        append_quoted(sql, NULL);
    buffer_release(&part);
}
