/* test_registry_connection.c - connections to PostgreSQL: how they are set, and what failures say.
 */
#include "store/postgres_connection.h"

#include "tests/support/postgres_database.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 5000 };

static struct postgres_database database;

struct fixture {
    PGconn *connection;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    if (postgres_connect(database.url, TIMEOUT_MS, &f->connection, &f->err))
        fail_msg("%s", f->err.message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    PQfinish(f->connection);
    free(f);
    return 0;
}

static enum status connect_to(const char *url, struct error *err)
{
    PGconn *connection;
    enum status status = postgres_connect(url, TIMEOUT_MS, &connection, err);
    if (status)
        assert_null(connection);
    PQfinish(connection);
    return status;
}

static void a_server_that_is_down_is_named_with_what_to_do(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(connect_to("postgresql://somebody:hidden@127.0.0.1:1/flights", &err),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    assert_non_null(strstr(err.message, "port 1"));
    assert_non_null(strstr(err.message, "larder.yaml"));
    assert_null(strstr(err.message, "hidden"));
}

static void no_url_that_is_refused_shows_its_password(void **state)
{
    static const char *const urls[] = {
        "postgresql://user:hid@den@127.0.0.1:1/db",
        "postgresql://user:den/hid@127.0.0.1:1/db",
        "postgresql://user:hid?den@127.0.0.1:1/db",
        "postgresql://user:hid?den/x@127.0.0.1:1/db",
        "postgresql://user:hid:den@127.0.0.1:1/db",
        "postgresql://user:hid%zzden@127.0.0.1:1/db",
        "postgresql://user:12/hid@den@127.0.0.1:1/db",
        "postgresql:/user:hidden@127.0.0.1:1/db",
        "mysql://user:hidden@127.0.0.1:1/db",
        "user:hidden@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?password=hidden&bad",
        "host=127.0.0.1 port=1 password='hidden",
        "host=127.0.0.1 port=1 password=hidden",
        "host=127.0.0.1 port=hidden",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct error err;
        enum status status = connect_to(urls[i], &err);
        assert_true(status == STATUS_INVALID || status == STATUS_UNAVAILABLE);
        if (strstr(err.message, "hid") || strstr(err.message, "den"))
            fail_msg("%s gave: %s", urls[i], err.message);
    }
}

static void passwords_with_escaped_signs_are_taken(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(connect_to("postgresql://u:a%40b%2Fc@127.0.0.1:1/db", &err),
                     STATUS_UNAVAILABLE);
    assert_int_equal(connect_to("postgresql://%2Fno%2Fsuch%2Ffolder/db", &err), STATUS_UNAVAILABLE);
    assert_int_equal(connect_to("postgresql:///db?host=/no/such/folder&user=me@there", &err),
                     STATUS_UNAVAILABLE);
}

/* A port of ours that nobody answers at, and the url of a server there. */
static int listen_and_say_nothing(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    struct error err;
    PGconn *connection;
    char url[128];
    int port, fd = listen_and_say_nothing(8, &port);
    snprintf(url, sizeof url, "postgresql://somebody:hidden@127.0.0.1:%d/flights", port);
    assert_int_equal(postgres_connect(url, 100, &connection, &err), STATUS_UNAVAILABLE);
    assert_null(connection);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    assert_non_null(strstr(err.message, "does not answer"));
    assert_null(strstr(err.message, "hidden"));
    close(fd);
}

static void whoever_is_woken_does_not_wait_for_a_server_that_says_nothing(void **state)
{
    (void)state;
    PGconn *connection;
    char url[128];
    int port, fd = listen_and_say_nothing(8, &port), wake_fd = eventfd(1, 0);
    snprintf(url, sizeof url, "postgresql://somebody@127.0.0.1:%d/flights", port);
    const struct postgres_limit limit = {.timeout_ms = 0, .wake_fd = wake_fd};
    assert_int_equal(postgres_connect_within(url, &limit, &connection, NULL), STATUS_UNAVAILABLE);
    close(wake_fd);
    close(fd);
}

/* A full backlog drops what comes, as a firewall does. */
static void an_address_that_swallows_everything_is_passed_over(void **state)
{
    (void)state;
    struct error err;
    PGconn *connection;
    char url[1280];
    int port, clients[4], fd = listen_and_say_nothing(0, &port);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((uint16_t)port);
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(clients[i], (struct sockaddr *)&address, sizeof address);
    }
    snprintf(url, sizeof url, "postgresql://%s@127.0.0.1:%d,%s:%s/%s", PQuser(database.session),
             port, PQhost(database.session), PQport(database.session), database.name);
    if (postgres_connect(url, 300, &connection, &err))
        fail_msg("%s", err.message);
    assert_string_equal(PQport(connection), PQport(database.session));
    PQfinish(connection);
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        close(clients[i]);
    close(fd);
}

static void a_statement_that_takes_too_long_is_given_up_with_its_connection(void **state)
{
    struct fixture *f = *state;
    const struct postgres_limit limit = {.timeout_ms = 100, .wake_fd = -1};
    assert_int_equal(
        postgres_run_within(f->connection, &limit, "sleeping", "SELECT pg_sleep(600)", &f->err),
        STATUS_UNAVAILABLE);
    assert_string_equal(f->err.message, "sleeping: PostgreSQL does not answer");
    assert_int_equal(postgres_run(f->connection, "asking", "SELECT 1", &f->err),
                     STATUS_UNAVAILABLE);
}

static void whoever_is_woken_gives_a_statement_up(void **state)
{
    struct fixture *f = *state;
    const struct postgres_limit limit = {.timeout_ms = 0, .wake_fd = eventfd(1, 0)};
    assert_int_equal(postgres_run_within(f->connection, &limit, "asking", "SELECT 1", &f->err),
                     STATUS_OK);
    assert_int_equal(
        postgres_run_within(f->connection, &limit, "sleeping", "SELECT pg_sleep(600)", &f->err),
        STATUS_UNAVAILABLE);
    close(limit.wake_fd);
}

/* The server trusts everybody, so a rule is put before its own for one user, and taken back. */
static void a_wrong_password_is_told_and_not_shown(void **state)
{
    char file[256], sql[1024], url[1024];
    struct error err;
    PGconn *session = database.session;
    (void)state;
    sql_text(session, "SHOW hba_file", file);
    sql_run(session, "CREATE ROLE larder_secretive LOGIN PASSWORD 'right'");
    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE rules AS SELECT pg_read_file('%s') AS text;"
             "COPY (SELECT unnest(ARRAY['host all larder_secretive all scram-sha-256']"
             " || string_to_array(text, E'\\n')) FROM rules) TO '%s' WITH (DELIMITER E'\\x01')",
             file, file);
    sql_run(session, sql);
    sql_run(session, "SELECT pg_reload_conf(), pg_sleep(0.3)");
    enum status wrong =
        connect_to(postgres_database_url_as(&database, "larder_secretive", "hidden", url), &err);
    struct error none;
    enum status missing =
        connect_to(postgres_database_url_as(&database, "larder_secretive", NULL, url), &none);
    enum status right =
        connect_to(postgres_database_url_as(&database, "larder_secretive", "right", url), NULL);
    snprintf(sql, sizeof sql,
             "COPY (SELECT unnest(string_to_array(text, E'\\n')) FROM rules) TO '%s'"
             " WITH (DELIMITER E'\\x01')",
             file);
    sql_run(session, sql);
    sql_run(session, "SELECT pg_reload_conf(); DROP ROLE larder_secretive");
    assert_int_equal(wrong, STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "password authentication failed"));
    assert_null(strstr(err.message, "hidden"));
    assert_int_equal(missing, STATUS_UNAVAILABLE);
    assert_non_null(strstr(none.message, "wants a password"));
    assert_int_equal(right, STATUS_OK);
}

static void a_session_is_set_whatever_the_database_says(void **state)
{
    struct fixture *f = *state;
    char name[64], sql[512];
    snprintf(name, sizeof name, "%s", database.name);
    snprintf(sql, sizeof sql,
             "ALTER DATABASE %s SET timezone = 'Asia/Kathmandu'; ALTER DATABASE %s SET datestyle ="
             " 'German'; ALTER DATABASE %s SET synchronous_commit = off",
             name, name, name);
    sql_run(database.session, sql);
    PGconn *connection;
    assert_int_equal(postgres_connect(database.url, TIMEOUT_MS, &connection, &f->err), STATUS_OK);
    snprintf(sql, sizeof sql, "ALTER DATABASE %s RESET ALL", name);
    sql_run(database.session, sql);
    char cell[256];
    assert_string_equal(sql_text(connection, "SELECT timestamptz '2020-01-02T03:04:05Z'", cell),
                        "2020-01-02 03:04:05+00");
    assert_string_equal(sql_text(connection, "SELECT 0.1::float8 + 0.2::float8", cell),
                        "0.30000000000000004");
    assert_string_equal(sql_text(connection, "SHOW synchronous_commit", cell), "on");
    assert_string_equal(sql_text(connection, "SHOW application_name", cell), "larder");
    assert_string_equal(sql_text(connection, "SHOW client_encoding", cell), "UTF8");
    PQfinish(connection);
}

static void check_failure(struct fixture *f, const char *sql, enum status expected,
                          const char *words)
{
    enum status status = postgres_run(f->connection, "trying a thing", sql, &f->err);
    if (status != expected || strncmp(f->err.message, "trying a thing: ", 16) != 0 ||
        !strstr(f->err.message, words))
        fail_msg("%s: %s: %s", sql, status_name(status), f->err.message);
    assert_null(strchr(f->err.message, '\n'));
}

static void failures_have_a_status_and_the_words_of_the_server(void **state)
{
    struct fixture *f = *state;
    check_failure(f, "SELECT 1/0", STATUS_FAILED, "division by zero");
    check_failure(f, "SELECT no_such_column", STATUS_FAILED, "no_such_column");
    check_failure(f, "SET statement_timeout = 50; SELECT pg_sleep(60)", STATUS_CANCELLED,
                  "statement timeout");
    check_failure(f,
                  "DO $$BEGIN RAISE 'a' USING ERRCODE = '53100', DETAIL = 'b',"
                  " HINT = E'c\\nd'; END$$",
                  STATUS_EXHAUSTED, "a; b; c d");
    check_failure(f, "DO $$BEGIN RAISE 'a' USING ERRCODE = '53200'; END$$", STATUS_EXHAUSTED, "a");
    check_failure(f, "DO $$BEGIN RAISE 'a' USING ERRCODE = '42501'; END$$", STATUS_FAILED, "GRANT");
    check_failure(f, "DO $$BEGIN RAISE 'a' USING ERRCODE = '57P03'; END$$", STATUS_UNAVAILABLE,
                  "a");
    check_failure(f, "DO $$BEGIN RAISE 'a' USING ERRCODE = '08006'; END$$", STATUS_UNAVAILABLE,
                  "a");
}

static void a_connection_that_ends_is_unavailable_from_then_on(void **state)
{
    struct fixture *f = *state;
    check_failure(f, "SELECT pg_terminate_backend(pg_backend_pid())", STATUS_UNAVAILABLE,
                  "terminating connection");
    check_failure(f, "SELECT 1", STATUS_UNAVAILABLE, "no connection");
}

static void a_statement_and_its_parameters_give_a_result(void **state)
{
    struct fixture *f = *state;
    PGresult *result;
    const char *const values[] = {"'; DROP TABLE x; --", NULL};
    assert_int_equal(postgres_query(f->connection, "asking", "SELECT $1::text, $2::text IS NULL", 2,
                                    values, &result, &f->err),
                     STATUS_OK);
    assert_string_equal(PQgetvalue(result, 0, 0), values[0]);
    assert_string_equal(PQgetvalue(result, 0, 1), "t");
    PQclear(result);
    assert_int_equal(
        postgres_query(f->connection, "asking", "SELECT 1/0", 0, NULL, &result, &f->err),
        STATUS_FAILED);
    assert_null(result);
    assert_string_equal(postgres_sqlstate(NULL), "");
}

static void names_and_texts_are_quoted(void **state)
{
    static const struct {
        const char *table, *quoted;
    } cases[] = {
        {"weather", "\"weather\""},
        {"public.weather", "\"public\".\"weather\""},
        {"public.Weather; DROP", "\"public\".\"Weather; DROP\""},
        {"a\"b.c", "\"a\"\"b\".\"c\""},
        {"\"a.b\".\"c\"\"d\"", "\"a.b\".\"c\"\"d\""},
        {"\"a\"b", "\"a\"\"\""}, /* never a table */
        {"a.", "\"a\".\"\""},
        {"", "\"\""},
        {"\"open", "\"open\""},
        {"\xff", "\"\""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buffer sql;
        buffer_init(&sql, 0);
        postgres_append_table(f->connection, &sql, cases[i].table);
        buffer_append_byte(&sql, 0);
        assert_string_equal((const char *)sql.data, cases[i].quoted);
        buffer_release(&sql);
    }
    struct buffer sql;
    buffer_init(&sql, 0);
    postgres_append_literal(f->connection, &sql, "it's \\ here");
    buffer_append_byte(&sql, 0);
    assert_string_equal((const char *)sql.data, " E'it''s \\\\ here'");
    buffer_clear(&sql);
    postgres_append_literal(f->connection, &sql, "\xff");
    buffer_append_byte(&sql, 0);
    assert_string_equal((const char *)sql.data, "\"\"");
    buffer_release(&sql);
}

int main(void)
{
#define CONNECTED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_is_down_is_named_with_what_to_do),
        cmocka_unit_test(no_url_that_is_refused_shows_its_password),
        cmocka_unit_test(passwords_with_escaped_signs_are_taken),
        cmocka_unit_test(a_wrong_password_is_told_and_not_shown),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
        cmocka_unit_test(whoever_is_woken_does_not_wait_for_a_server_that_says_nothing),
        cmocka_unit_test(an_address_that_swallows_everything_is_passed_over),
        CONNECTED(a_statement_that_takes_too_long_is_given_up_with_its_connection),
        CONNECTED(whoever_is_woken_gives_a_statement_up),
        CONNECTED(a_session_is_set_whatever_the_database_says),
        CONNECTED(failures_have_a_status_and_the_words_of_the_server),
        CONNECTED(a_connection_that_ends_is_unavailable_from_then_on),
        CONNECTED(a_statement_and_its_parameters_give_a_result),
        CONNECTED(names_and_texts_are_quoted),
    };
    postgres_database_make(&database, "connection");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_database_drop(&database);
    return failed;
}
